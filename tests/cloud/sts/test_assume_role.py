"""AssumeRole as clients call it."""

import json
import random
import re
import string
from dataclasses import replace

import pytest
from tests.fakes.cloud import HUB, PARTNER, call
from tests.fakes.documents import allowing, denying, document, statement, trusting
from tests.fakes.house import AllowEverything
from tests.fakes.identity import Identities, make_identities

from crossdock.cloud.sts.operations import sts_operations
from crossdock.core.errors import ServiceError
from crossdock.core.principals import AccountRoot, Anonymous, ServicePrincipal
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller

TRANSFER_TRUST = trusting({"Service": ["transfer.amazonaws.com"]})
SERVER = f"arn:aws:transfer:us-east-1:{HUB}:server/s-0123456789abcdef0"
TRANSFER = Caller(principal=ServicePrincipal(name="transfer.amazonaws.com"), source_arn=SERVER, source_account=HUB)
SESSION = "user1.0123456789abcdef@s-0123456789abcdef0"


@pytest.fixture
async def house() -> Identities:
    return await make_identities()


async def arn_of(house: Identities, name: str, trust: str, **params: object) -> str:
    return str((await house.role(name, trust, **params))["Arn"])


async def test_the_article_s_role_is_assumed_by_transfer(house: Identities) -> None:
    role = await house.role("Upload", TRANSFER_TRUST, Path="/ftp/")

    answer = await house.sts("AssumeRole", by=TRANSFER, RoleArn=role["Arn"], RoleSessionName=SESSION)

    credentials = answer["Credentials"]
    assert re.fullmatch(r"ASIA[A-Z2-7]{16}", credentials["AccessKeyId"])
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", credentials["SecretAccessKey"])
    assert (credentials["Expiration"] - house.parts.clock.now()).total_seconds() == 3600
    assert answer["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role['RoleId']}:{SESSION}",
        "Arn": f"arn:aws:sts::{HUB}:assumed-role/Upload/{SESSION}",
    }
    assert "PackedPolicySize" not in answer


async def test_assuming_a_role_writes_nothing(house: Identities) -> None:
    arn = await arn_of(house, "Upload", TRANSFER_TRUST)
    writes = house.parts.state.writes

    for number in range(3):
        await house.session(arn, by=TRANSFER, name=f"session{number}")

    assert house.parts.state.writes == writes


async def test_a_service_that_the_trust_policy_does_not_name_is_denied(house: Identities) -> None:
    arn = await arn_of(house, "Upload", TRANSFER_TRUST)

    refusal = await house.refused(
        "sts",
        "AssumeRole",
        by=Caller(principal=ServicePrincipal(name="lambda.amazonaws.com")),
        RoleArn=arn,
        RoleSessionName=SESSION,
    )

    assert (refusal.code, refusal.status) == ("AccessDenied", 403)
    assert refusal.message.startswith(
        f"User: lambda.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: {arn} because "
    )
    assert "trust policy of role Upload" in refusal.reason


async def test_source_arn_and_source_account_guard_against_the_confused_deputy(house: Identities) -> None:
    condition = {"StringEquals": {"aws:SourceAccount": HUB}, "ArnLike": {"aws:SourceArn": SERVER}}
    arn = await arn_of(house, "Upload", trusting({"Service": "transfer.amazonaws.com"}, condition=condition))

    await house.session(arn, by=TRANSFER)
    for stranger in (
        replace(TRANSFER, source_account=PARTNER),
        replace(TRANSFER, source_arn=SERVER.replace("0123", "4567")),
        replace(TRANSFER, source_arn="", source_account=""),
    ):
        refusal = await house.refused("sts", "AssumeRole", by=stranger, RoleArn=arn, RoleSessionName=SESSION)
        assert refusal.code == "AccessDenied"


async def test_another_account_cannot_tell_a_role_that_does_not_exist_from_one_that_trusts_others(
    house: Identities,
) -> None:
    arn = await arn_of(house, "Private", TRANSFER_TRUST)
    ghost = arn.replace("Private", "Ghost")

    one = await house.refused("sts", "AssumeRole", by=house.partner, RoleArn=arn, RoleSessionName=SESSION)
    other = await house.refused("sts", "AssumeRole", by=house.partner, RoleArn=ghost, RoleSessionName=SESSION)

    assert one.code == other.code == "AccessDenied"
    assert other.message.replace("Ghost", "Private") == one.message


async def test_the_path_is_part_of_the_arn(house: Identities) -> None:
    arn = await arn_of(house, "Upload", trusting({"AWS": HUB}), Path="/ftp/")

    await house.session(arn)
    refusal = await house.refused(
        "sts", "AssumeRole", RoleArn=f"arn:aws:iam::{HUB}:role/Upload", RoleSessionName=SESSION
    )

    assert refusal.code == "AccessDenied"


