"""What Crossdock promises beside other servers, and whether a run keeps it. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bench.harness.figures import CROSSDOCK, Row, Sample, best_ratio, ceiling_mb_s, compare, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerTarget:
    """At least so many times the best peer of the same run, or the one named `peer`.

    A promise of 1.0 is kept where the ranges overlap.
    """

    case: str
    at_least: float
    peer: str = ""
    more_is_better: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingTarget:
    """Two streams, as a share of the ceiling that the single stream's CPU gives."""

    case: str
    single: str
    at_least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitTarget:
    """Crossdock's own figure, at most so much."""

    case: str
    at_most: float
    unit: str


Target = PeerTarget | CeilingTarget | LimitTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`is_met` is None when this run cannot tell; `within_spread` when only the spread of the runs meets it."""

    case: str
    promised: str
    measured: str
    is_met: bool | None
    within_spread: bool = False
    missed_by: float = 0.0

    @property
    def word(self) -> str:
        if self.is_met is None:
            return "not measured"
        if self.is_met:
            return "met, within the spread" if self.within_spread else "met"
        return f"missed by {self.missed_by:.0%}"


def judge(target: Target, samples: Sequence[Sample]) -> Verdict:
    found = rows(samples, target.case)
    match target:
        case PeerTarget():
            return _beside_peers(target, found)
        case CeilingTarget():
            return _under_the_ceiling(target, found, rows(samples, target.single))
        case LimitTarget():
            return _within_a_limit(target, found)


def judge_all(targets: Sequence[Target], samples: Sequence[Sample], cases: Collection[str]) -> list[Verdict]:
    """Of the targets of these cases: what was not asked for is not told."""
    return [judge(target, samples) for target in targets if target.case in cases]


def _beside_peers(target: PeerTarget, found: Sequence[Row]) -> Verdict:
    promised = f"at least {target.at_least:g} times {target.peer or 'the best peer'}"
    if target.peer:
        found = [row for row in found if row.server in (CROSSDOCK, target.peer)]
    comparison = compare(found, more_is_better=target.more_is_better)
    if comparison is None or comparison.best is None or comparison.ratio is None:
        return Verdict(case=target.case, promised=promised, measured="", is_met=None)
    possible = best_ratio(comparison, more_is_better=target.more_is_better)
    reached = comparison.ratio >= target.at_least
    spread_reaches = target.at_least == 1.0 and possible is not None and possible >= 1.0
    return Verdict(
        case=target.case,
        promised=promised,
        measured=f"{comparison.ratio:.2f} times {comparison.best.server}",
        is_met=reached or spread_reaches,
        within_spread=spread_reaches and not reached,
        missed_by=1 - comparison.ratio / target.at_least,
    )


def _under_the_ceiling(target: CeilingTarget, found: Sequence[Row], single: Sequence[Row]) -> Verdict:
    promised = f"at least {target.at_least:g} of the ceiling"
    own: Mapping[str, Row] = {row.server: row for row in found}
    alone = next((row for row in single if row.server == CROSSDOCK), None)
    ceiling = None if alone is None else ceiling_mb_s(alone)
    if CROSSDOCK not in own or ceiling is None:
        return Verdict(case=target.case, promised=promised, measured="", is_met=None)
    value = own[CROSSDOCK].value
    share = value.median / ceiling
    return Verdict(
        case=target.case,
        promised=promised,
        measured=f"{share:.2f} of {ceiling:,.0f} MB/s",
        is_met=share >= target.at_least,
        missed_by=1 - share / target.at_least,
    )


def _within_a_limit(target: LimitTarget, found: Sequence[Row]) -> Verdict:
    promised = f"less than {target.at_most:g} {target.unit}"
    own = next((row for row in found if row.server == CROSSDOCK), None)
    if own is None:
        return Verdict(case=target.case, promised=promised, measured="", is_met=None)
    median = own.value.median
    return Verdict(
        case=target.case,
        promised=promised,
        measured=f"{median:,.3g} {target.unit}" if median < 100 else f"{median:,.0f} {target.unit}",
        is_met=median < target.at_most,
        missed_by=median / target.at_most - 1,
    )
