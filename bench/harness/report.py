"""The tables of a run, as Markdown and as JSON. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench.harness.figures import Comparison, Kind, Row, Sample, Spread, ceiling_mb_s, compare, rows
from bench.harness.targets import CeilingTarget, Target, Verdict, judge_all

FOREIGN = 0.12
"""Of one core, used by neither server nor client: from there on a row is marked."""
HEAD = "| server | {unit} [lowest to highest] | ratio to the best peer | server CPU {per} | client CPU {per} |"
RULE = "|---|---|---|---|---|"
CPU_UNIT = {"GiB": ("s/GiB", 1.0), "file": ("ms/file", 1000.0), "login": ("ms/login", 1000.0), "listing": ("s", 1.0)}


def number(value: float) -> str:
    """Three significant digits, and no fraction from a hundred on."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread_text(value: Spread) -> str:
    if value.low == value.high:
        return number(value.median)
    return f"{number(value.median)} [{number(value.low)} to {number(value.high)}]"


def case_table(kind: Kind, found: Sequence[Row]) -> str:
    unit, factor = CPU_UNIT.get(kind.per, ("", 1.0))
    comparison = compare(found, more_is_better=kind.more_is_better)
    lines = [f"**{kind.title}**", "", HEAD.format(unit=kind.unit, per=unit).replace(" CPU  ", " CPU "), RULE]
    lines += [_line(row, comparison, factor) for row in found]
    return "\n".join(lines)


def _line(row: Row, comparison: Comparison | None, factor: float) -> str:
    is_own = comparison is not None and row is comparison.own
    ratio = f"{comparison.ratio:.2f}" if comparison is not None and is_own and comparison.ratio is not None else ""
    cpus = ["" if cpu is None else number(cpu * factor) for cpu in (row.server_cpu_s, row.client_cpu_s)]
    mark = "*" if row.foreign > FOREIGN else ""
    return f"| {row.server} | {spread_text(row.value)}{mark} | {ratio} | {cpus[0]} | {cpus[1]} |"


def targets_table(verdicts: Sequence[Verdict]) -> str:
    lines = ["| case | promised | measured | |", "|---|---|---|---|"]
    lines += [f"| {each.case} | {each.promised} | {each.measured} | {each.word} |" for each in verdicts]
    return "\n".join(lines)


def ceilings_table(targets: Sequence[Target], samples: Sequence[Sample]) -> str:
    """Of two streams: what one stream's CPU lets two reach, and what they reached. Empty without both."""
    lines = []
    for target in targets:
        if not isinstance(target, CeilingTarget):
            continue
        pairs = {row.server: row for row in rows(samples, target.case)}
        for single in rows(samples, target.single):
            pair, ceiling = pairs.get(single.server), ceiling_mb_s(single)
            if pair is not None and ceiling is not None:
                share = pair.value.median / ceiling
                figures = f"{number(pair.value.median)} | {number(ceiling)} | {share:.2f}"
                lines.append(f"| {target.single} | {single.server} | {figures} |")
    if not lines:
        return ""
    head = ["| two streams | server | MB/s in all | ceiling, MB/s | share |", "|---|---|---|---|---|"]
    return "\n".join([*head, *lines])


def markdown(
    kinds: Sequence[Kind],
    samples: Sequence[Sample],
    *,
    targets: Sequence[Target],
    heading: str,
    versions: Mapping[str, str],
    problems: Sequence[str],
    plots: Sequence[tuple[str, str]] = (),
) -> str:
    """`plots` are titles and paths."""
    measured = [(kind, rows(samples, kind.case)) for kind in kinds]
    named = ", ".join(f"{name} {version}".strip() for name, version in versions.items())
    parts = [heading, f"Servers: {named}.", *(f"![{title}]({path})" for title, path in plots)]
    verdicts = judge_all(targets, samples, [kind.case for kind in kinds])
    parts += [targets_table(verdicts)] if verdicts else []
    parts += [case_table(kind, found) for kind, found in measured if found]
    parts.append(ceilings_table(targets, samples))
    if any(row.foreign > FOREIGN for _, found in measured for row in found):
        parts.append(f"\\* in one of the runs other work took more than {FOREIGN:.0%} of a core.")
    if problems:
        parts.append("\n".join(["Left out:", "", *(f"- {problem}" for problem in problems)]))
    return "\n\n".join(part for part in parts if part) + "\n"


def as_json(
    kinds: Sequence[Kind],
    samples: Sequence[Sample],
    *,
    targets: Sequence[Target],
    versions: Mapping[str, str],
    problems: Sequence[str],
) -> Mapping[str, Any]:
    verdicts = judge_all(targets, samples, [kind.case for kind in kinds])
    return {
        "versions": dict(versions),
        "problems": list(problems),
        "cases": [_case(kind, rows(samples, kind.case)) for kind in kinds],
        "targets": [{**asdict(verdict), "word": verdict.word} for verdict in verdicts],
        "samples": [asdict(sample) for sample in samples],
    }


def _case(kind: Kind, found: Sequence[Row]) -> Mapping[str, Any]:
    comparison = compare(found, more_is_better=kind.more_is_better)
    return {
        **asdict(kind),
        "rows": [asdict(row) for row in found],
        "ratio": None if comparison is None else comparison.ratio,
        "best_peer": comparison.best.server if comparison is not None and comparison.best is not None else None,
    }
