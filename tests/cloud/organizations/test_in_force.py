"""Service control policies over the road that every call takes: whom they bind, and from when on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.fakes.buckets import BUCKETS, BucketPolicies
from tests.fakes.cloud import HUB, ORIGIN, PARTNER, call, make_operations
from tests.fakes.documents import allowing, denying, document, statement, trusting
from tests.fakes.organization import FULL, RCP, SCP, Organization, make_organization

from crossdock.adapters.memory.state import MemoryState
from crossdock.cloud.accounts import MANAGEMENT
from crossdock.cloud.organizations.in_force import OrganizationPolicies
from crossdock.cloud.organizations.records import POLICIES
from crossdock.core.errors import ServiceError
from crossdock.core.principals import AccountRoot, Anonymous, ServicePrincipal
from crossdock.operations.caller import Caller
from crossdock.operations.operation import Permission
from crossdock.policy.evaluate import Decision, Layer

FILES = {"hub-files": HUB, "partner-files": PARTNER, "management-files": MANAGEMENT}


@pytest.fixture
def buckets() -> BucketPolicies:
    return BucketPolicies()


@pytest.fixture
async def house(buckets: BucketPolicies) -> Organization:
    house = await make_organization(BUCKETS, sources={"s3": buckets})
    for bucket, owner in FILES.items():
        buckets.put(house.parts.epoch, bucket, owner, "")
    return house


async def put(house: Organization, caller: Caller, bucket: str = "hub-files") -> str:
    """What comes of writing an object: `allowed`, or why it was denied, as the operator's log has it."""
    try:
        await call(house.operations, caller, "s3", "PutObject", Bucket=bucket, Key="a.txt")
    except ServiceError as error:
        return error.reason
    return "allowed"


async def ask(house: Organization, caller: Caller, action: str = "s3:PutObject") -> Decision:
    begun = house.operations.begin(
        "s3",
        "PutObject",
        {"Bucket": "hub-files", "Key": "a.txt"},
        caller=caller,
        account_id=caller.principal.account_id,
        region="us-east-1",
        origin=ORIGIN,
    )
    return await begun.decide(Permission(action=action, resource="arn:aws:s3:::hub-files/a.txt"))


async def test_a_deny_binds_the_account_it_is_attached_to_from_the_next_call_on(house: Organization) -> None:
    assert await put(house, house.hub) == "allowed"

    policy_id = await house.bind(HUB, denying("s3:PutObject"))

    assert f"denied explicitly by statement 1 of service control policy {policy_id}" in await put(house, house.hub)
    assert await put(house, house.partner, "partner-files") == "allowed"
    await house("DetachPolicy", PolicyId=policy_id, TargetId=HUB)
    assert await put(house, house.hub) == "allowed"


async def test_a_deny_at_the_root_binds_every_member_and_not_the_management_account(house: Organization) -> None:
    await house.bind(await house.root(), denying("s3:*"))

    assert "denied explicitly" in await put(house, house.hub)
    assert "denied explicitly" in await put(house, house.partner, "partner-files")
    assert await put(house, house.management, "management-files") == "allowed"


async def test_a_policy_attached_to_the_management_account_binds_nobody(house: Organization) -> None:
    await house.bind(MANAGEMENT, denying("*"))

    assert await put(house, house.management, "management-files") == "allowed"


async def test_every_level_must_allow(house: Organization) -> None:
    root = await house.root()
    await house.bind(HUB, allowing("s3:Get*"))
    assert await put(house, house.hub) == "allowed"

    await house("DetachPolicy", PolicyId=FULL, TargetId=HUB)

    assert (await ask(house, house.hub, "s3:GetObject")).is_allowed
    decision = await ask(house, house.hub)
    assert decision.withheld_by == (Layer.SERVICE_CONTROL,)
    assert [one.name for one in decision.policies.service_control[0]] == [FULL]
    assert decision.policies.service_control_targets == (root, HUB)
    await house("AttachPolicy", PolicyId=FULL, TargetId=HUB)
    assert await put(house, house.hub) == "allowed"


