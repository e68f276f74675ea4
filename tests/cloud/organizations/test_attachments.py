"""What is attached to what, and which types can be."""

import pytest
from tests.fakes.cloud import HUB, PARTNER
from tests.fakes.documents import allowing, denying, document, statement
from tests.fakes.organization import FULL, RCP, SCP, Organization

from crossdock.cloud.accounts import MANAGEMENT

DENY = denying("s3:PutObject")


async def test_full_access_is_attached_to_everything_from_the_start(house: Organization) -> None:
    root = await house.root()
    organization = (await house("DescribeOrganization"))["Organization"]["Id"]
    arn = "arn:aws:organizations::000000000000"

    targets = (await house("ListTargetsForPolicy", PolicyId=FULL))["Targets"]

    assert targets == [
        {"TargetId": account, "Arn": f"{arn}:account/{organization}/{account}", "Name": name, "Type": "ACCOUNT"}
        for account, name in ((MANAGEMENT, "management"), (HUB, "hub"), (PARTNER, "partner"))
    ] + [{"TargetId": root, "Arn": f"{arn}:root/{organization}/{root}", "Name": "Root", "Type": "ROOT"}]


async def test_policies_are_attached_and_detached(house: Organization) -> None:
    policy_id = await house.policy("no-uploads", DENY)

    await house("AttachPolicy", PolicyId=policy_id, TargetId=HUB)

    assert sorted(await house.attached(HUB)) == sorted([FULL, policy_id])
    assert await house.attached(PARTNER) == [FULL]
    targets = (await house("ListTargetsForPolicy", PolicyId=policy_id))["Targets"]
    assert [target["TargetId"] for target in targets] == [HUB]
    again = await house.refusal("AttachPolicy", PolicyId=policy_id, TargetId=HUB)
    assert again[0] == "DuplicatePolicyAttachmentException"
    await house("DetachPolicy", PolicyId=FULL, TargetId=HUB)
    assert await house.attached(HUB) == [policy_id]
    await house("AttachPolicy", PolicyId=FULL, TargetId=HUB)
    await house("DetachPolicy", PolicyId=policy_id, TargetId=HUB)
    assert await house.attached(HUB) == [FULL]
    gone = await house.refusal("DetachPolicy", PolicyId=policy_id, TargetId=HUB)
    assert gone[0] == "PolicyNotAttachedException"


async def test_the_last_policy_of_a_target_stays(house: Organization) -> None:
    for target in (HUB, await house.root(), MANAGEMENT):
        refusal = await house.refusal("DetachPolicy", PolicyId=FULL, TargetId=target)
        assert refusal == ("ConstraintViolationException", "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")


async def test_a_target_takes_five_policies_of_a_type(house: Organization) -> None:
    for number in range(4):
        await house("AttachPolicy", PolicyId=await house.policy(f"{number}", DENY), TargetId=HUB)

    refusal = await house.refusal("AttachPolicy", PolicyId=await house.policy("sixth", DENY), TargetId=HUB)

    assert refusal == ("ConstraintViolationException", "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")


@pytest.mark.parametrize("operation", ["AttachPolicy", "DetachPolicy"])
async def test_both_ends_must_be_there(house: Organization, operation) -> None:
    nowhere = await house.refusal(operation, PolicyId=FULL, TargetId="999999999999")
    nothing = await house.refusal(operation, PolicyId="p-0123456789", TargetId=HUB)

    assert (nowhere[0], nothing[0]) == ("TargetNotFoundException", "PolicyNotFoundException")


async def test_a_type_that_is_disabled_is_detached_everywhere_and_begins_anew(house: Organization) -> None:
    root = await house.root()
    policy_id = await house.bind(HUB, allowing("s3:*"))
    await house("DetachPolicy", PolicyId=FULL, TargetId=HUB)
    kind = {"RootId": root, "PolicyType": SCP}

    assert (await house("DisablePolicyType", **kind))["Root"]["PolicyTypes"] == []

    assert await house.attached(HUB) == []
    assert (await house("ListTargetsForPolicy", PolicyId=FULL))["Targets"] == []
    attach = {"PolicyId": policy_id, "TargetId": HUB}
    assert (await house.refusal("AttachPolicy", **attach))[0] == "PolicyTypeNotEnabledException"
    assert (await house.refusal("DisablePolicyType", **kind))[0] == "PolicyTypeNotEnabledException"
    enabled = (await house("EnablePolicyType", **kind))["Root"]["PolicyTypes"]
    assert enabled == [{"Type": SCP, "Status": "ENABLED"}]
    assert (await house.refusal("EnablePolicyType", **kind))[0] == "PolicyTypeAlreadyEnabledException"
    assert await house.attached(HUB) == [FULL]
    await house("DisablePolicyType", **kind)
    await house("DeletePolicy", PolicyId=policy_id)


async def test_only_the_root_has_types_and_only_those_that_are_here(house: Organization) -> None:
    elsewhere = await house.refusal("EnablePolicyType", RootId="r-nope", PolicyType=SCP)
    other = await house.refusal("EnablePolicyType", RootId=await house.root(), PolicyType="TAG_POLICY")

    assert elsewhere[0] == "RootNotFoundException"
    assert other[0] == "PolicyTypeNotAvailableForOrganizationException"


async def test_resource_control_policies_are_enabled_first_and_keep_aws_s_own(house: Organization) -> None:
    root = await house.root()
    restriction = document(statement("Deny", "s3:*", "*", principal="*"))
    policy_id = await house.policy("no-s3", restriction, kind=RCP)
    attach = {"PolicyId": policy_id, "TargetId": HUB}
    assert (await house.refusal("AttachPolicy", **attach))[0] == "PolicyTypeNotEnabledException"

    enabled = (await house("EnablePolicyType", RootId=root, PolicyType=RCP))["Root"]["PolicyTypes"]
    await house("AttachPolicy", **attach)

    assert [one["Type"] for one in enabled] == [SCP, RCP]
    assert sorted(await house.attached(HUB, RCP)) == sorted(["p-RCPFullAWSAccess", policy_id])
    assert await house.attached(HUB) == [FULL]
    refusal = await house.refusal("DetachPolicy", PolicyId="p-RCPFullAWSAccess", TargetId=HUB)
    assert refusal == ("InvalidInputException", "NON_DETACHABLE_POLICY")
