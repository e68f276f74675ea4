"""Named decisions kept as data; whoever knows IAM can add one without code."""

from pathlib import Path

import pytest

from crossdock.policy.cases import Case, parse_cases

FILES = sorted(Path(__file__).with_name("cases").glob("*.json"))
CASES = [(path.stem, case) for path in FILES for case in parse_cases(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[f"{file}: {case.name}" for file, case in CASES])
def test_the_case_is_decided_as_expected(case: Case) -> None:
    decision = case.decide()

    assert decision.verdict is case.expected, decision.explain()
    assert decision.is_allowed is (decision.blocked_by is None)
    assert decision.explain()


def test_every_case_has_its_own_name() -> None:
    assert len({(file, case.name) for file, case in CASES}) == len(CASES)
