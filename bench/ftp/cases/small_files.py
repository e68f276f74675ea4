"""Many files of 4 KiB, one after the other in one session."""

from collections.abc import Sequence
from functools import partial

from bench.ftp.runs import run_checked
from bench.ftp.seeding import commands, seed
from bench.ftp.ways import PLAIN, way
from bench.harness.clients.jobs import Job
from bench.harness.figures import Kind, Sample
from bench.harness.measuring import per_second
from bench.harness.plan import Bench, Case, Plan
from bench.harness.seeding import SEEDING_SESSIONS
from bench.harness.servers.running import Running

FOLDER = "small"


def small_files(bench: Bench, server: Running, *, case: str, what: str, is_tls: bool) -> list[Sample]:
    endpoint = server.by(way(is_tls=is_tls))
    plan = bench.plan
    path = "new-"
    if what == "small-down":
        seed(bench, server, FOLDER, plan.small_files * SEEDING_SESSIONS, plan.small_size)
        path = f"{FOLDER}/0"
    job = Job(what=what, endpoint=endpoint, path=path, size=plan.small_size, count=plan.small_files)
    run = run_checked(bench, server, [job])
    if what == "small-up":
        commands(server.by(PLAIN), [f"DELE {path}{number:06}" for number in range(plan.small_files)], "250")
    return [per_second(case, server.name, run, plan.small_files)]


def small_case(what: str, plan: Plan, *, is_tls: bool) -> Case:
    case = what + ("-tls" if is_tls else "")
    word = "up" if what == "small-up" else "down"
    title = f"{plan.small_files:,} files of {plan.small_size // 1024} KiB {word}" + (", TLS" if is_tls else "")
    return Case(
        name=case,
        kinds=[Kind(case=case, title=title, unit="files/s", per="file")],
        measure=partial(small_files, case=case, what=what, is_tls=is_tls),
    )


def small_cases(plan: Plan) -> Sequence[Case]:
    return [small_case(what, plan, is_tls=is_tls) for is_tls in (False, True) for what in ("small-up", "small-down")]
