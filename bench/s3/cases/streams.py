"""One large file: to Ceph and back beside other gateways, and to the null S3, where the gateway is all there is."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bench.ftp.runs import run_checked
from bench.ftp.seeding import commands
from bench.harness.accounting import touch_memory
from bench.harness.clients.jobs import Job
from bench.harness.figures import CROSSDOCK, Kind, Sample
from bench.harness.measuring import Run, throughput
from bench.harness.plan import Bench, Case
from bench.harness.seeding import source_file
from bench.harness.servers.running import Running
from bench.s3.seeding import big_of, seed
from bench.s3.servers.aws_cli import AWS_CLI, UPLOADED, run_aws
from bench.s3.servers.rclone import RCLONE
from bench.s3.servers.s3fs import S3FS
from bench.s3.starting import collect_garbage, s3_client, told_as_unavailable
from bench.s3.ways import BUCKET, RGW, RGW_BY_SFTP, STUB, STUB_TLS
from bench.sftp.cases.streams import check_and_remove
from bench.sftp.stock import SFTP, run_stock

WORDS = {"up": "Upload", "down": "Download"}
UP = "up"


def stream(bench: Bench, server: Running, *, case: str, what: str, way: str) -> list[Sample]:
    """MB/s and, where Crossdock's CPU is promised, seconds per GiB as a figure of its own."""
    s3 = RGW if way == RGW_BY_SFTP else way
    seed(bench, s3)
    if what == "up" and s3 == RGW:
        touch_memory(bench.plan.size * 11 // 10, bench.scratch)
    if server.name == AWS_CLI:
        run = run_aws(bench, server, what=what, way=way)
        with told_as_unavailable(f"nothing can be deleted from {s3}"):
            s3_client(bench.scratch, s3).delete_object(Bucket=BUCKET, Key=UPLOADED)
    elif way == RGW_BY_SFTP:
        run = _by_sftp(bench, server, what=what)
    else:
        run = _by_ftp(bench, server, what=what, way=way)
    if what == "up" and s3 == RGW:
        collect_garbage(bench.scratch)
    sample = throughput(case, server.name, run)
    if server.name == AWS_CLI:
        return [replace(sample, server_cpu_s=None)]
    if way != STUB or server.name != CROSSDOCK:
        return [sample]
    cpu_s = run.server_cpu_s / (run.nbytes / (1 << 30))
    return [sample, Sample(case=cpu_case(case), server=server.name, value=cpu_s, foreign=run.foreign)]


def _by_ftp(bench: Bench, server: Running, *, what: str, way: str) -> Run:
    endpoint, size = server.by(way), bench.plan.size
    if what == "down":
        return run_checked(bench, server, [Job(what="down", endpoint=endpoint, path=big_of(size), size=size)])
    run = run_checked(bench, server, [Job(what="stored", endpoint=endpoint, path=UP, size=size)])
    commands(endpoint, [f"DELE {UP}"], "250")
    return run


def _by_sftp(bench: Bench, server: Running, *, what: str) -> Run:
    endpoint, size = server.by(RGW_BY_SFTP), bench.plan.size
    if what == "down":
        return run_stock(bench, server, endpoint, [[f"get {big_of(size)} /dev/null"]], nbytes=size)
    source = source_file(bench.scratch, size)
    check = partial(check_and_remove, stock=SFTP, names=[UP], size=size)
    return run_stock(bench, server, endpoint, [[f"put {source} {UP}"]], nbytes=size, check=check)


def cpu_case(case: str) -> str:
    return f"{case}-cpu"


def stream_case(case: str, title: str, *, what: str, way: str, servers: Sequence[str]) -> Case:
    kinds = [Kind(case=case, title=title, unit="MB/s", per="GiB")]
    if way == STUB:
        cpu = f"{title}: CPU of the gateway"
        kinds.append(Kind(case=cpu_case(case), title=cpu, unit="s/GiB", more_is_better=False))
    measure = partial(stream, case=case, what=what, way=way)
    return Case(name=case, kinds=kinds, measure=measure, only=frozenset(servers))


def stream_cases() -> Sequence[Case]:
    shapes = [
        ("s3-{}", "{} to Ceph by FTP", RGW, (CROSSDOCK, S3FS, RCLONE)),
        ("s3-{}-sftp", "{} to Ceph by SFTP", RGW_BY_SFTP, (CROSSDOCK, RCLONE)),
        ("s3-{}-bare", "{} to Ceph without a gateway", RGW, (AWS_CLI,)),
        ("s3-{}-null", "{} to the null S3 by FTP", STUB, (CROSSDOCK,)),
        ("s3-{}-null-tls", "{} to the null S3 by FTP, which is reached over TLS", STUB_TLS, (CROSSDOCK, AWS_CLI)),
    ]
    return [
        stream_case(case.format(what), _title(title, what), what=what, way=way, servers=servers)
        for case, title, way, servers in shapes
        for what in WORDS
    ]


def _title(title: str, what: str) -> str:
    return title.format(WORDS[what]).replace("Download to", "Download from")
