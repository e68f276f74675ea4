import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.policy.document import MalformedPolicy, PolicyKind, PolicyTooLong, parse_policy
from crossdock.policy.session_template import render_session_policy

# AWS Transfer Family User Guide, "Creating a session policy for an Amazon S3 bucket".
GUIDE = """{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "AllowListingOfUserFolder",
            "Action": ["s3:ListBucket"],
            "Effect": "Allow",
            "Resource": ["arn:aws:s3:::${transfer:HomeBucket}"],
            "Condition": {"StringLike": {"s3:prefix": ["${transfer:HomeFolder}/*", "${transfer:HomeFolder}"]}}
        },
        {
            "Sid": "HomeDirObjectAccess",
            "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:GetObject"],
            "Resource": "arn:aws:s3:::${transfer:HomeDirectory}/*"
        }
    ]
}"""


def render(text: str, *, home_root: str | None = "/bucket/home/bob", username: str = "bob") -> str:
    """Fill a text that stands as the Sid, which takes anything in this test, and hand it back."""
    template = json.dumps({"Version": "2012-10-17", "Statement": [{"Resource": text}]})
    document = json.loads(render_session_policy(template, home_root=home_root, username=username))
    return document["Statement"][0]["Resource"]


def test_the_policy_of_the_guide():
    rendered = json.loads(render_session_policy(GUIDE, home_root="/bucket/home/bob", username="bob"))
    listing, objects = rendered["Statement"]
    assert listing["Resource"] == ["arn:aws:s3:::bucket"]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["home/bob/*", "home/bob"]}}
    assert objects["Resource"] == "arn:aws:s3:::bucket/home/bob/*"
    parse_policy(rendered, PolicyKind.SESSION)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${transfer:UserName}", "bob"),
        ("${Transfer:UserName}", "bob"),
        ("${TRANSFER:username}", "bob"),
        ("${transfer:HomeBucket}", "bucket"),
        ("${transfer:HomeFolder}", "home/bob"),
        ("${transfer:HomeDirectory}", "bucket/home/bob"),
        ("a${transfer:UserName}b${transfer:UserName}", "abobbbob"),
        ("${aws:username}", "${aws:username}"),
        ("${*}", "${*}"),
        ("$transfer:UserName", "$transfer:UserName"),
    ],
)
def test_variables_are_filled_and_policy_variables_left_alone(text: str, expected: str):
    assert render(text) == expected


@pytest.mark.parametrize(
    ("home_root", "bucket", "folder", "directory"),
    [("/bucket", "bucket", "", "bucket"), ("/bucket/", "bucket", "", "bucket"), ("/b/f/", "b", "f", "b/f")],
)
def test_the_parts_of_a_home(home_root: str, bucket: str, folder: str, directory: str):
    text = "${transfer:HomeBucket}|${transfer:HomeFolder}|${transfer:HomeDirectory}"
    assert render(text, home_root=home_root) == f"{bucket}|{folder}|{directory}"


def test_a_logical_home_has_the_user_name_only():
    assert render("${transfer:UserName}", home_root=None) == "bob"
    for name in ("HomeBucket", "HomeFolder", "HomeDirectory"):
        with pytest.raises(MalformedPolicy) as caught:
            render(f"${{transfer:{name}}}", home_root=None)
        assert name in caught.value.detail


def test_a_home_without_a_bucket_gives_no_bucket():
    with pytest.raises(MalformedPolicy):
        render("arn:aws:s3:::${transfer:HomeBucket}*", home_root="/")


@pytest.mark.parametrize("name", ["Bogus", "", "UserName, 'x'", "User Name"])
def test_a_variable_that_transfer_does_not_define_is_refused(name: str):
    with pytest.raises(MalformedPolicy):
        render(f"${{transfer:{name}}}")


def test_values_are_not_filled_again():
    assert render("${transfer:HomeFolder}", home_root="/b/${transfer:UserName}") == "${$}{transfer:UserName}"


@pytest.mark.parametrize(
    ("value", "expected"), [("a*", "a${*}"), ("a?b", "a${?}b"), ("${aws:x}", "${$}{aws:x}"), ("a$b", "a$b")]
)
def test_wildcards_and_variables_in_a_value_are_escaped(value: str, expected: str):
    assert render("${transfer:HomeFolder}", home_root=f"/b/{value}") == expected


def test_a_value_that_cannot_be_escaped_in_an_old_policy_is_refused():
    template = json.dumps({"Statement": [{"Resource": "${transfer:HomeFolder}"}]})
    assert "plain" in render_session_policy(template, home_root="/b/plain", username="bob")
    with pytest.raises(MalformedPolicy, match="Syntax") as caught:
        render_session_policy(template, home_root="/b/*", username="bob")
    assert "2012-10-17" in caught.value.detail


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_name_never_breaks_out_of_its_place(username: str, folder: str):
    template = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Sid": "${transfer:UserName}", "Resource": "x${transfer:HomeFolder}"}]}
    )
    rendered = json.loads(render_session_policy(template, home_root=f"/b/{folder}", username=username))

    def plain(text: str) -> str:
        return re.sub(r"\$\{([*?$])\}", r"\1", text)

    (statement,) = rendered["Statement"]
    assert set(statement) == {"Sid", "Resource"}
    # A name that itself looks like an escape is escaped once more, so compare what both stand for.
    assert plain(plain(statement["Sid"])) == plain(username)
    assert plain(plain(statement["Resource"])) == plain("x" + f"b/{folder}".strip("/").partition("/")[2])


@pytest.mark.parametrize(
    "template", ["", "[]", "7", "{", '{"a": 1, "a": 2}', "[" * 2_000, '{"Statement": {"${transfer:UserName}": 1}}']
)
def test_a_template_that_is_no_policy_is_refused(template: str):
    with pytest.raises(MalformedPolicy):
        render_session_policy(template, home_root=None, username="bob")


def test_numbers_and_booleans_stay_what_they_are():
    template = '{"Statement": [{"Condition": {"Bool": {"a:b": true}, "Null": {"a:b": null}}}], "n": 7}'
    assert json.loads(render_session_policy(template, home_root=None, username="bob")) == json.loads(template)


def test_a_session_policy_has_at_most_2048_characters_before_and_after():
    filler = json.dumps({"Sid": "${transfer:UserName}" + "x" * 2_000}, separators=(",", ":"))
    assert len(filler) < 2_048
    assert render_session_policy(filler, home_root=None, username="b" * 38)
    with pytest.raises(PolicyTooLong):
        render_session_policy(filler, home_root=None, username="b" * 39)
    with pytest.raises(PolicyTooLong):
        render_session_policy(filler + " " * 40, home_root=None, username="b")
