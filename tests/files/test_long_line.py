"""One line of `ls -l`, as AWS prints it."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.fakes.clock import START

from crossdock.files.filesystem import Attributes, FileKind
from crossdock.files.long_line import long_line


@pytest.mark.parametrize(
    ("moment", "date"),
    [
        (START, "Mar 15 00:47"),
        (START - timedelta(days=200), "Aug 27  2025"),
        (START + timedelta(days=2), "Mar 17  2026"),
        (None, "Jan  1  1970"),
        (datetime(2026, 3, 14, 23, 47, tzinfo=UTC), "Mar 14 23:47"),
    ],
)
def test_a_date_has_its_time_while_it_is_recent(moment: datetime | None, date: str):
    attributes = Attributes(kind=FileKind.FILE, size=12, modified_at=moment)
    assert long_line("a b", attributes, START) == f"-rwxr--r--   1 - -           12 {date} a b"


def test_a_directory_is_shown_as_one():
    line = long_line("d", Attributes(kind=FileKind.DIRECTORY), START)
    assert line == "drwxr--r--   1 - -            0 Jan  1  1970 d"
