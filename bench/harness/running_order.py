"""Every case on every server, run after run, each run beginning with another server."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.harness.clients.jobs import ClientFailed
from bench.harness.figures import Sample
from bench.harness.plan import Bench, Case
from bench.harness.servers.running import Running, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """`problems` are sentences: what was left out, and what failed."""

    samples: list[Sample] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def rotated(names: Sequence[str], run: int) -> list[str]:
    start = run % len(names) if names else 0
    return [*names[start:], *names[:start]]


def measure(bench: Bench, names: Sequence[str], cases: Sequence[Case], results: Results) -> None:
    """Fills `results`, so that what was measured before an interruption is there."""
    with ExitStack() as stack:
        servers = dict(_started(bench, names, results, stack))
        for case in cases:
            runs = case.runs or bench.plan.runs
            wanted = [name for name in servers if not case.only or name in case.only]
            for run in range(runs):
                for name in rotated(wanted, run):
                    _one(bench, case, servers[name], results)


def _started(bench: Bench, names: Sequence[str], results: Results, stack: ExitStack) -> Iterator[tuple[str, Running]]:
    for name in names:
        try:
            server = stack.enter_context(bench.start(name))
        except Unavailable as error:
            _tell(results, f"{name} is left out: {error}")
        else:
            results.versions[name] = server.version
            yield name, server


def _one(bench: Bench, case: Case, server: Running, results: Results) -> None:
    try:
        if case.measure_fresh is not None:
            found = case.measure_fresh(bench, server.name)
        else:
            assert case.measure is not None
            found = case.measure(bench, server)
    except (ClientFailed, Unavailable, OSError) as error:
        _tell(results, f"{case.name}: {server.name} has no figure: {error}")
        return
    results.samples.extend(found)
    for sample in found:
        print(f"{sample.case:20} {sample.server:10} {sample.value:12,.3f}", file=sys.stderr, flush=True)


def _tell(results: Results, sentence: str) -> None:
    if sentence not in results.problems:
        results.problems.append(sentence)
        print(sentence, file=sys.stderr, flush=True)
