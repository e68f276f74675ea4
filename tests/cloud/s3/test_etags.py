"""Entity tags."""

import hashlib

import pytest

from crossdock.cloud.s3.etags import is_listed, multipart_etag, opaque_etag, part_count, quoted, unquoted


def test_quotes_come_and_go():
    assert quoted("abc") == '"abc"'
    for text in ('"abc"', "abc", ' "abc" '):
        assert unquoted(text) == "abc"
    assert unquoted('"') == '"'


@pytest.mark.parametrize(
    ("header", "is_match"),
    [
        ('"abc"', True),
        ("abc", True),
        ("*", True),
        ('"x", "abc"', True),
        ('W/"abc"', True),
        ('"abcd"', False),
        ("", False),
    ],
)
def test_a_header_lists_tags(header, is_match):
    assert is_listed("abc", header) is is_match


def test_the_tag_of_parts_is_the_md5_of_their_md5s():
    first, second = hashlib.md5(b"one"), hashlib.md5(b"two")
    expected = hashlib.md5(first.digest() + second.digest()).hexdigest()
    assert multipart_etag([first.hexdigest(), second.hexdigest()]) == f"{expected}-2"


def test_an_opaque_tag_looks_like_that_of_one_part():
    etag = opaque_etag(lambda size: b"\xab" * size)
    assert etag == "ab" * 16 + "-1"
    assert part_count(etag) == 1


@pytest.mark.parametrize(
    ("etag", "count"), [("a" * 32, None), ("a" * 32 + "-7", 7), ("x-7", None), ("a" * 32 + "-", None)]
)
def test_a_tag_tells_in_how_many_parts_an_object_came(etag, count):
    assert part_count(etag) == count
