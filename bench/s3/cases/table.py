"""The cases there are, in the order in which they run."""

from collections.abc import Sequence

from bench.harness.plan import Case, Plan
from bench.s3.cases.memory import memory_cases
from bench.s3.cases.small_files import small_cases
from bench.s3.cases.streams import stream_cases


def all_cases(plan: Plan) -> Sequence[Case]:
    return [*stream_cases(), *small_cases(plan), *memory_cases(plan)]
