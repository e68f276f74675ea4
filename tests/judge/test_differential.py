"""Generated cases, decided by two engines that know nothing of each other."""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from tests.judge.generated import REQUESTS_EACH, case_groups
from tests.judge.readings import READINGS, explained_by
from tests.judge.simulator import Judge, judge

from crossdock.policy.cases import parse_cases
from crossdock.policy.evaluate import Verdict


@dataclass(slots=True)
class Tally:
    """What a run came to."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    readings: Counter[str] = field(default_factory=Counter)
    not_judged: Counter[str] = field(default_factory=Counter)

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
    if decision.verdict is judgement.verdict:
        return
    readings = explained_by(document, context, judgement.verdict)
    assert readings, (
        f"we say {decision.verdict}, for {decision.explain()}; the judge says {judgement.verdict}; the case to keep: "
        f"{json.dumps(document)}"
    )
    tally.readings.update(reading.name for reading in readings)


def run(groups: int, *, seeded_with: int) -> Tally:
    tally = Tally()
    with judge() as judged_by:

        @seed(seeded_with)
        @settings(
            max_examples=groups,
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
    print(tally)
    return tally


def test_two_thousand_generated_cases_are_decided_alike_by_another_engine() -> None:
    tally = run(2_000 // REQUESTS_EACH, seeded_with=1)
    judged = sum(tally.verdicts.values())
    assert judged > 1_900
    # A run that never allows, or never denies, would show nothing.
    assert all(tally.verdicts[verdict] > judged / 50 for verdict in set(Verdict) - {Verdict.UNKNOWN})


@pytest.mark.soak
@pytest.mark.parametrize("seeded_with", range(2, 12))
def test_twenty_thousand_more_are_decided_alike(seeded_with: int) -> None:
    assert sum(run(2_000 // REQUESTS_EACH, seeded_with=seeded_with).verdicts.values()) > 1_900


def test_every_reading_has_a_document_that_decides() -> None:
    assert all(reading.document.startswith(("IAM User Guide", "S3 API Reference")) for reading in READINGS)
    assert len({reading.name for reading in READINGS}) == len(READINGS)
