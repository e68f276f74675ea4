"""How soon answers come: a long listing's first line and its end, and the first byte of a file."""

from collections.abc import Sequence
from functools import partial

from bench.ftp.runs import run_checked
from bench.ftp.seeding import seed, seed_one
from bench.ftp.ways import PLAIN, way
from bench.harness.cases.listing import listing_case
from bench.harness.clients.jobs import Job
from bench.harness.figures import Kind, Sample
from bench.harness.plan import Bench, Case, Plan
from bench.harness.servers.running import Running

SMALL = "first"
SMALL_SIZE = 4096


def first_byte(bench: Bench, server: Running, *, case: str, is_tls: bool) -> list[Sample]:
    endpoint = server.by(way(is_tls=is_tls))
    seed_one(bench, server, SMALL, SMALL_SIZE)
    job = Job(what="first-byte", endpoint=endpoint, path=SMALL, count=bench.plan.first_bytes)
    run = run_checked(bench, server, [job])
    value = run.outcomes[0].figures["median_s"] * 1000
    return [Sample(case=case, server=server.name, value=value, foreign=run.foreign)]


def first_byte_case(*, is_tls: bool) -> Case:
    case = "first-byte" + ("-tls" if is_tls else "")
    title = "From PASV to a file's first byte" + (", TLS" if is_tls else "")
    return Case(
        name=case,
        kinds=[Kind(case=case, title=title, unit="ms", more_is_better=False)],
        measure=partial(first_byte, case=case, is_tls=is_tls),
    )


def answer_cases(plan: Plan) -> Sequence[Case]:
    long_listing = listing_case(plan, name="list", title="LIST", first="first line", way=PLAIN, seed=seed)
    return [long_listing, first_byte_case(is_tls=False), first_byte_case(is_tls=True)]