async def test_the_caller_s_own_policies_never_suffice(house: Identities) -> None:
    arn = await arn_of(house, "Upload", TRANSFER_TRUST)

    refusal = await house.refused("sts", "AssumeRole", RoleArn=arn, RoleSessionName=SESSION)

    assert refusal.code == "AccessDenied"
    assert "the trust policy of role Upload does not allow sts:AssumeRole" in refusal.reason


async def test_a_trust_in_the_account_leaves_it_to_the_caller_s_policies(house: Identities) -> None:
    arn = await arn_of(house, "Upload", trusting({"AWS": f"arn:aws:iam::{HUB}:root"}))
    worker = await house.role("Worker", TRANSFER_TRUST)
    session = await house.session(worker["Arn"], by=TRANSFER)

    refusal = await house.refused("sts", "AssumeRole", by=session, RoleArn=arn, RoleSessionName=SESSION)
    assert "no identity-based policy of role Worker allows sts:AssumeRole" in refusal.reason

    await house.iam("PutRolePolicy", RoleName="Worker", PolicyName="p", PolicyDocument=allowing("sts:AssumeRole", arn))
    await house.session(arn, by=session)


async def test_a_trust_in_the_role_itself_needs_no_policy_in_the_same_account(house: Identities) -> None:
    worker = await house.role("Worker", TRANSFER_TRUST)
    arn = await arn_of(house, "Upload", trusting({"AWS": worker["Arn"]}))

    await house.session(arn, by=await house.session(worker["Arn"], by=TRANSFER))


async def test_a_trusted_role_made_anew_is_not_trusted(house: Identities) -> None:
    worker = await house.role("Worker", TRANSFER_TRUST)
    arn = await arn_of(house, "Upload", trusting({"AWS": worker["Arn"]}))
    await house.iam("DeleteRole", RoleName="Worker")
    await house.role("Worker", TRANSFER_TRUST)
    session = await house.session(worker["Arn"], by=TRANSFER)

    refusal = await house.refused("sts", "AssumeRole", by=session, RoleArn=arn, RoleSessionName=SESSION)

    assert refusal.code == "AccessDenied"


async def test_another_account_s_role_needs_both_sides(house: Identities) -> None:
    worker = await house.role("Worker", TRANSFER_TRUST)
    session = await house.session(worker["Arn"], by=TRANSFER)
    theirs = await house.role("Receive", trusting({"AWS": PARTNER}), by=house.partner)
    wanted = {"RoleArn": theirs["Arn"], "RoleSessionName": SESSION}

    refusal = await house.refused("sts", "AssumeRole", by=session, **wanted)
    assert "no identity-based policy of role Worker" in refusal.reason
    assert f"trust policy of role Receive (account {PARTNER})" in refusal.reason

    await house.iam(
        "UpdateAssumeRolePolicy",
        by=house.partner,
        RoleName="Receive",
        PolicyDocument=trusting({"AWS": worker["Arn"]}),
    )
    refusal = await house.refused("sts", "AssumeRole", by=session, **wanted)
    assert refusal.code == "AccessDenied"
    assert "trust policy" not in refusal.reason

    await house.iam(
        "PutRolePolicy",
        RoleName="Worker",
        PolicyName="p",
        PolicyDocument=allowing("sts:AssumeRole", theirs["Arn"]),
    )
    received = await house.session(theirs["Arn"], by=session)
    assert received.principal.account_id == PARTNER


async def test_an_explicit_deny_of_the_caller_wins_over_the_trust(house: Identities) -> None:
    worker = await house.role("Worker", TRANSFER_TRUST)
    arn = await arn_of(house, "Upload", trusting({"AWS": worker["Arn"]}))
    await house.iam("PutRolePolicy", RoleName="Worker", PolicyName="p", PolicyDocument=denying("sts:*"))
    session = await house.session(worker["Arn"], by=TRANSFER)

    refusal = await house.refused("sts", "AssumeRole", by=session, RoleArn=arn, RoleSessionName=SESSION)

    assert "denied explicitly" in refusal.reason


async def test_the_external_id_must_be_the_agreed_one_and_is_not_told(house: Identities) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "agreed-secret"}}
    arn = await arn_of(house, "Upload", trusting({"AWS": PARTNER}, condition=condition))
    wanted = {"RoleArn": arn, "RoleSessionName": SESSION}

    await house.sts("AssumeRole", by=house.partner, **wanted, ExternalId="agreed-secret")
    for given in ({}, {"ExternalId": "guess"}):
        refusal = await house.refused("sts", "AssumeRole", by=house.partner, **wanted, **given)
        assert refusal.code == "AccessDenied"
        assert "agreed-secret" not in refusal.message