async def test_new_text_of_an_attached_policy_counts_at_the_next_call(house: Organization) -> None:
    policy_id = await house.bind(HUB, denying("s3:GetObject"))
    assert await put(house, house.hub) == "allowed"

    await house("UpdatePolicy", PolicyId=policy_id, Content=denying("s3:PutObject"))
    assert "denied explicitly" in await put(house, house.hub)

    await house("DisablePolicyType", RootId=await house.root(), PolicyType=SCP)
    assert await put(house, house.hub) == "allowed"


async def test_a_change_counts_at_the_next_call_of_every_other_process_too(
    house: Organization, buckets: BucketPolicies
) -> None:
    other = replace(house, operations=make_operations(house.parts, BUCKETS, sources={"s3": buckets}))
    assert await put(other, house.hub) == "allowed"

    policy_id = await house.bind(HUB, denying("s3:PutObject"))
    assert "denied explicitly" in await put(other, house.hub)

    await house("DetachPolicy", PolicyId=policy_id, TargetId=HUB)
    assert await put(other, house.hub) == "allowed"


async def test_sessions_of_roles_and_the_root_user_are_bound_too(house: Organization) -> None:
    trust = trusting({"AWS": f"arn:aws:iam::{HUB}:root"})
    role = (await of_hub(house, "iam", "CreateRole", RoleName="Upload", AssumeRolePolicyDocument=trust))["Role"]
    await of_hub(house, "iam", "PutRolePolicy", RoleName="Upload", PolicyName="p", PolicyDocument=allowing("s3:*"))
    assumed = await of_hub(house, "sts", "AssumeRole", RoleArn=role["Arn"], RoleSessionName="session")
    keys = assumed["Credentials"]
    found = await house.parts.access_keys.find(keys["AccessKeyId"], keys["SessionToken"])
    assert found is not None
    root_user = Caller(principal=AccountRoot(account_id=HUB))
    assert await put(house, found.caller) == await put(house, root_user) == "allowed"

    await house.bind(HUB, denying("s3:PutObject"))

    assert "denied explicitly" in await put(house, found.caller)
    assert "denied explicitly" in await put(house, root_user)


async def of_hub(house: Organization, service: str, operation: str, **params: Any) -> Mapping[str, Any]:
    return await call(house.operations, house.hub, service, operation, **params)


async def test_services_and_callers_of_other_accounts_are_not_bound_by_the_owner_s_policies(
    house: Organization, buckets: BucketPolicies
) -> None:
    policy = document(
        statement("Allow", "s3:*", "arn:aws:s3:::hub-files/*", principal={"Service": "transfer.amazonaws.com"}),
        statement("Allow", "s3:*", "arn:aws:s3:::hub-files/*", principal={"AWS": f"arn:aws:iam::{PARTNER}:root"}),
    )
    buckets.put(house.parts.epoch, "hub-files", HUB, policy)
    await house.bind(HUB, denying("s3:*"))

    assert await put(house, Caller(principal=ServicePrincipal(name="transfer.amazonaws.com"))) == "allowed"
    assert await put(house, house.partner) == "allowed"


EVERYBODY = {"AWS": "*"}


async def test_a_resource_control_policy_binds_whoever_asks_for_what_the_account_has(
    house: Organization, buckets: BucketPolicies
) -> None:
    open_bucket = document(statement("Allow", "s3:*", "arn:aws:s3:::hub-files/*", principal=EVERYBODY))
    buckets.put(house.parts.epoch, "hub-files", HUB, open_bucket)
    await house("EnablePolicyType", RootId=await house.root(), PolicyType=RCP)
    assert await put(house, house.partner) == "allowed"

    restriction = document(statement("Deny", "s3:PutObject", "*", principal="*"))
    policy_id = await house.bind(HUB, restriction, kind=RCP)

    for caller in (house.partner, house.hub, house.management, Caller(principal=Anonymous())):
        assert f"resource control policy {policy_id}" in await put(house, caller)
    assert await put(house, house.partner, "partner-files") == "allowed"
    decision = await ask(house, house.partner)
    assert decision.policies.resource_control_targets == (await house.root(), HUB)
    await house("DetachPolicy", PolicyId=policy_id, TargetId=HUB)
    assert await put(house, house.partner) == "allowed"


