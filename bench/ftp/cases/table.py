"""The cases there are, in the order in which they run."""

from collections.abc import Sequence

from bench.ftp.cases.answers import answer_cases
from bench.ftp.cases.disk import disk_cases
from bench.ftp.cases.small_files import small_cases
from bench.ftp.cases.streams import stream_cases
from bench.ftp.ways import PLAIN
from bench.harness.cases.sessions import login_cases, session_cases
from bench.harness.plan import Case, Plan


def all_cases(plan: Plan) -> Sequence[Case]:
    return [
        *stream_cases(),
        *small_cases(plan),
        *login_cases(plan, way=PLAIN),
        *answer_cases(plan),
        *session_cases(plan, way=PLAIN),
        *disk_cases(plan),
    ]
