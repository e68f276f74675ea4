"""The cases there are, in the order in which they run."""

from collections.abc import Sequence

from bench.ftp.cases.answers import answer_cases
from bench.ftp.cases.disk import disk_cases
from bench.ftp.cases.sessions import login_cases, session_cases
from bench.ftp.cases.small_files import small_cases
from bench.ftp.cases.streams import stream_cases
from bench.ftp.plan import Case, Plan


def all_cases(plan: Plan) -> Sequence[Case]:
    return [
        *stream_cases(),
        *small_cases(plan),
        *login_cases(plan),
        *answer_cases(plan),
        *session_cases(plan),
        *disk_cases(plan),
    ]


def chosen_cases(plan: Plan, only: Sequence[str]) -> Sequence[Case]:
    """Those named; all when none is. Raises ValueError for a name that there is not."""
    cases = all_cases(plan)
    unknown = set(only) - {case.name for case in cases}
    if unknown:
        known = ", ".join(case.name for case in cases)
        raise ValueError(f"there is no case {', '.join(sorted(unknown))}; there are {known}")
    return [case for case in cases if not only or case.name in only]
