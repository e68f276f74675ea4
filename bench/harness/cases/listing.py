"""A long listing: how soon its first names come, and how long it takes."""

from collections.abc import Callable
from functools import partial

from bench.harness.clients.jobs import Job
from bench.harness.figures import Kind, Sample
from bench.harness.measuring import run_jobs
from bench.harness.plan import Bench, Case, Plan
from bench.harness.servers.running import Running

FOLDER = "many"
Seed = Callable[[Bench, Running, str, int, int], None]
"""Have so many files of so many bytes in a directory."""


def listing(bench: Bench, server: Running, *, name: str, way: str, seed: Seed) -> list[Sample]:
    count = bench.plan.keys
    seed(bench, server, FOLDER, count, 1)
    run = run_jobs(bench, server, [Job(what="listing", endpoint=server.by(way), path=FOLDER, count=count)])
    (outcome,) = run.outcomes
    return [
        Sample(
            case=f"{name}-{count}-first",
            server=server.name,
            value=outcome.figures["first_s"],
            foreign=run.foreign,
        ),
        Sample(
            case=f"{name}-{count}-all",
            server=server.name,
            value=run.seconds,
            server_cpu_s=run.server_cpu_s,
            client_cpu_s=run.client_cpu_s,
            foreign=run.foreign,
        ),
    ]


def listing_case(plan: Plan, *, name: str, title: str, first: str, way: str, seed: Seed) -> Case:
    """`title` says what lists, `first` what comes first: a line, or names."""
    entries, case = f"{title} of {plan.keys:,} files", f"{name}-{plan.keys}"
    return Case(
        name=name,
        kinds=[
            Kind(case=f"{case}-first", title=f"{entries}: {first}", unit="s", more_is_better=False),
            Kind(case=f"{case}-all", title=f"{entries}: all", unit="s", more_is_better=False, per="listing"),
        ],
        measure=partial(listing, name=name, way=way, seed=seed),
    )