async def test_the_session_name_is_a_condition_key(house: Identities) -> None:
    condition = {"StringLike": {"sts:RoleSessionName": "user1.*"}}
    arn = await arn_of(house, "Upload", trusting({"Service": "transfer.amazonaws.com"}, condition=condition))

    await house.session(arn, by=TRANSFER, name=SESSION)
    refusal = await house.refused("sts", "AssumeRole", by=TRANSFER, RoleArn=arn, RoleSessionName="user2.x")

    assert refusal.code == "AccessDenied"


async def test_the_account_itself_and_anonymous_callers_assume_nothing(house: Identities) -> None:
    arn = await arn_of(house, "Upload", trusting("*"))
    wanted = {"RoleArn": arn, "RoleSessionName": SESSION}

    root = await house.refused("sts", "AssumeRole", by=Caller(principal=AccountRoot(account_id=HUB)), **wanted)
    nobody = await house.refused("sts", "AssumeRole", by=Caller(principal=Anonymous()), **wanted)

    assert (root.code, root.message) == ("AccessDenied", "Roles may not be assumed by root accounts.")
    assert nobody.code == "MissingAuthenticationToken"


@pytest.mark.parametrize(
    ("params", "code", "sentence"),
    [
        ({"RoleArn": "arn:aws:s3:::a-bucket/role/x"}, "ValidationError", "is invalid"),
        ({"RoleArn": "arn:aws:iam::123:role/too-short"}, "ValidationError", "is invalid"),
        ({"RoleArn": "Upload, the role of that name"}, "ValidationError", "Upload, the role of that name is invalid"),
        ({"RoleSessionName": "a"}, "ValidationError", "at 'roleSessionName' failed to satisfy constraint"),
        ({"RoleSessionName": "a b"}, "ValidationError", "at 'roleSessionName' failed to satisfy constraint"),
        ({"RoleSessionName": "s" * 65}, "ValidationError", "at 'roleSessionName' failed to satisfy constraint"),
        ({"DurationSeconds": 899}, "ValidationError", "Member must have value greater than or equal to 900"),
        ({"DurationSeconds": 43201}, "ValidationError", "Member must have value less than or equal to 43200"),
        (
            {"DurationSeconds": 3601},
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ),
        ({"ExternalId": "a b"}, "ValidationError", "at 'externalId' failed to satisfy constraint"),
        ({"Policy": "{"}, "MalformedPolicyDocument", "Syntax errors in policy."),
        ({"Policy": allowing("s3:*") + " " * 2048}, "ValidationError", "length less than or equal to 2048"),
        (
            {"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}] * 11},
            "ValidationError",
            "at 'policyArns' failed to satisfy constraint",
        ),
        (
            {"PolicyArns": [{"arn": f"arn:aws:iam::{HUB}:policy/Ghost"}]},
            "ValidationError",
            f"Policy arn:aws:iam::{HUB}:policy/Ghost does not exist or is not attachable.",
        ),
        ({"PolicyArns": [{}]}, "ValidationError", "does not exist or is not attachable."),
        ({"SourceIdentity": "alice"}, "NotImplemented", "does not implement AssumeRole with SourceIdentity"),
        ({"SerialNumber": "GAHT12345678"}, "NotImplemented", "AssumeRole with SerialNumber"),
        ({"TransitiveTagKeys": ["team"]}, "NotImplemented", "AssumeRole with TransitiveTagKeys"),
        (
            {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]},
            "InvalidInput",
            "Duplicate tag keys found.",
        ),
    ],
)
async def test_what_sts_refuses_is_refused(
    house: Identities, params: dict[str, object], code: str, sentence: str
) -> None:
    arn = await arn_of(house, "Upload", trusting({"AWS": HUB}))

    refusal = await house.refused("sts", "AssumeRole", **{"RoleArn": arn, "RoleSessionName": SESSION} | params)

    assert refusal.code == code
    assert sentence in refusal.message


async def test_a_role_may_allow_longer_sessions_but_not_when_chained(house: Identities) -> None:
    trust = trusting({"AWS": f"arn:aws:iam::{HUB}:root"})
    first = await arn_of(house, "First", trust)
    second = await arn_of(house, "Second", trust, MaxSessionDuration=43200)
    await house.iam("PutRolePolicy", RoleName="First", PolicyName="p", PolicyDocument=allowing("sts:*"))

    direct = await house.session(second, DurationSeconds=43200)
    assert direct.expires_at is not None
    assert (direct.expires_at - house.parts.clock.now()).total_seconds() == 43200

    chained = {"by": await house.session(first), "RoleArn": second, "RoleSessionName": SESSION}
    refusal = await house.refused("sts", "AssumeRole", DurationSeconds=3601, **chained)
    assert refusal.code == "ValidationError"
    assert "1 hour session limit for roles assumed by role chaining" in refusal.message
    await house.sts("AssumeRole", DurationSeconds=3600, **chained)