async def test_resource_control_policies_leave_other_services_and_the_management_account_alone(
    house: Organization,
) -> None:
    await house("EnablePolicyType", RootId=await house.root(), PolicyType=RCP)
    await house.bind(await house.root(), document(statement("Deny", ["iam:*", "s3:*"], "*", principal="*")), kind=RCP)

    await of_hub(house, "iam", "ListRoles")
    assert await put(house, house.management, "management-files") == "allowed"
    assert "denied explicitly" in await put(house, house.hub)


async def test_a_lost_resource_control_policy_denies_everything(house: Organization) -> None:
    await house("EnablePolicyType", RootId=await house.root(), PolicyType=RCP)
    policy_id = await house.bind(HUB, document(statement("Deny", "s3:GetObject", "*", principal="*")), kind=RCP)
    async with house.parts.state.transaction() as tx:
        await POLICIES.delete(tx, policy_id)
    house.parts.epoch.advance()

    assert "could not be read (resource control policy)" in await put(house, house.hub)


async def test_policies_may_ask_for_the_organization(house: Organization, buckets: BucketPolicies) -> None:
    organization = (await house("DescribeOrganization"))["Organization"]["Id"]
    for key, value, expected in (
        ("aws:PrincipalOrgID", organization, "allowed"),
        ("aws:PrincipalOrgID", "o-0123456789", "denied"),
        ("aws:PrincipalOrgPaths", f"{organization}/{await house.root()}/", "allowed"),
        ("aws:ResourceOrgID", organization, "allowed"),
        ("aws:ResourceOrgPaths", f"{organization}/*", "allowed"),
    ):
        operator = "ForAnyValue:StringLike" if key.endswith("Paths") else "StringEquals"
        policy = document(
            statement(
                "Allow",
                "s3:PutObject",
                "arn:aws:s3:::hub-files/*",
                principal=EVERYBODY,
                condition={operator: {key: value}},
            )
        )
        buckets.put(house.parts.epoch, "hub-files", HUB, policy)
        said = await put(house, house.partner)
        assert said == "allowed" if expected == "allowed" else "does not allow" in said, (key, said)


async def test_where_everything_is_allowed_a_decision_has_no_levels(house: Organization) -> None:
    assert (await ask(house, house.hub)).policies.service_control == ()
    policy_id = await house.bind(HUB, denying("s3:GetObject"))
    assert len((await ask(house, house.hub)).policies.service_control) == 2
    assert (await ask(house, house.partner)).policies.service_control == ()
    await house("DetachPolicy", PolicyId=policy_id, TargetId=HUB)
    assert (await ask(house, house.hub)).policies.service_control == ()


async def test_while_nothing_changes_a_decision_reads_nothing(house: Organization) -> None:
    await house.bind(HUB, denying("s3:GetObject"))
    assert (await ask(house, house.hub)).is_allowed
    reads = house.parts.state.reads

    assert (await ask(house, house.hub)).is_allowed

    assert house.parts.state.reads == reads


async def test_an_attached_policy_that_is_lost_denies_everything(house: Organization) -> None:
    policy_id = await house.bind(HUB, allowing("*"))
    async with house.parts.state.transaction() as tx:
        await POLICIES.delete(tx, policy_id)
    house.parts.epoch.advance()

    assert "could not be read (service control policy)" in await put(house, house.hub)


async def test_before_an_organization_is_there_nothing_binds() -> None:
    async with MemoryState().reading() as tx:
        found = await OrganizationPolicies().find(tx, HUB)
    assert found.service.policies == ()
