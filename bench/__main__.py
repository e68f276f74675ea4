"""Crossdock beside other servers, on one machine, with the same clients; writes its sections of docs/benchmarks.md.

make bench                                   everything, and the page
python -m bench --quick                      smaller files and one run, to see that it works
python -m bench --protocols sftp             one protocol alone, and its section
python -m bench --only down sftp-up          these cases alone
python -m bench --profile                    where Crossdock's time goes
"""

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.ftp.other_clients import COMMANDS
from bench.ftp.suite import FTP
from bench.harness.figures import CROSSDOCK
from bench.harness.machine import ROOT
from bench.harness.plan import Bench, Case
from bench.harness.profiling import profile
from bench.harness.running_order import Results, measure
from bench.harness.servers.running import Unavailable
from bench.harness.servers.starting import Servers
from bench.harness.suite import Suite, chosen_cases
from bench.harness.telling import Measured, json_of, markdown_of, write_pictures, write_to_page
from bench.s3.suite import S3
from bench.sftp.suite import SFTP

SUITES = (FTP, SFTP, S3)
INTERRUPTED = "the run was interrupted"
TMPFS = Path("/dev/shm")
PEERS_FOLDER = ROOT / ".bench"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [suite.name for suite in SUITES]
    peers = sorted({name for suite in SUITES for name in suite.peers})
    parser.add_argument("--protocols", nargs="+", choices=names, default=names, help="these alone")
    parser.add_argument("--quick", action="store_true", help="256 MiB, one run, small counts; the page stays as it is")
    parser.add_argument("--only", nargs="+", default=[], metavar="CASE", help="cases by name; the page stays as it is")
    parser.add_argument("--peers", nargs="*", choices=peers, default=None, help="these servers beside Crossdock")
    parser.add_argument("--serve-args", default="", metavar="TEXT", help="for `crossdock serve`, as in a shell")
    parser.add_argument("--client", choices=COMMANDS, default="", help="for FTP's large files")
    parser.add_argument("--runs", type=int, default=None, help="instead of each suite's own number")
    parser.add_argument("--disk", type=Path, default=PEERS_FOLDER / "disk", help="a folder on a disk, for its rows")
    parser.add_argument("--profile", action="store_true", help="sample Crossdock with py-spy instead")
    parser.add_argument("--list", action="store_true", help="name the cases and end")
    parser.add_argument("-o", "--output", choices=("markdown", "json"), default="markdown")
    return parser.parse_args()


def end(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    told = arguments()
    suites = [suite for suite in SUITES if suite.name in told.protocols]
    profiled = [name for suite in suites for name in suite.profiled]
    try:
        cases = chosen_cases(suites, told.only or (profiled if told.profile else ()), is_quick=told.quick)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if told.list:
        print("\n".join(case.name for found in cases.values() for case in found))
        return 0
    if not TMPFS.is_dir():
        print(f"the servers' files lie on tmpfs, and there is no {TMPFS}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, end)
    try:
        measured = list(run(told, suites, cases))
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 1
    if told.profile:
        return 0
    tell(told, measured)
    if any(INTERRUPTED in each.results.problems for each in measured):
        return 130
    return int(not all(each.results.samples for each in measured))


def run(told: argparse.Namespace, suites: Sequence[Suite], cases: Mapping[str, Sequence[Case]]) -> Sequence[Measured]:
    """Each suite of which there are cases, also after one that cannot go on; none after an interruption.

    Raises Unavailable when profiling.
    """
    found: list[Measured] = []
    for suite in suites:
        if not cases[suite.name]:
            continue
        plan = suite.quick if told.quick else suite.plan
        plan = replace(plan, runs=told.runs or plan.runs)
        results = Results(problems=list(suite.left_out))
        found.append(Measured(suite=suite, plan=plan, cases=cases[suite.name], results=results))
        with TemporaryDirectory(prefix=f"crossdock-bench-{suite.name}-", dir=TMPFS) as name, ExitStack() as stack:
            try:
                run_suite(told, found[-1], Path(name), stack)
            except Unavailable as error:
                if told.profile:
                    raise
                results.problems.append(f"it ended early: {error}")
                print(f"{suite.name}: {results.problems[-1]}", file=sys.stderr)
            except KeyboardInterrupt:
                results.problems.append(INTERRUPTED)
                break
    return found


def run_suite(told: argparse.Namespace, measured: Measured, scratch: Path, stack: ExitStack) -> None:
    suite = measured.suite
    scratch.chmod(0o755)
    servers = Servers(
        crossdock=suite.crossdock,
        peers=suite.peers,
        scratch=scratch,
        peers_folder=PEERS_FOLDER,
        serve_args=shlex.split(told.serve_args),
    )
    bench = Bench(
        plan=measured.plan,
        scratch=scratch,
        disk=told.disk,
        start=servers.start,
        client_module=suite.client_module,
        environment=suite.prepare(scratch, stack),
        client=told.client,
    )
    if told.profile:
        print(profile(bench, PEERS_FOLDER, measured.cases))
        return
    peers = [name for name in suite.peers if told.peers is None or name in told.peers]
    measure(bench, [CROSSDOCK, *peers], measured.cases, measured.results)


def tell(told: argparse.Namespace, measured: Sequence[Measured]) -> None:
    is_whole = not (told.quick or told.only or told.client or told.serve_args or told.peers is not None)
    if told.output == "json":
        print(json.dumps({each.suite.name: json_of(each) for each in measured}, indent=2))
    for each in measured:
        is_for_the_page = is_whole and bool(each.results.samples) and INTERRUPTED not in each.results.problems
        pictures = write_pictures(each) if is_for_the_page else []
        text = markdown_of(each, pictures, client=told.client, serve_args=told.serve_args)
        if told.output == "markdown":
            print(text)
        if is_for_the_page:
            write_to_page(each, text)
        else:
            print(f"{each.suite.name}: the page stays as it is: only a whole run is written there", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
