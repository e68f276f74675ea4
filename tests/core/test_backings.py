"""What a backing may be, and how its keys are named."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.core.backings import Backing, BadBacking, parse_target, read_backing
from crossdock.core.errors import InvalidName, NameTooLong

TEXT = st.text(alphabet="ab./ü", max_size=12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://box", ("box", "")),
        ("s3://box/", ("box", "")),
        ("s3://box/a", ("box", "a/")),
        ("s3://box/a/b/", ("box", "a/b/")),
        ("s3://box//a//b", ("box", "/a//b/")),
        ("s3://tenant:box/ü", ("tenant:box", "ü/")),
    ],
)
def test_a_target_is_a_bucket_and_a_prefix_that_ends_with_a_slash(text: str, expected: tuple[str, str]):
    assert parse_target(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "box", "https://box/a", "s3://", "s3:///a", "s3://b ox/a", "s3://box/../a", "s3://box/a/./b", "s3://b/\ud800"],
)
def test_what_is_no_target_is_refused(text: str):
    with pytest.raises(BadBacking):
        parse_target(text)


def test_a_prefix_leaves_room_for_keys():
    assert parse_target("s3://box/" + "x" * 511)
    with pytest.raises(BadBacking, match="513 bytes"):
        parse_target("s3://box/" + "x" * 512)


def test_everything_that_the_command_says_is_read():
    backing = read_backing(
        {
            "to": "s3://box/a",
            "endpoint_url": "https://s3.example.com:9000/",
            "region": "eu-central-1",
            "path_style": True,
            "ca_file": "/ca.pem",
            "profile": "p",
            "credentials_file": "/keys",
        }
    )
    assert backing == Backing(
        bucket="box",
        prefix="a/",
        endpoint_url="https://s3.example.com:9000",
        region="eu-central-1",
        path_style=True,
        ca_file="/ca.pem",
        profile="p",
        credentials_file="/keys",
    )
    assert backing.where == "s3://box/a/ at https://s3.example.com:9000"
    assert backing.credentials_from == "the profile p of the file /keys"
    assert read_backing({"to": "s3://box"}) == Backing(bucket="box")
    assert Backing(bucket="box").credentials_from == "the service's environment"
    assert Backing(bucket="box").where == "s3://box/ at AWS"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "is not s3://"),
        ({"to": "s3://box", "secret": "x"}, "'secret' is none of"),
        ({"to": 1}, "to must be a text"),
        ({"to": "s3://box", "path_style": "yes"}, "true or false"),
        ({"to": "s3://box", "credentials_file": "keys"}, "absolute path"),
        ({"to": "s3://box", "region": "Here"}, "is not a region"),
        ({"to": "s3://box", "endpoint_url": "s3.example.com"}, "is not an endpoint"),
        ({"to": "s3://box", "endpoint_url": "http://s3.example.com:99999"}, "is not an endpoint"),
        ({"to": "s3://box", "endpoint_url": "https://a:b@s3.example.com"}, "user name or a password"),
        ({"to": "s3://box", "endpoint_url": "https://s3.example.com?x"}, "must end with"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(options, sentence: str):
    with pytest.raises(BadBacking, match=sentence):
        read_backing(options)


@given(prefix=TEXT, key=TEXT)
def test_a_key_comes_back_from_below_the_prefix(prefix: str, key: str):
    backing = Backing(bucket="box", prefix=prefix)
    assert backing.key_of(key).startswith(prefix)
    assert backing.own_key(backing.key_of(key)) == key


KEPT = ("a", "a/b", "a/", "", "...", "a.b/.c", "a/..b")
CHANGED = ("..", ".", "../a", "a/..", "a/./b", "a//b", "/a", "a//", "a\\b", "a/..\\b")


@pytest.mark.parametrize("key", [*KEPT, *CHANGED])
def test_an_s3_that_takes_keys_for_paths_gets_only_those_that_a_path_leaves_alone(key: str):
    exact = Backing(bucket="box", prefix="p/")
    assert exact.key_of(key) == f"p/{key}"
    path_like = replace(exact, keeps_keys=False)
    if key in KEPT:
        assert path_like.key_of(key) == f"p/{key}"
    else:
        with pytest.raises(InvalidName):
            path_like.key_of(key)


@pytest.mark.parametrize(("prefix", "letter"), [("", "x"), ("p/", "x"), ("ü/", "é"), ("p" * 511 + "/", "é")])
def test_prefix_and_key_together_have_at_most_1024_bytes(prefix: str, letter: str):
    backing = Backing(bucket="box", prefix=prefix)
    room = 1024 - len(prefix.encode())
    assert backing.most_key_bytes == room
    longest = letter * (room // len(letter.encode()))
    assert backing.key_of(longest) == prefix + longest
    too_long = longest + letter
    with pytest.raises(NameTooLong) as raised:
        backing.key_of(too_long)
    for words in (f"{len(too_long.encode())} bytes", f"{room} are left", "1024", repr(prefix)):
        assert words in str(raised.value)
    assert backing.prefix_of(too_long) == prefix + too_long, "what nothing lies below may be asked for"


def test_a_key_that_is_beside_the_prefix_is_none():
    with pytest.raises(ValueError, match="does not begin"):
        Backing(bucket="box", prefix="a/").own_key("ab")


def test_buckets_of_one_s3_and_one_caller_are_beside_each_other():
    one = Backing(bucket="one", prefix="a/", endpoint_url="http://x", credentials_file="/keys")
    assert one.is_beside(replace(one, bucket="two", prefix=""))
    for change in ({"endpoint_url": "http://y"}, {"credentials_file": "/others"}, {"profile": "p"}):
        assert not one.is_beside(replace(one, **change))
