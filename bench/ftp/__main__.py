"""Crossdock beside other FTP servers, on one machine, with one client; writes its section of docs/benchmarks.md.

make bench                                   everything, and the page
python -m bench.ftp --quick                  a smaller file and one run, to see that it works
python -m bench.ftp --only down up           these cases alone
python -m bench.ftp --profile                where Crossdock's time goes during single streams
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.ftp.cases.table import all_cases, chosen_cases
from bench.ftp.figures import CROSSDOCK, Kind, rows
from bench.ftp.machine import ROOT, heading
from bench.ftp.other_clients import COMMANDS
from bench.ftp.page import between_markers
from bench.ftp.plan import QUICK, Bench, Case, Plan
from bench.ftp.profiling import SINGLE, profile
from bench.ftp.report import as_json, markdown
from bench.ftp.running_order import Results, measure
from bench.ftp.servers.certificate import make_certificate, write_tls_config
from bench.ftp.servers.running import Unavailable
from bench.ftp.servers.table import PEERS, start_server
from bench.ftp.svg import Bars, plot

INTERRUPTED = "the run was interrupted"
TMPFS = Path("/dev/shm")
PEERS_FOLDER = ROOT / ".bench"
PAGE = ROOT / "docs/benchmarks.md"
PLOTS = ROOT / "docs/benchmarks"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.ftp", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="256 MiB, one run, small counts; the page stays as it is")
    parser.add_argument("--only", nargs="+", default=[], metavar="CASE", help="cases by name; the page stays as it is")
    parser.add_argument(
        "--peers", nargs="*", choices=sorted(PEERS), default=None, help="these servers beside Crossdock"
    )
    parser.add_argument("--client", choices=("fast", *COMMANDS), default="fast", help="for the large files")
    parser.add_argument("--runs", type=int, default=None, help=f"instead of {Plan().runs}")
    parser.add_argument("--disk", type=Path, default=PEERS_FOLDER / "disk", help="a folder on a disk, for its rows")
    parser.add_argument("--profile", action="store_true", help="sample Crossdock during single streams instead")
    parser.add_argument("--list", action="store_true", help="name the cases and end")
    parser.add_argument("-o", "--output", choices=("markdown", "json"), default="markdown")
    return parser.parse_args()


def end(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    told = arguments()
    plan = QUICK if told.quick else Plan()
    plan = replace(plan, runs=told.runs or plan.runs)
    try:
        cases = chosen_cases(plan, told.only or (SINGLE if told.profile else ()))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if told.list:
        print("\n".join(case.name for case in all_cases(plan)))
        return 0
    if not TMPFS.is_dir():
        print(f"the servers' files lie on tmpfs, and there is no {TMPFS}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, end)
    results = Results()
    with TemporaryDirectory(prefix="crossdock-bench-", dir=TMPFS) as name:
        scratch = Path(name)
        scratch.chmod(0o755)
        certificate = make_certificate(scratch)
        bench = Bench(
            plan=plan,
            scratch=scratch,
            disk=told.disk,
            tls_config=write_tls_config(scratch),
            start=partial(start_server, scratch=scratch, peers=PEERS_FOLDER, certificate=certificate),
            client=told.client,
        )
        try:
            if told.profile:
                print(profile(bench, PEERS_FOLDER, cases))
                return 0
            measure(bench, [CROSSDOCK, *(PEERS if told.peers is None else told.peers)], cases, results)
        except KeyboardInterrupt:
            results.problems.append(INTERRUPTED)
        except Unavailable as error:
            print(error, file=sys.stderr)
            return 1
    is_whole = not (told.quick or told.only or told.client != "fast" or told.peers is not None)
    was_interrupted = INTERRUPTED in results.problems
    tell(told, plan, cases, results, is_for_the_page=is_whole and not was_interrupted)
    return 130 if was_interrupted else int(not results.samples)


def tell(
    told: argparse.Namespace, plan: Plan, cases: Sequence[Case], results: Results, *, is_for_the_page: bool
) -> None:
    kinds = [kind for case in cases for kind in case.kinds]
    if told.output == "json":
        found = as_json(kinds, results.samples, versions=results.versions, problems=results.problems)
        print(json.dumps(found, indent=2))
    plots = write_plots(kinds, results) if is_for_the_page else []
    text = markdown(
        kinds,
        results.samples,
        heading=heading(runs=plan.runs, size=plan.size, client=told.client),
        versions=results.versions,
        problems=results.problems,
        plots=plots,
    )
    if told.output == "markdown":
        print(text)
    if is_for_the_page:
        PAGE.write_text(between_markers(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
        print(f"written to {PAGE.relative_to(ROOT)}", file=sys.stderr)
    else:
        print(f"{PAGE.relative_to(ROOT)} stays as it is: only a whole run is written there", file=sys.stderr)


def write_plots(kinds: Sequence[Kind], results: Results) -> list[tuple[str, str]]:
    """One plot for each unit that several servers can be compared in; returns titles and paths from the page."""
    PLOTS.mkdir(exist_ok=True)
    found = []
    for title, unit, name in (("Large files", "MB/s", "large-files"), ("Small files", "files/s", "small-files")):
        groups = [
            Bars(title=kind.title, values={row.server: row.value.median for row in measured})
            for kind in kinds
            if kind.unit == unit and len(measured := rows(results.samples, kind.case)) > 1
        ]
        (PLOTS / f"{name}.svg").write_text(plot(title, unit, groups), encoding="utf-8")
        found.append((f"{title}, {unit}", f"{PLOTS.name}/{name}.svg"))
    return found


if __name__ == "__main__":
    sys.exit(main())
