"""Tells what was measured: as text, as JSON, in plots, and in its part of the page."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.harness.figures import Kind, rows
from bench.harness.machine import ROOT, heading
from bench.harness.page import between_markers
from bench.harness.plan import Case, Plan
from bench.harness.report import as_json, markdown
from bench.harness.running_order import Results
from bench.harness.suite import Suite
from bench.harness.svg import Bars, plot

PAGE = ROOT / "docs/benchmarks.md"
PLOTS = ROOT / "docs/benchmarks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One suite's cases, and what came of them."""

    suite: Suite
    plan: Plan
    cases: Sequence[Case]
    results: Results

    @property
    def kinds(self) -> Sequence[Kind]:
        return [kind for case in self.cases for kind in case.kinds]


def json_of(measured: Measured) -> Mapping[str, Any]:
    results = measured.results
    return as_json(
        measured.kinds,
        results.samples,
        targets=measured.suite.targets,
        versions=results.versions,
        problems=results.problems,
    )


def markdown_of(measured: Measured, pictures: Sequence[tuple[str, str]], *, client: str, serve_args: str) -> str:
    """`pictures` are titles and paths; `client` is the one told instead of the suite's own, or empty."""
    results, plan = measured.results, measured.plan
    clients = client or measured.suite.clients
    return markdown(
        measured.kinds,
        results.samples,
        targets=measured.suite.targets,
        heading=heading(runs=plan.runs, size=plan.size, clients=clients, serve_args=serve_args),
        versions=results.versions,
        problems=results.problems,
        plots=pictures,
    )


def write_pictures(measured: Measured) -> list[tuple[str, str]]:
    """One plot for each unit that several servers can be compared in; returns titles and paths from the page."""
    PLOTS.mkdir(exist_ok=True)
    samples, found = measured.results.samples, []
    for picture in measured.suite.pictures:
        groups = [
            Bars(title=kind.title, values={row.server: row.value.median for row in measured_rows})
            for kind in measured.kinds
            if kind.unit == picture.unit and len(measured_rows := rows(samples, kind.case)) > 1
        ]
        (PLOTS / f"{picture.file}.svg").write_text(plot(picture.title, picture.unit, groups), encoding="utf-8")
        found.append((f"{picture.title}, {picture.unit}", f"{PLOTS.name}/{picture.file}.svg"))
    return found


def write_to_page(measured: Measured, text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(between_markers(page, measured.suite.name, text), encoding="utf-8")
    print(f"{measured.suite.name} is written to {PAGE.relative_to(ROOT)}", file=sys.stderr)
