"""How soon answers come: a long listing's first line and its end, and the first byte of a file."""

from collections.abc import Sequence
from functools import partial

from bench.ftp.client.jobs import Job
from bench.ftp.figures import Kind, Sample
from bench.ftp.measuring import run_jobs, seed, seed_one
from bench.ftp.plan import Bench, Case, Plan
from bench.ftp.servers.running import Running, Unavailable

MANY = "many"
SMALL = "first"
SMALL_SIZE = 4096


def listing(bench: Bench, server: Running) -> list[Sample]:
    count = bench.plan.keys
    seed(bench, server, MANY, count, 1)
    run = run_jobs(bench, server, [Job(what="listing", endpoint=server.plain, path=MANY, count=count)])
    (outcome,) = run.outcomes
    return [
        Sample(
            case=f"list-{count}-first",
            server=server.name,
            value=outcome.figures["first_s"],
            foreign=run.foreign,
        ),
        Sample(
            case=f"list-{count}-all",
            server=server.name,
            value=run.seconds,
            server_cpu_s=run.server_cpu_s,
            client_cpu_s=run.client_cpu_s,
            foreign=run.foreign,
        ),
    ]


def first_byte(bench: Bench, server: Running, *, case: str, is_tls: bool) -> list[Sample]:
    endpoint = server.tls if is_tls else server.plain
    if endpoint is None:
        raise Unavailable(server.no_tls)
    seed_one(bench, server, SMALL, SMALL_SIZE)
    job = Job(what="first-byte", endpoint=endpoint, path=SMALL, count=bench.plan.first_bytes)
    run = run_jobs(bench, server, [job])
    value = run.outcomes[0].figures["median_s"] * 1000
    return [Sample(case=case, server=server.name, value=value, foreign=run.foreign)]


def first_byte_case(*, is_tls: bool) -> Case:
    case = "first-byte" + ("-tls" if is_tls else "")
    title = "From PASV to a file's first byte" + (", TLS" if is_tls else "")
    return Case(
        name=case,
        kinds=[Kind(case=case, title=title, unit="ms", more_is_better=False)],
        measure=partial(first_byte, case=case, is_tls=is_tls),
        needs_tls=is_tls,
    )


def answer_cases(plan: Plan) -> Sequence[Case]:
    entries = f"LIST of {plan.keys:,} files"
    long_listing = Case(
        name="list",
        kinds=[
            Kind(case=f"list-{plan.keys}-first", title=f"{entries}: first line", unit="s", more_is_better=False),
            Kind(case=f"list-{plan.keys}-all", title=f"{entries}: all", unit="s", more_is_better=False, per="listing"),
        ],
        measure=listing,
    )
    return [long_listing, first_byte_case(is_tls=False), first_byte_case(is_tls=True)]
