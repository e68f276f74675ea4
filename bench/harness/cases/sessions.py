"""Logins a second, and the memory of sessions that do nothing."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from bench.harness.accounting import memory
from bench.harness.clients.jobs import Job
from bench.harness.clients.processes import clients
from bench.harness.figures import CROSSDOCK, Kind, Sample
from bench.harness.measuring import per_second, run_jobs
from bench.harness.plan import Bench, Case, Plan
from bench.harness.servers.running import Running

ADDRESSES = tuple(f"127.1.0.{number}" for number in range(1, 41))
"""Where many sessions come from, so that none of them meets a limit for one address."""
FIRST = 50
"""Sessions that are there when further ones are counted."""
CONCURRENCY = 16


def logins(bench: Bench, server: Running, *, case: str, way: str, concurrency: int) -> list[Sample]:
    count = bench.plan.logins
    run = run_jobs(bench, server, [Job(what="logins", endpoint=server.by(way), count=count, concurrency=concurrency)])
    return [per_second(case, server.name, run, count)]


def idle_sessions(bench: Bench, name: str, *, case: str, way: str, count: int, is_total: bool) -> list[Sample]:
    """KiB of each session, or MiB of the whole server with all of them (PSS of its processes).

    The memory of each is that of further sessions beside the first ones, which stay too: what a server needs once, and
    the function processes of logins, are there by then.
    """
    first, further = (0, count) if is_total else (FIRST, count)
    sources = ADDRESSES if is_total else ()
    with bench.start(name) as server, ExitStack() as stack:
        found = []
        for number in (first, further):
            job = Job(what="sessions", endpoint=server.by(way), count=number, concurrency=CONCURRENCY, sources=sources)
            stack.enter_context(clients([job], module=bench.client_module, environment=bench.environment))()
            found.append(memory(server.roots).pss_kib)
    value = found[1] / 1024 if is_total else (found[1] - found[0]) / count
    return [Sample(case=case, server=name, value=value)]


def login_cases(plan: Plan, *, way: str, prefix: str = "") -> Sequence[Case]:
    """`prefix` begins the names of the cases."""
    shapes = [
        (f"{prefix}logins", 1, "one after the other"),
        (f"{prefix}logins-{plan.login_concurrency}", plan.login_concurrency, f"{plan.login_concurrency} at a time"),
    ]
    return [
        Case(
            name=case,
            kinds=[Kind(case=case, title=f"Logins, {how}", unit="logins/s", per="login")],
            measure=partial(logins, case=case, way=way, concurrency=concurrency),
        )
        for case, concurrency, how in shapes
    ]


def session_cases(plan: Plan, *, way: str, prefix: str = "") -> Sequence[Case]:
    each, total = f"{prefix}sessions-{plan.sessions}", f"{prefix}sessions-{plan.many_sessions}"
    each_kind = Kind(
        case=each, title=f"Memory of each of {plan.sessions} idle sessions", unit="KiB", more_is_better=False
    )
    total_kind = Kind(
        case=total,
        title=f"Memory of the server with {plan.many_sessions:,} idle sessions",
        unit="MiB",
        more_is_better=False,
    )
    return [
        Case(
            name=each,
            kinds=[each_kind],
            measure_fresh=partial(idle_sessions, case=each, way=way, count=plan.sessions, is_total=False),
            runs=1,
        ),
        Case(
            name=total,
            kinds=[total_kind],
            measure_fresh=partial(idle_sessions, case=total, way=way, count=plan.many_sessions, is_total=True),
            only=frozenset({CROSSDOCK}),
            runs=1,
        ),
    ]
