"""`crossdock policy test`: decisions kept as data, decided again. Needs no service and no data directory."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from crossdock.cli.options import output_option
from crossdock.policy.cases import Case, MalformedCase, parse_cases
from crossdock.policy.evaluate import Decision


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case and what was decided."""

    case: Case
    decision: Decision

    @property
    def is_as_expected(self) -> bool:
        return self.decision.verdict is self.case.expected


@click.group(short_help="Test policies that are kept with their cases.")
def policy() -> None:
    """Decide what policies allow, without a service.

    \b
    Examples:
      crossdock policy test cases/*.json
    """


@policy.command(short_help="Decide case files, and fail when a verdict is another one.")
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)
@output_option(people="text", shown="A line for each case")
def test(files: Sequence[Path], output: str) -> None:
    """Decide every case of the FILEs, and exit with 1 when a verdict is not the expected one.

    A case is a request, the policies that bear on it and the verdict you expect; docs/policy-cases.md describes the
    format. `-` reads standard input.

    \b
    Examples:
      crossdock policy test bucket-policy.json
      crossdock policy test -o json cases/*.json | jq -r '.[] | select(.verdict != .expected) | .name'
    """
    outcomes = [Outcome(case, case.decide()) for path in files for case in _read(path)]
    if output == "json":
        click.echo(json.dumps([_for_scripts(outcome) for outcome in outcomes], indent=2))
    else:
        for line in _for_people(outcomes):
            click.echo(_one_line(line))
    if not all(outcome.is_as_expected for outcome in outcomes):
        sys.exit(1)


def _read(path: Path) -> Sequence[Case]:
    """The cases of a file. Raises MalformedCase, which names the file."""
    try:
        source = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return parse_cases(source.decode("utf-8-sig"))
    except (MalformedCase, OSError, UnicodeDecodeError) as error:
        raise MalformedCase(_one_line(f"{path}: {error}")) from error


def _one_line(text: str) -> str:
    """What a case holds as one line that any terminal takes: no line ends, no controls, no lone surrogates."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _for_scripts(outcome: Outcome) -> dict[str, object]:
    return {
        "name": outcome.case.name,
        "expected": outcome.case.expected,
        "verdict": outcome.decision.verdict,
        "reasons": outcome.decision.sentences(),
    }


def _for_people(outcomes: Sequence[Outcome]) -> Iterable[str]:
    for outcome in outcomes:
        mark = "ok    " if outcome.is_as_expected else "DIFFERS"
        yield f"{mark:8}{outcome.decision.verdict:17} {outcome.case.name}"
        if not outcome.is_as_expected:
            yield f"{'':8}expected {outcome.case.expected}, but {outcome.decision.explain()}"
    wrong = sum(not outcome.is_as_expected for outcome in outcomes)
    yield f"{len(outcomes) - wrong} of {len(outcomes)} as expected"
