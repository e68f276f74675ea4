"""What is measured of one protocol: its cases, the servers side by side, and what is promised."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.harness.plan import Case, Plan
from bench.harness.servers.running import Adapter, CrossdockAdapter
from bench.harness.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A plot of all cases with this unit, and the name of its file."""

    title: str
    unit: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """`name` is also that of its part of the page.

    `prepare` puts into a folder what all servers share, and returns variables for client processes, which run
    `client_module`; what it starts, the stack ends. `clients` tells of the clients in the heading. `profiled` names
    the cases of `--profile`; `left_out` are sentences about servers that are not there at all.
    """

    name: str
    plan: Plan
    quick: Plan
    cases: Callable[[Plan], Sequence[Case]]
    targets: Sequence[Target]
    crossdock: CrossdockAdapter
    peers: Mapping[str, Adapter]
    prepare: Callable[[Path, ExitStack], Mapping[str, str]]
    client_module: str
    clients: str
    profiled: Sequence[str]
    pictures: Sequence[Picture]
    left_out: Sequence[str] = ()


def chosen_cases(suites: Sequence[Suite], only: Sequence[str], *, is_quick: bool) -> Mapping[str, Sequence[Case]]:
    """Of each suite by name: the cases named, all when none is. Raises ValueError for a name that there is not."""
    found = {suite.name: suite.cases(suite.quick if is_quick else suite.plan) for suite in suites}
    known = [case.name for cases in found.values() for case in cases]
    if unknown := sorted(set(only) - set(known)):
        raise ValueError(f"there is no case {', '.join(unknown)}; there are {', '.join(known)}")
    return {name: [case for case in cases if not only or case.name in only] for name, cases in found.items()}
