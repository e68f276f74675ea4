"""What of the organization binds an account, as far as profiles may read it."""

from typing import Any

import pytest
from tests.fakes.aws_clients import clients_of
from tests.fakes.aws_documents import HUB, MANAGEMENT, PARTNER, ScriptedAws, accounts
from tests.fakes.http_cloud import serve_cloud
from tests.fakes.s3 import document

from crossdock.adapters.aws.documents.accounts import Account
from crossdock.adapters.aws.documents.organization import Control, OrganizationReader, of_resource
from crossdock.cloud.iam.control_policies import NO_LEVELS
from crossdock.cloud.organizations.founding import ensure_organization
from crossdock.policy.evaluate import Layer

ALLOW = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
DENY = document({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"})
ORG = {"Id": "o-dock", "MasterAccountId": MANAGEMENT, "FeatureSet": "ALL"}
DESCRIBE = ("organizations", "DescribeOrganization")
PARENTS = ("organizations", "ListParents")
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
ROOT_ARN = f"arn:aws:organizations::{MANAGEMENT}:root/o-dock/r-1"


def parents(params) -> dict[str, Any]:
    above = {HUB: ("ou-1", "ORGANIZATIONAL_UNIT"), MANAGEMENT: ("r-1", "ROOT"), "ou-1": ("r-1", "ROOT")}
    if params["ChildId"] not in above:
        raise AssertionError(f"{params} of another organization")
    identity, kind = above[params["ChildId"]]
    return {"Parents": [{"Id": identity, "Type": kind}]}


def policies(params) -> dict[str, Any]:
    name = f"p-{params['TargetId']}-{params['Filter'][:3]}"
    return {"Policies": [{"Id": name, "Arn": f"arn:aws:organizations::{MANAGEMENT}:policy/{name}"}]}


def policy(params) -> dict[str, Any]:
    return {"Policy": {"Content": DENY if params["PolicyId"].endswith("RES") else ALLOW}}


MANAGING: dict[tuple[str, str], Any] = {
    DESCRIBE: {"Organization": ORG},
    PARENTS: parents,
    ("organizations", "ListRoots"): {
        "Roots": [{"Id": "r-1", "Arn": ROOT_ARN, "PolicyTypes": [{"Type": SCP, "Status": "ENABLED"}]}]
    },
    ("organizations", "ListPoliciesForTarget"): policies,
    ("organizations", "DescribePolicy"): policy,
}
MEMBER = {DESCRIBE: {"Organization": ORG}}


async def control(account_id: str, **answers: dict[tuple[str, str], Any]) -> Control:
    ids = {"hub": HUB, "partner": PARTNER, "management": MANAGEMENT}
    listed = [ScriptedAws(said).account(ids[name]) for name, said in answers.items()]
    return await OrganizationReader(accounts(*listed)).control(account_id)


async def test_the_management_account_reads_every_level_from_the_root_down() -> None:
    found = await control(HUB, hub=MEMBER, management=MANAGING)
    assert found.service.targets == (ROOT_ARN, "ou-1", HUB)
    assert [[one.name.rpartition("/")[2] for one in level] for level in found.service.policies] == [
        ["p-r-1-SER"],
        ["p-ou-1-SER"],
        [f"p-{HUB}-SER"],
    ]
    assert found.resource == NO_LEVELS  # that kind is not enabled
    assert found.keys == {"aws:PrincipalOrgID": ("o-dock",), "aws:PrincipalOrgPaths": ("o-dock/r-1/ou-1/",)}
    assert (found.unread, found.unknown) == ((), ())


async def test_both_kinds_are_read_where_both_are_enabled() -> None:
    enabled = [{"Type": kind, "Status": "ENABLED"} for kind in (SCP, RCP)]
    roots = {"Roots": [{"Id": "r-1", "Arn": ROOT_ARN, "PolicyTypes": enabled}]}
    found = await control(HUB, management={**MANAGING, ("organizations", "ListRoots"): roots})
    assert len(found.service.policies) == len(found.resource.policies) == 3
    assert found.resource.policies[0][0].policy.denies


async def test_each_account_is_asked_about_once() -> None:
    aws = ScriptedAws(MANAGING)
    reader = OrganizationReader(accounts(aws.account(MANAGEMENT)))
    await reader.control(HUB)
    calls = len(aws.asked)
    await reader.control(HUB)
    assert len(aws.asked) == calls


async def test_nothing_binds_what_is_in_no_organization_or_no_account() -> None:
    assert await control(HUB, hub={DESCRIBE: "AWSOrganizationsNotInUseException"}) == Control()
    assert await control("", hub={}) == Control()


async def test_nothing_binds_the_management_account() -> None:
    found = await control(MANAGEMENT, management=MANAGING)
    assert (found.service, found.resource, found.unread) == (NO_LEVELS, NO_LEVELS, ())
    assert found.keys["aws:PrincipalOrgID"] == ("o-dock",)
    blind = await control(MANAGEMENT, management=MEMBER)
    assert (blind.unread, [one.key for one in blind.unknown]) == ((), ["aws:principalorgpaths"])


async def test_an_organization_for_bills_alone_has_no_policies() -> None:
    found = await control(HUB, hub={DESCRIBE: {"Organization": {**ORG, "FeatureSet": "CONSOLIDATED_BILLING"}}})
    assert (found.unread, found.service) == ((), NO_LEVELS)


async def test_a_member_knows_its_organization_and_is_told_whose_profile_is_wanted() -> None:
    found = await control(HUB, hub=MEMBER)
    assert [one.layer for one in found.unread] == [Layer.SERVICE_CONTROL, Layer.RESOURCE_CONTROL]
    assert found.unread[0].why.startswith(f"only management account {MANAGEMENT} of organization o-dock and its")
    assert found.unread[0].remedy.startswith(f"give --profile {MANAGEMENT}=PROFILE")
    assert found.keys == {"aws:PrincipalOrgID": ("o-dock",)}
    assert [one.key for one in found.unknown] == ["aws:principalorgpaths"]


async def test_the_management_accounts_profile_that_may_not_is_told_what_it_lacks() -> None:
    found = await control(HUB, hub=MEMBER, management=MEMBER)
    assert found.unread[0].why == f"profile reads-9 of account {MANAGEMENT} may not organizations:ListParents on {HUB}"
    assert found.unread[0].remedy.startswith("allow organizations:ListParents")


@pytest.mark.parametrize("operation", ["ListPoliciesForTarget", "DescribePolicy"])
async def test_a_level_that_may_not_be_read_leaves_its_kind_unknown(operation) -> None:
    answers = {row: answer for row, answer in MANAGING.items() if row != ("organizations", operation)}
    found = await control(HUB, management=answers)
    assert [one.layer for one in found.unread] == [Layer.SERVICE_CONTROL]
    assert f"may not organizations:{operation}" in found.unread[0].why
    assert found.service == NO_LEVELS


async def test_without_any_profile_of_the_account_nothing_is_known() -> None:
    found = await control(PARTNER, hub={DESCRIBE: "AWSOrganizationsNotInUseException"})
    assert found.unread[0].why == f"no profile is given for account {PARTNER}"
    assert "organizations:DescribeOrganization" in found.unread[0].remedy
    assert [one.key for one in found.unknown] == ["aws:principalorgid", "aws:principalorgpaths"]


async def test_keys_of_a_resource_are_called_after_it() -> None:
    found = of_resource(await control(HUB, hub=MEMBER))
    assert (list(found.keys), [one.key for one in found.unknown]) == (
        ["aws:ResourceOrgID"],
        ["aws:resourceorgpaths"],
    )


async def test_the_embedded_clouds_organization_is_read_by_botocore_as_awss_is() -> None:
    async with serve_cloud() as cloud:
        await ensure_organization(cloud.s3.parts.house)
        async with clients_of(cloud, account="management") as clients, clients_of(cloud) as hub_clients:
            management = Account(
                account_id="000000000000", profile="m", region="us-east-1", caller_arn="", caller_id="", clients=clients
            )
            hub = Account(
                account_id=HUB, profile="h", region="us-east-1", caller_arn="", caller_id="", clients=hub_clients
            )
            seen = await OrganizationReader(accounts(hub, management)).control(HUB)
            assert (seen.unread, seen.unknown, len(seen.service.policies)) == ((), (), 2)
            unseen = await OrganizationReader(accounts(hub)).control(HUB)
            assert [one.layer for one in unseen.unread] == [Layer.SERVICE_CONTROL, Layer.RESOURCE_CONTROL]
