"""A KMS key, as far as profiles may tell of it."""

from typing import Any

import pytest
from tests.fakes.aws_documents import HUB, PARTNER, REGION, ScriptedAws, accounts
from tests.fakes.s3 import document

from crossdock.adapters.aws.documents.keys import OF_S3, KeyName, KeyReader
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.core.arns import parse_arn
from crossdock.core.errors import NotFound, Unsupported
from crossdock.policy.requests import Layer

ARN = f"arn:aws:kms:{REGION}:{HUB}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KEY = KeyName(text=ARN, account_id=HUB, region=REGION)
ALIAS = KeyName(text="alias/files", account_id=HUB, region=REGION)
ROOT = {"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "kms:*", "Resource": "*"}
DESCRIBE, POLICY, GRANTS = ("kms", "DescribeKey"), ("kms", "GetKeyPolicy"), ("kms", "ListGrants")


def described(**more: str) -> dict[str, Any]:
    return {"KeyMetadata": {"Arn": ARN, "KeyState": "Enabled", "KeyManager": "CUSTOMER", **more}}


def reader(answers: dict[tuple[str, str], Any]) -> KeyReader:
    return KeyReader(accounts(ScriptedAws({DESCRIBE: described(), **answers}).account(HUB)))


@pytest.mark.parametrize("named", [KEY, ALIAS])
async def test_a_key_or_its_alias_leads_to_the_policy_which_is_read_once(named: KeyName) -> None:
    aws = ScriptedAws({DESCRIBE: described(), POLICY: {"Policy": document(ROOT)}})
    keys = KeyReader(accounts(aws.account(HUB)))
    found = await keys.find(named)
    assert (str(found.arn), found.is_of_aws, found.unread, found.doubt) == (ARN, False, (), None)
    assert found.policy is not None
    assert found.policy.name == "key policy of key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert await keys.find(named) is found
    assert [operation for _, operation, _ in aws.asked] == ["DescribeKey", "GetKeyPolicy"]
    assert aws.asked[-1][-1] == {"KeyId": ARN, "PolicyName": "default"}


async def test_a_key_that_aws_manages_is_told_apart() -> None:
    keys = reader({DESCRIBE: described(KeyManager="AWS"), POLICY: {"Policy": document(ROOT)}})
    found = await keys.find(ALIAS)
    assert found.is_of_aws
    assert found.policy is not None
    assert found.policy.is_of_aws


async def test_without_describing_it_a_key_is_found_by_its_arn_and_in_doubt_and_an_alias_is_not() -> None:
    keys = reader({DESCRIBE: "AccessDeniedException", POLICY: {"Policy": document(ROOT)}})
    found = await keys.find(KEY)
    assert (str(found.arn), found.is_of_aws) == (ARN, None)
    assert found.policy is not None
    assert found.doubt is not None
    assert f"not known whether KMS key {ARN} is enabled: profile reads-1" in found.doubt.why
    assert found.doubt.remedy.startswith("allow kms:DescribeKey to ")
    with pytest.raises(NotRead, match="may not kms:DescribeKey on alias/files"):
        await keys.find(ALIAS)


async def test_a_policy_that_may_not_be_read_is_unknown() -> None:
    (unread,) = (await reader({POLICY: "AccessDeniedException"}).find(KEY)).unread
    assert unread.layer is Layer.RESOURCE
    assert "may not kms:GetKeyPolicy" in unread.why
    assert unread.remedy.startswith("allow kms:GetKeyPolicy to ")


async def test_without_a_profile_of_its_account_a_key_has_its_arn_alone() -> None:
    theirs = KeyReader(accounts(ScriptedAws({}).account(PARTNER)))
    (unread,) = (await theirs.find(KEY)).unread
    assert unread.why == f"no profile is given for account {HUB}"
    with pytest.raises(NotRead, match="no profile is given"):
        await theirs.find(ALIAS)


async def test_a_key_that_is_not_there_or_not_in_use_is_an_answer() -> None:
    with pytest.raises(NotFound, match=f"there is no KMS key alias/files of account {HUB} in region {REGION}"):
        await reader({DESCRIBE: "NotFoundException"}).find(ALIAS)
    for text in (OF_S3, f"arn:aws:kms:{REGION}:{HUB}:{OF_S3}"):
        with pytest.raises(NotRead, match="when it is first used"):
            await reader({DESCRIBE: "NotFoundException"}).find(KeyName(text=text, account_id=HUB, region=REGION))
    with pytest.raises(Unsupported, match="is not in use but PendingDeletion"):
        await reader({DESCRIBE: described(KeyState="PendingDeletion")}).find(KEY)
    with pytest.raises(Unsupported, match="is of the kind RSA_2048, and S3 uses none but symmetric keys"):
        await reader({DESCRIBE: described(KeySpec="RSA_2048")}).find(KEY)


async def test_a_key_whose_primary_is_being_changed_can_be_used() -> None:
    updating = described(KeyState="Updating", KeySpec="SYMMETRIC_DEFAULT")
    found = await reader({DESCRIBE: updating, POLICY: {"Policy": document(ROOT)}}).find(KEY)
    assert found.policy is not None


async def test_grants_are_told_for_whom_and_for_what() -> None:
    granted = {"GrantId": "g-1", "GranteePrincipal": "role", "Operations": ["Decrypt"]}
    keys = reader({GRANTS: {"Grants": [granted, {"GrantId": "g-2"}]}})
    key = parse_arn(ARN)
    assert await keys.grants(key, ["role"], "Decrypt") == ("g-1",)
    assert await keys.grants(key, ["role"], "GenerateDataKey") == ()
    assert await keys.grants(key, ["other"], "Decrypt") == ()
    with pytest.raises(NotRead, match="may not kms:ListGrants"):
        await reader({}).grants(key, ["role"], "Decrypt")


async def test_another_region_is_asked_anew() -> None:
    account = ScriptedAws({DESCRIBE: described()}).account(HUB)
    assert account.in_region(REGION) is account
    await account.read("kms", "DescribeKey", KeyId=ARN)
    assert account.in_region("us-east-1").region == "us-east-1"
    with pytest.raises(AssertionError):  # the fake knows one region, and is asked about another
        await account.in_region("us-east-1").read("kms", "DescribeKey", KeyId=ARN)
