"""Generated cases, decided by two engines that know nothing of each other."""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from tests.judge.generated import OPERATORS as FAMILIES
from tests.judge.generated import REQUESTS_EACH, case_groups
from tests.judge.readings import READINGS, explained_by
from tests.judge.simulator import Judge, judge

from crossdock.policy.cases import parse_cases
from crossdock.policy.evaluate import Verdict
from crossdock.policy.operators import OPERATORS
from crossdock.policy.reasons import layers_of


@dataclass(slots=True)
class Tally:
    """What a run came to."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    readings: Counter[str] = field(default_factory=Counter)
    not_judged: Counter[str] = field(default_factory=Counter)
    operators: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        lines = [f"{sum(self.verdicts.values())} cases: {dict(self.verdicts)}"]
        lines += [f"{count} differ because {name}" for name, count in self.readings.most_common()]
        lines += [f"{count} not judged: {why}" for why, count in self.not_judged.most_common(5)]
        return "\n".join(lines)


def compare(judged_by: Judge, document: dict[str, Any], tally: Tally) -> None:
    """Decide one case twice. Fails the test for a disagreement that no reading explains."""
    (case,) = parse_cases(json.dumps(document))
    judgement = judged_by.decide(case, document)
    if judgement.verdict is None:
        tally.not_judged[judgement.refused[:200]] += 1
        return
    context = {key: values for key, values in case.request.context.items() if key not in judgement.ignored}
    decision = replace(case, request=replace(case.request, context=context)).decide()
    tally.verdicts[decision.verdict] += 1
    tally.operators.update(
        condition.operator
        for _, listed in layers_of(case.request, case.policies)
        for named in listed
        for statement in named.policy.statements
        for condition in statement.conditions
    )
    if decision.verdict is judgement.verdict:
        return
    readings = explained_by(document, context, judgement.verdict)
    assert readings, (
        f"we say {decision.verdict}, for {decision.explain()}; the judge says {judgement.verdict}; the case to keep: "
        f"{json.dumps(document)}"
    )
    tally.readings.update(reading.name for reading in readings)


# Hypothesis varies what it has generated before: many short runs have three times the statements of a long one.
GROUPS_AT_ONCE = 10


def run(cases: int, *, seeded_with: int) -> Tally:
    tally = Tally()
    runs = cases // REQUESTS_EACH // GROUPS_AT_ONCE
    with judge() as judged_by:
        for number in range(runs):
            _run(judged_by, tally, seeded_with=seeded_with * runs + number)
    print(tally)
    return tally


def _run(judged_by: Judge, tally: Tally, *, seeded_with: int) -> None:
    @seed(seeded_with)
    @settings(
        max_examples=GROUPS_AT_ONCE,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case_groups())
    def decide(documents: list[dict[str, Any]]) -> None:
        for document in documents:
            compare(judged_by, document, tally)

    decide()


def test_two_thousand_generated_cases_are_decided_alike_by_another_engine() -> None:
    tally = run(2_000, seeded_with=1)
    judged = sum(tally.verdicts.values())
    assert judged > 1_900
    # A run that never allows, or never denies, would show nothing.
    assert all(tally.verdicts[verdict] > judged / 50 for verdict in set(Verdict) - {Verdict.UNKNOWN})
    # Nor would one that leaves an operator out. Each stands with its set operators, but not in every combination.
    asked = {operator.removesuffix("IfExists") for operator in tally.operators}
    assert {operator.rpartition(":")[2] for operator in asked} == {*OPERATORS, "Null"}
    families = {family: {name for name in OPERATORS if name.startswith(family)} for family in FAMILIES}
    for quantifier in ("ForAllValues:", "ForAnyValue:"):
        assert all(asked & {quantifier + name for name in names} for names in families.values())


@pytest.mark.soak
@pytest.mark.parametrize("seeded_with", range(2, 12))
def test_twenty_thousand_more_are_decided_alike(seeded_with: int) -> None:
    assert sum(run(2_000, seeded_with=seeded_with).verdicts.values()) > 1_900


def test_every_reading_has_a_document_that_decides() -> None:
    assert all(
        reading.document.startswith(("IAM User Guide", "S3 API Reference", "STS API Reference")) for reading in READINGS
    )
    assert len({reading.name for reading in READINGS}) == len(READINGS)
