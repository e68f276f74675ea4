from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.files.filesystem import Attributes, Entry, FileKind
from crossdock.ftp.listing import (
    FACT_NAMES,
    choose_facts,
    facts_feature,
    facts_line,
    facts_of,
    list_line,
    listed_path,
    name_line,
    time_value,
)

NOW = datetime(2025, 3, 16, 12, 0, tzinfo=UTC)


def file(name: str = "test.txt", size: int = 0, modified_at: datetime | None = None) -> Entry:
    modified_at = modified_at or datetime(2025, 3, 15, 0, 47, tzinfo=UTC)
    return Entry(name=name, attributes=Attributes(kind=FileKind.FILE, size=size, modified_at=modified_at))


def directory(name: str = "foobar") -> Entry:
    return Entry(name=name, attributes=Attributes(kind=FileKind.DIRECTORY))


def test_a_file_is_listed_exactly_as_the_article_shows() -> None:
    assert list_line(file(), NOW) == b"-rwxr--r--   1 - -            0 Mar 15 00:47 test.txt\r\n"


def test_a_directory_has_the_same_columns_and_no_date() -> None:
    assert list_line(directory(), NOW) == b"drwxr--r--   1 - -            0 Jan  1  1970 foobar\r\n"


def test_a_large_file_keeps_the_columns() -> None:
    assert list_line(file(size=5_497_558_138_880), NOW).split()[4] == b"5497558138880"
    assert list_line(file(size=999_999_999_999), NOW).index(b"Mar") == list_line(file(), NOW).index(b"Mar")


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(0), b"Mar 16 12:00"),
        (timedelta(days=182), b"Sep 15 12:00"),
        (timedelta(days=183), b"Sep 14  2024"),
        (timedelta(days=-1), b"Mar 17 12:00"),
        (timedelta(days=-2), b"Mar 18  2025"),
        (timedelta(days=9), b"Mar  7 12:00"),
    ],
)
def test_a_date_older_than_half_a_year_or_ahead_shows_its_year(age: timedelta, shown: bytes) -> None:
    assert shown in list_line(file(modified_at=NOW - age), NOW)


def test_times_are_utc_wherever_they_come_from() -> None:
    tokyo = datetime(2025, 3, 15, 9, 47, 30, tzinfo=timezone(timedelta(hours=9)))
    assert b"Mar 15 00:47" in list_line(file(modified_at=tokyo), NOW)
    assert time_value(tokyo) == "20250315004730"
    assert time_value(datetime(987, 1, 2, 3, 4, 5, tzinfo=UTC)) == "09870102030405"


def test_facts_are_those_that_were_chosen_and_are_known() -> None:
    assert facts_line(file("a b", 7), FACT_NAMES) == b"type=file;size=7;modify=20250315004700; a b\r\n"
    assert facts_line(directory(), FACT_NAMES) == b"type=dir; foobar\r\n"
    assert facts_of(file(size=7).attributes, ("size",)) == "size=7;"
    assert facts_line(file("a"), ()) == b" a\r\n"


def test_facts_are_chosen_by_name_in_any_case() -> None:
    assert choose_facts("Size;TYPE;unix.mode;") == ("type", "size")
    assert choose_facts("") == ()
    assert facts_feature(("type", "size")) == "MLST type*;size*;modify;"


@pytest.mark.parametrize(
    ("argument", "path"),
    [
        ("", ""),
        ("-a", ""),
        ("-la", ""),
        ("-l -a", ""),
        ("-la some dir", "some dir"),
        ("dir -a", "dir -a"),
        ("./-odd", "./-odd"),
        (" -a", " -a"),
    ],
)
def test_options_of_ls_are_not_part_of_the_path(argument: str, path: str) -> None:
    assert listed_path(argument) == path


@given(st.text())
def test_no_name_ever_breaks_a_listing(name: str) -> None:
    for line in (list_line(file(name), NOW), name_line(file(name)), facts_line(file(name), FACT_NAMES)):
        assert line.endswith(b"\r\n")
        assert not set(line[:-2]) & set(b"\r\n\0")


def test_names_are_sent_as_they_are() -> None:
    assert name_line(file("日本 語\tü")) == "日本 語\tü\r\n".encode()
    assert list_line(file(" lead"), NOW).endswith(b"00:47  lead\r\n")
