"""The context keys that policies refer to."""

import pytest
from tests.fakes.documents import allowing, document, statement
from tests.fakes.identity import make_identities

from crossdock.cloud.iam.context_keys import context_keys, missing_keys
from crossdock.policy.document import PolicyKind, parse_policy


def keys(text: str, kind: PolicyKind = PolicyKind.IDENTITY) -> list[str]:
    return context_keys([parse_policy(text, kind)])


def test_a_key_is_told_once_and_as_it_is_first_spelled():
    first = statement("Allow", "s3:*", "*", condition={"StringEquals": {"aws:PrincipalTag/Team": "a"}})
    second = statement("Deny", "s3:*", "*", condition={"Null": {"AWS:principaltag/team": "true", "s3:prefix": "true"}})
    assert keys(document(first, second)) == ["aws:PrincipalTag/Team", "s3:prefix"]


def test_variables_are_keys_too():
    resources = ["arn:aws:s3:::b/${AWS:userName}/*", "arn:aws:s3:::b/${aws:PrincipalTag/team, 'none'}/${*}"]
    assert keys(allowing("s3:*", resources)) == ["AWS:userName", "aws:PrincipalTag/team"]
    assert keys(allowing("s3:*", "arn:aws:s3:::İ/${aws:Username}${aws:İ}")) == ["aws:Username", "aws:i̇"]


@pytest.mark.parametrize("written", ["${aws:PrincipalTag/x, 'd'}", "${aws:PrincipalTag/x,'d'}"])
def test_a_default_is_no_part_of_the_key(written: str):
    assert keys(allowing("s3:*", f"arn:aws:s3:::b/{written}")) == ["aws:PrincipalTag/x"]
    assert keys(allowing("s3:*", condition={"StringEquals": {"s3:prefix": written}})) == [
        "s3:prefix",
        "aws:PrincipalTag/x",
    ]


def test_a_variable_with_a_default_waits_for_nothing():
    with_default, without = ("arn:aws:s3:::b/${aws:PrincipalTag/x, 'd'}", "arn:aws:s3:::b/${aws:PrincipalTag/x,'d'}")
    for resource, missing in ((with_default, []), (without, ["aws:PrincipalTag/x"])):
        policy = parse_policy(allowing("s3:*", resource), PolicyKind.IDENTITY)
        assert missing_keys(policy.statements, ()) == missing


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        ("StringLike", "${aws:username}/*", ["s3:prefix", "aws:username"]),
        ("ForAnyValue:ArnLikeIfExists", "arn:aws:s3:::${aws:username}", ["s3:prefix", "aws:username"]),
        ("Bool", "true", ["s3:prefix"]),
    ],
)
def test_values_of_string_and_arn_operators_have_variables(operator: str, value: str, found: list[str]):
    assert keys(allowing("s3:*", condition={operator: {"s3:prefix": value}})) == found


def test_an_old_policy_has_no_variables():
    text = allowing("s3:*", "arn:aws:s3:::${aws:username}").replace("2012-10-17", "2008-10-17")
    assert keys(text) == []


def test_what_is_given_is_not_missing():
    policy = parse_policy(allowing("s3:*", condition={"Bool": {"aws:SecureTransport": "true"}}), PolicyKind.IDENTITY)
    assert missing_keys(policy.statements, ()) == ["aws:SecureTransport"]
    assert missing_keys(policy.statements, ("aws:securetransport",)) == []


async def test_the_keys_of_documents_and_of_a_role_are_answered():
    house = await make_identities()
    role = await house.role("Upload", document(statement("Allow", "sts:AssumeRole", principal={"AWS": "111111111111"})))
    inline = allowing("s3:*", condition={"StringLike": {"s3:prefix": "a"}})
    await house.iam("PutRolePolicy", RoleName="Upload", PolicyName="p", PolicyDocument=inline)
    sent = allowing("s3:*", "arn:aws:s3:::b/${aws:username}")

    custom = await house.iam("GetContextKeysForCustomPolicy", PolicyInputList=[sent, inline])
    principal = await house.iam("GetContextKeysForPrincipalPolicy", PolicySourceArn=role["Arn"], PolicyInputList=[sent])

    assert custom["ContextKeyNames"] == ["aws:username", "s3:prefix"]
    assert principal["ContextKeyNames"] == ["s3:prefix", "aws:username"]


@pytest.mark.parametrize(
    ("arn", "code", "sentence"),
    [
        ("arn:aws:iam::111111111111:role/Ghost", "NoSuchEntity", "The role with name Ghost cannot be found."),
        ("arn:aws:iam::111111111111:user/ghost", "NoSuchEntity", "The user with name ghost cannot be found."),
        ("arn:aws:iam::111111111111:group/all", "NoSuchEntity", "The group with name all cannot be found."),
        ("arn:aws:sts::111111111111:assumed-role/r/s", "InvalidInput", "does not clearly define entity type and name."),
    ],
)
async def test_keys_of_nobody_are_refused(arn: str, code: str, sentence: str):
    house = await make_identities()
    refusal = await house.refused("iam", "GetContextKeysForPrincipalPolicy", PolicySourceArn=arn)
    assert refusal.code == code
    assert sentence in refusal.message
