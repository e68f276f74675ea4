"""The cases there are, in the order in which they run."""

from collections.abc import Sequence

from bench.harness.cases.listing import listing_case
from bench.harness.cases.sessions import login_cases, session_cases
from bench.harness.plan import Case, Plan
from bench.sftp.cases.small_files import small_cases
from bench.sftp.cases.streams import stream_cases
from bench.sftp.seeding import seed
from bench.sftp.ways import AES

PREFIX = "sftp-"


def all_cases(plan: Plan) -> Sequence[Case]:
    return [
        *stream_cases(),
        *small_cases(plan),
        *login_cases(plan, way=AES, prefix=PREFIX),
        listing_case(plan, name="sftp-list", title="READDIR", first="first names", way=AES, seed=seed),
        *session_cases(plan, way=AES, prefix=PREFIX),
    ]
