"""What identity providers answer, rightly and wrongly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.core.homes import HomeMapping, LogicalHome, MappingType, PathHome, initial_directory
from crossdock.core.logins import PosixProfile
from crossdock.transfer.home_mappings import MAX_ENTRIES, BadHome, check_mappings
from crossdock.transfer.identity_answers import MAX_ANSWER_BYTES, MalformedAnswer, NotVouchedFor, read_identity

ROLE = "arn:aws:iam::111111111111:role/users"


def read(**answer):
    return read_identity(json.dumps({"Role": ROLE, **answer}).encode(), username="anna")


def details(*mappings):
    return {"HomeDirectoryType": "LOGICAL", "HomeDirectoryDetails": json.dumps(list(mappings))}


@pytest.mark.parametrize(
    ("wanted", "start"), [("/in/new", "/in/new"), ("/bucket/in", "/"), ("bucket", "/"), (7, "/"), (None, "/")]
)
def test_a_logical_home_begins_where_the_answer_says_if_its_mappings_lead_there(wanted, start):
    identity = read(**details({"Entry": "/in", "Target": "/bucket/in"}), HomeDirectory=wanted)
    assert initial_directory(identity.home) == start


def test_the_least_answer_is_a_role():
    identity = read()
    assert identity.role_arn == ROLE
    assert identity.home == PathHome(root="/")


def test_a_full_answer_is_read_whole():
    identity = read(
        HomeDirectory="/bucket/anna/",
        Policy='{"Version":"2012-10-17"}',
        PublicKeys=["ssh-ed25519 AAAA "],
        PosixProfile={"Uid": 1, "Gid": 2, "SecondaryGids": [3]},
    )
    assert identity.home == PathHome(root="/bucket/anna")
    assert identity.session_policy == '{"Version":"2012-10-17"}'
    assert identity.public_keys == ("ssh-ed25519 AAAA",)
    assert identity.posix == PosixProfile(uid=1, gid=2, secondary_gids=(3,))


@pytest.mark.parametrize("payload", [b"", b"null", b"{}", b'{"Role":""}', b'{"Role":"  "}', b'{"Role":null}'])
def test_an_answer_without_a_role_vouches_for_nobody(payload):
    with pytest.raises(NotVouchedFor):
        read_identity(payload, username="anna")


def test_an_empty_list_of_keys_vouches_for_nobody():
    with pytest.raises(NotVouchedFor):
        read(PublicKeys=[])


def test_a_logical_home_maps_paths_to_buckets_and_fills_in_the_user_name():
    identity = read(
        **details(
            {"Entry": "/in", "Target": "/bucket-a/${transfer:UserName}"},
            {"Entry": "/out/", "Target": "/bucket-b/${Transfer:UserName}/out", "Type": "FILE"},
        )
    )
    assert identity.home == LogicalHome(
        mappings=(
            HomeMapping(entry="/in", target="/bucket-a/anna"),
            HomeMapping(entry="/out", target="/bucket-b/anna/out", type=MappingType.FILE),
        )
    )


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"Role": 7}, "Role must be a text"),
        ({"Role": "users"}, "not the ARN of an IAM role"),
        ({"Role": "arn:aws:iam::1:user/x"}, "not the ARN of an IAM role"),
        ({"HomeDirectory": "bucket"}, "must start with '/'"),
        ({"HomeDirectory": 7}, "must start with '/'"),
        ({"HomeDirectoryType": "VIRTUAL"}, "PATH or LOGICAL"),
        ({"HomeDirectoryType": "LOGICAL"}, "HomeDirectoryDetails is required"),
        ({"HomeDirectoryType": "LOGICAL", "HomeDirectoryDetails": [{}]}, "not the array itself"),
        ({"HomeDirectoryType": "LOGICAL", "HomeDirectoryDetails": "[{"}, "Unable to parse Json"),
        ({"HomeDirectoryType": "LOGICAL", "HomeDirectoryDetails": "{}"}, "must be a list"),
        (details(), "must be a list of at least one"),
        (details("x"), "mapping 1 must be an object"),
        (details({"Entry": "/", "Target": 1}), "must be texts"),
        (details({"Entry": "/", "Target": "/b", "Type": "LINK"}), "Type FILE or DIRECTORY"),
        (details({"Entry": "in", "Target": "/b"}), "Entry must start"),
        (details({"Entry": "/in", "Target": "b"}), "Target must be"),
        (details({"Entry": "/in", "Target": "/"}), "Target must be"),
        (details({"Entry": "/in", "Target": "/b/"}), "must not end"),
        (details({"Entry": "/../in", "Target": "/b"}), "Entry must not contain '.' or '..'"),
        (details({"Entry": "/in/..", "Target": "/b"}), "Entry must not contain"),
        (details({"Entry": "/in", "Target": "/b/../other"}), "Target must not contain"),
        (details({"Entry": "/in", "Target": "/b/./in", "Type": "FILE"}), "Target must not contain"),
        (details({"Entry": "/in", "Target": "/b"}, {"Entry": "/in/", "Target": "/c"}), "mapped twice"),
        (details({"Entry": "/", "Target": "/b"}, {"Entry": "/in", "Target": "/c"}), "must be the only one"),
        ({"Policy": {}}, "Policy must be a text"),
        ({"PublicKeys": "ssh-rsa"}, "PublicKeys must be a list"),
        ({"PosixProfile": "x"}, "PosixProfile must be an object"),
        ({"PosixProfile": {"Uid": "1", "Gid": 2}}, "whole numbers"),
        ({"PosixProfile": {"Uid": 1, "Gid": 2, "SecondaryGids": 3}}, "whole numbers"),
    ],
)
def test_a_malformed_answer_says_what_is_wrong_with_it(answer, sentence):
    with pytest.raises(MalformedAnswer) as refusal:
        read(**answer)
    assert sentence in str(refusal.value)


def test_too_many_mappings_are_refused():
    many = [{"Entry": f"/{n}", "Target": "/b"} for n in range(MAX_ENTRIES + 1)]
    with pytest.raises(BadHome, match=str(MAX_ENTRIES)):
        check_mappings(many)


def test_an_answer_larger_than_aws_takes_is_refused():
    with pytest.raises(MalformedAnswer, match="larger"):
        read_identity(b" " * (MAX_ANSWER_BYTES + 1), username="anna")


@pytest.mark.parametrize("payload", [b"[]", b'"x"', b"7", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_malformed(payload):
    with pytest.raises(MalformedAnswer):
        read_identity(payload, username="anna")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = (
    "HomeDirectory",
    "HomeDirectoryDetails",
    "HomeDirectoryType",
    "Policy",
    "PosixProfile",
    "PublicKeys",
    "Role",
)


@given(st.dictionaries(st.sampled_from(MEMBERS), json_values))
def test_whatever_comes_is_an_identity_or_a_reason(answer):
    try:
        role_arn = read_identity(json.dumps(answer).encode(), username="anna").role_arn
    except (MalformedAnswer, NotVouchedFor):
        return
    assert role_arn.startswith("arn:")
