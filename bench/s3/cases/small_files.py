"""Many files of 4 KiB, one after the other in one session: to Ceph, and to the null S3."""

from collections.abc import Sequence
from functools import partial

from bench.ftp.runs import run_checked
from bench.ftp.seeding import commands
from bench.harness.clients.jobs import Job
from bench.harness.figures import CROSSDOCK, Kind, Sample
from bench.harness.measuring import Run, per_second
from bench.harness.plan import Bench, Case, Plan
from bench.harness.servers.running import Running
from bench.s3.seeding import SMALL, seed
from bench.s3.servers.rclone import RCLONE
from bench.s3.servers.s3fs import S3FS
from bench.s3.ways import RGW, RGW_BY_SFTP, STUB
from bench.sftp.cases.small_files import check_and_remove, small_sources, take_away
from bench.sftp.stock import run_stock

WORDS = {"up": "up", "down": "down"}


def small_files(bench: Bench, server: Running, *, case: str, what: str, way: str) -> list[Sample]:
    seed(bench, RGW if way == RGW_BY_SFTP else way)
    run = (_by_sftp if way == RGW_BY_SFTP else _by_ftp)(bench, server, what=what, way=way)
    return [per_second(case, server.name, run, bench.plan.small_files)]


def _by_ftp(bench: Bench, server: Running, *, what: str, way: str) -> Run:
    plan, endpoint = bench.plan, server.by(way)
    path = "new-" if what == "up" else f"{SMALL}/"
    job = Job(what=f"small-{what}", endpoint=endpoint, path=path, size=plan.small_size, count=plan.small_files)
    run = run_checked(bench, server, [job])
    if what == "up":
        commands(endpoint, [f"DELE {path}{number:06}" for number in range(plan.small_files)], "250")
    return run


def _by_sftp(bench: Bench, server: Running, *, what: str, way: str) -> Run:
    plan, endpoint = bench.plan, server.by(way)
    nbytes = plan.small_files * plan.small_size
    if what == "up":
        check = partial(check_and_remove, count=plan.small_files)
        return run_stock(bench, server, endpoint, [[f"put {small_sources(bench)}"]], nbytes=nbytes, check=check)
    landing = bench.scratch / "landing"
    landing.mkdir(exist_ok=True)
    run = run_stock(bench, server, endpoint, [[f"get {SMALL}/* {landing}/"]], nbytes=nbytes)
    take_away(landing, nbytes)
    return run


def small_cases(plan: Plan) -> Sequence[Case]:
    title = f"{plan.small_files:,} files of {plan.small_size // 1024} KiB"
    shapes = [
        ("s3-small-{}", "{} to Ceph by FTP", RGW, (CROSSDOCK, S3FS, RCLONE)),
        ("s3-small-{}-sftp", "{} to Ceph by SFTP", RGW_BY_SFTP, (CROSSDOCK, RCLONE)),
        ("s3-small-{}-null", "{} to the null S3 by FTP", STUB, (CROSSDOCK,)),
    ]
    found = []
    for name, where, way, servers in shapes:
        for what in WORDS:
            case = name.format(what)
            told = f"{title} {where.format(what)}".replace("down to", "down from")
            kind = Kind(case=case, title=told, unit="files/s", per="file")
            measure = partial(small_files, case=case, what=what, way=way)
            found.append(Case(name=case, kinds=[kind], measure=measure, only=frozenset(servers)))
    return found
