"""What was measured, run by run, and what is told of it: medians, ranges and ratios. Pure."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CROSSDOCK = "crossdock"
CORES = 2
GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a figure is: of which case, in which unit, and what its CPU is counted per."""

    case: str
    title: str
    unit: str
    more_is_better: bool = True
    per: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run of one case on one server. CPU is seconds per `Kind.per`: a GiB, a file, a login.

    `foreign` is the share of one core that neither server nor client used.
    """

    case: str
    server: str
    value: float
    server_cpu_s: float | None = None
    client_cpu_s: float | None = None
    foreign: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """All runs of one case on one server."""

    server: str
    value: Spread
    server_cpu_s: float | None
    client_cpu_s: float | None
    foreign: float
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`ratio` is Crossdock's median to the best peer's, turned so that more is better; None without a peer."""

    own: Row
    best: Row | None
    ratio: float | None


def spread(values: Iterable[float]) -> Spread:
    found = sorted(values)
    return Spread(median=statistics.median(found), low=found[0], high=found[-1])


def median_or_none(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def rows(samples: Sequence[Sample], case: str) -> list[Row]:
    """In the order in which the servers first appear."""
    by_server: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.case == case:
            by_server.setdefault(sample.server, []).append(sample)
    return [
        Row(
            server=server,
            value=spread(sample.value for sample in found),
            server_cpu_s=median_or_none(sample.server_cpu_s for sample in found),
            client_cpu_s=median_or_none(sample.client_cpu_s for sample in found),
            foreign=max(sample.foreign for sample in found),
            runs=len(found),
        )
        for server, found in by_server.items()
    ]


def best_peer(found: Sequence[Row], *, more_is_better: bool) -> Row | None:
    peers = [row for row in found if row.server != CROSSDOCK]
    choose = max if more_is_better else min
    return choose(peers, key=lambda row: row.value.median, default=None)


def ratio(own: float, peer: float, *, more_is_better: bool) -> float | None:
    """Above 1 where ours is the better one; None where a figure is no more than noise around nothing."""
    if own <= 0 or peer <= 0:
        return None
    return own / peer if more_is_better else peer / own


def compare(found: Sequence[Row], *, more_is_better: bool) -> Comparison | None:
    """None when Crossdock was not measured."""
    own = next((row for row in found if row.server == CROSSDOCK), None)
    if own is None:
        return None
    best = best_peer(found, more_is_better=more_is_better)
    quotient = None if best is None else ratio(own.value.median, best.value.median, more_is_better=more_is_better)
    return Comparison(own=own, best=best, ratio=quotient)


def best_ratio(comparison: Comparison, *, more_is_better: bool) -> float | None:
    """The ratio of our best run to the peer's worst: what the spread of this run leaves possible."""
    if comparison.best is None:
        return None
    own, peer = comparison.own.value, comparison.best.value
    ends = (own.high, peer.low) if more_is_better else (own.low, peer.high)
    return ratio(*ends, more_is_better=more_is_better)


def ceiling_mb_s(row: Row) -> float | None:
    """What two streams could reach at the cost of one, in MB/s: both cores, shared by server and client."""
    if not row.server_cpu_s or row.client_cpu_s is None:
        return None
    return CORES / (row.server_cpu_s + row.client_cpu_s) * GIB / 1e6
