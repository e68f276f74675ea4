"""Which paths can be keys and which keys can be shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.clock import START

from crossdock.core.errors import InvalidName
from crossdock.core.homes import ObjectPlace, normalise
from crossdock.files.keys import check_key, check_path, page_entries
from crossdock.ports.objects import Listing, ObjectInfo

KEYS = st.text(st.one_of(st.characters(), st.sampled_from("/.\r\n\0\ud800")), max_size=12)


def info(key: str) -> ObjectInfo:
    return ObjectInfo(place=ObjectPlace(bucket="bucket", key=key), size=1, etag="e", modified_at=START)


def names(prefix: str, keys: list[str], prefixes: list[str]) -> list[str]:
    page = Listing(objects=tuple(info(key) for key in keys), prefixes=tuple(prefixes), next_token=None)
    return [entry.name for entry in page_entries(prefix, page)]


@pytest.mark.parametrize("path", ["/a\rb", "/a\nb", "/a\0b", "/a\udcffb"])
def test_a_path_that_no_line_can_carry_is_refused(path: str):
    with pytest.raises(InvalidName):
        check_path(path)


@pytest.mark.parametrize("path", ["/", "/a b", "/tab\tbell\a", "/日本/🎉", "/" + "x" * 5000])
def test_any_other_path_is_taken(path: str):
    check_path(path)


def test_a_key_is_measured_in_utf8():
    check_key(ObjectPlace(bucket="bucket", key="é" * 512))
    with pytest.raises(InvalidName, match="1025 bytes"):
        check_key(ObjectPlace(bucket="bucket", key="é" * 512 + "x"))


def test_a_page_is_shown_in_key_order_without_the_marker():
    assert names("d/", ["d/", "d/b", "d/y"], ["d/a/", "d/c/", "d/z/"]) == ["a", "b", "c", "y", "z"]


def test_a_file_and_a_directory_of_one_name_are_both_shown():
    entries = page_entries("", Listing(objects=(info("a"),), prefixes=("a/",), next_token=None))
    assert [(entry.name, entry.attributes.is_directory) for entry in entries] == [("a", False), ("a", True)]


@pytest.mark.parametrize("key", ["d/.", "d/..", "d/a\rb", "d/a\nb", "d/a\0b", "d/\ud800"])
def test_a_key_that_a_client_would_misread_is_not_shown(key: str):
    assert names("d/", [key], [key + "/"]) == []


def test_a_key_with_a_doubled_slash_is_not_shown():
    assert names("d/", [], ["d//"]) == []


@settings(deadline=None)
@given(KEYS, st.lists(KEYS), st.lists(KEYS))
def test_a_shown_name_leads_back_to_its_own_key(prefix: str, keys: list[str], prefixes: list[str]):
    directory = prefix.strip("/").replace("\ud800", "")
    prefix = directory + "/" if directory else ""
    shown = names(prefix, sorted(prefix + key for key in keys), sorted(f"{prefix}{key}/" for key in prefixes))
    for name in shown:
        # What a client makes of it: the directory's path, a slash, the name.
        assert normalise(f"/{name}") == f"/{name}"
        assert not set(name) & set("/\r\n\0")
        assert name in keys or name in prefixes