async def test_tags_need_their_own_permission_on_both_sides(house: Identities) -> None:
    tags = [{"Key": "team", "Value": "blue"}]
    arn = await arn_of(house, "Upload", trusting({"AWS": HUB}))
    wanted = {"RoleArn": arn, "RoleSessionName": SESSION, "Tags": tags}

    refusal = await house.refused("sts", "AssumeRole", **wanted)
    assert "sts:TagSession" in refusal.message

    condition = {"StringEquals": {"aws:RequestTag/team": "blue"}, "ForAllValues:StringEquals": {"aws:TagKeys": "team"}}
    trust = document(
        statement("Allow", "sts:AssumeRole", principal={"AWS": HUB}),
        statement("Allow", "sts:TagSession", principal={"AWS": HUB}, condition=condition),
    )
    await house.iam("UpdateAssumeRolePolicy", RoleName="Upload", PolicyDocument=trust)
    answer = await house.sts("AssumeRole", **wanted)
    assert 0 < answer["PackedPolicySize"] <= 100
    assert (await house.session(arn, Tags=tags)).tags == {"team": "blue"}
    other = [{"Key": "team", "Value": "red"}]
    assert (await house.refused("sts", "AssumeRole", **wanted | {"Tags": other})).code == "AccessDenied"


async def test_session_policies_and_tags_must_fit_once_packed(house: Identities) -> None:
    arn = await arn_of(house, "Upload", trusting({"AWS": HUB}, action=["sts:AssumeRole", "sts:TagSession"]))
    fixed = random.Random(1)
    tags = [
        {"Key": f"key{number}", "Value": "".join(fixed.choices(string.ascii_letters + string.digits, k=256))}
        for number in range(12)
    ]

    refusal = await house.refused("sts", "AssumeRole", RoleArn=arn, RoleSessionName=SESSION, Tags=tags)

    assert (refusal.code, refusal.status) == ("PackedPolicyTooLarge", 400)
    assert re.match(r"Packed policy consumes 1\d\d% of allotted space, please use smaller policy\.", refusal.message)


async def test_a_session_policy_of_2048_characters_is_taken(house: Identities) -> None:
    arn = await arn_of(house, "Upload", trusting({"AWS": HUB}))
    policy = allowing("s3:*")
    policy = policy[:-1] + " " * (2048 - len(policy)) + "}"
    assert json.loads(policy)

    answer = await house.sts("AssumeRole", RoleArn=arn, RoleSessionName=SESSION, Policy=policy)

    assert answer["PackedPolicySize"] < 10


async def test_sessions_of_one_role_have_different_credentials(house: Identities) -> None:
    arn = await arn_of(house, "Upload", TRANSFER_TRUST)
    answers = [
        (await house.sts("AssumeRole", by=TRANSFER, RoleArn=arn, RoleSessionName=SESSION))["Credentials"]
        for _ in range(2)
    ]

    for member in ("AccessKeyId", "SecretAccessKey", "SessionToken"):
        assert answers[0][member] != answers[1][member]


async def test_a_role_that_is_deleted_while_the_permission_is_decided_gives_no_credentials(house: Identities) -> None:
    parts = house.parts
    table = sts_operations(principals=parts.principals, tokens=parts.tokens, library=parts.library)
    lenient = Operations([table], house=parts.house, authorizer=AllowEverything())

    with pytest.raises(ServiceError, match="AccessDenied"):
        await call(
            lenient, house.hub, "sts", "AssumeRole", RoleArn=f"arn:aws:iam::{HUB}:role/Gone", RoleSessionName=SESSION
        )


async def test_sessions_end_at_the_longest_time_whatever_was_asked_for(house: Identities) -> None:
    arn = await arn_of(house, "Upload", TRANSFER_TRUST)
    parts = house.parts
    table = sts_operations(principals=parts.principals, tokens=parts.tokens, library=parts.library, longest_session_s=7)
    brief = Operations([table], house=parts.house, authorizer=AllowEverything())

    answer = await call(brief, house.hub, "sts", "AssumeRole", RoleArn=arn, RoleSessionName=SESSION)

    assert (answer["Credentials"]["Expiration"] - parts.clock.now()).total_seconds() == 7
