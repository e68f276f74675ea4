"""The organization and what is in it, as the management account and its members see it."""

import re

import pytest
from tests.fakes.cloud import HUB, PARTNER
from tests.fakes.organization import Organization, make_organization

from crossdock.adapters.memory.state import MemoryState
from crossdock.cloud.accounts import MANAGEMENT, Accounts, ensure_accounts
from crossdock.cloud.organizations.founding import ensure_organization
from crossdock.cloud.organizations.records import ORGANIZATIONS

TYPES = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]


async def test_the_organization_is_the_same_for_every_account(house: Organization) -> None:
    found = (await house("DescribeOrganization"))["Organization"]

    organization_id = found["Id"]
    assert re.fullmatch(r"o-[a-z0-9]{10}", organization_id)
    assert found == {
        "Id": organization_id,
        "Arn": f"arn:aws:organizations::000000000000:organization/{organization_id}",
        "FeatureSet": "ALL",
        "MasterAccountArn": f"arn:aws:organizations::000000000000:account/{organization_id}/000000000000",
        "MasterAccountId": "000000000000",
        "MasterAccountEmail": "management@accounts.localhost",
        "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
    }
    assert (await house("DescribeOrganization", by=house.hub))["Organization"] == found


async def test_the_organization_tells_the_policy_types_that_its_root_has(house: Organization) -> None:
    await house("EnablePolicyType", RootId=await house.root(), PolicyType="RESOURCE_CONTROL_POLICY")

    found = (await house("DescribeOrganization"))["Organization"]["AvailablePolicyTypes"]

    assert found == (await house("ListRoots"))["Roots"][0]["PolicyTypes"]
    assert found == [{"Type": kind, "Status": "ENABLED"} for kind in TYPES]


async def test_the_ids_are_made_once_for_a_data_directory() -> None:
    state = MemoryState()
    first = await make_organization(stored=state)
    before, root = await first("DescribeOrganization"), await first.root()

    second = await make_organization(stored=state)
    writes = second.parts.state.writes
    await ensure_organization(second.parts.house)

    assert await second("DescribeOrganization") == before
    assert await second.root() == root
    assert re.fullmatch(r"r-[a-z0-9]{4}", root)
    assert second.parts.state.writes == writes


async def test_every_account_is_in_it_with_its_name(house: Organization) -> None:
    accounts = (await house("ListAccounts"))["Accounts"]

    assert [(one["Id"], one["Name"], one["Email"]) for one in accounts] == [
        (MANAGEMENT, "management", "management@accounts.localhost"),
        (HUB, "hub", "hub@accounts.localhost"),
        (PARTNER, "partner", "partner@accounts.localhost"),
    ]
    organization = (await house("DescribeOrganization"))["Organization"]["Id"]
    assert accounts[1] == {
        "Id": HUB,
        "Arn": f"arn:aws:organizations::000000000000:account/{organization}/{HUB}",
        "Email": "hub@accounts.localhost",
        "Name": "hub",
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "Paths": [f"{organization}/{await house.root()}/{HUB}/"],
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": house.parts.clock.now().replace(microsecond=0),
    }
    assert (await house("DescribeAccount", AccountId=HUB))["Account"] == accounts[1]
    assert (await house("ListAccountsForParent", ParentId=await house.root()))["Accounts"] == accounts


async def test_an_account_that_comes_later_is_in_it_too(house: Organization) -> None:
    accounts = Accounts({"hub": HUB, "partner": PARTNER, "press": "333333333333"})
    await ensure_accounts(house.parts.house, house.parts.sealer, accounts, {})

    assert (await house("DescribeAccount", AccountId="333333333333"))["Account"]["Name"] == "press"
    assert await house.attached("333333333333") == ["p-FullAWSAccess"]


async def test_the_root_holds_the_accounts_and_no_units(house: Organization) -> None:
    root = await house.root()

    (described,) = (await house("ListRoots"))["Roots"]
    children = (await house("ListChildren", ParentId=root, ChildType="ACCOUNT"))["Children"]

    assert (described["Name"], described["Arn"].rpartition("/")[2]) == ("Root", root)
    assert described["PolicyTypes"] == [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]
    assert children == [{"Id": one, "Type": "ACCOUNT"} for one in (MANAGEMENT, HUB, PARTNER)]
    assert (await house("ListChildren", ParentId=root, ChildType="ORGANIZATIONAL_UNIT"))["Children"] == []
    assert (await house("ListOrganizationalUnitsForParent", ParentId=root))["OrganizationalUnits"] == []
    assert (await house("ListParents", ChildId=HUB))["Parents"] == [{"Id": root, "Type": "ROOT"}]


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("DescribeAccount", {"AccountId": "999999999999"}, "AccountNotFoundException"),
        ("ListAccountsForParent", {"ParentId": "r-nope"}, "ParentNotFoundException"),
        ("ListChildren", {"ParentId": "r-nope", "ChildType": "ACCOUNT"}, "ParentNotFoundException"),
        ("ListOrganizationalUnitsForParent", {"ParentId": "r-nope"}, "ParentNotFoundException"),
        ("ListParents", {"ChildId": "999999999999"}, "ChildNotFoundException"),
        ("DescribeAccount", {"AccountId": "hub"}, "InvalidInputException"),
    ],
)
async def test_what_is_not_there_is_said_in_aws_s_words(house: Organization, operation, params, code) -> None:
    assert (await house.refusal(operation, **params))[0] == code


async def test_a_house_without_an_organization_says_so(house: Organization) -> None:
    async with house.parts.state.transaction() as tx:
        await ORGANIZATIONS.delete(tx, "organization")

    assert (await house.refusal("DescribeOrganization"))[0] == "AWSOrganizationsNotInUseException"


@pytest.mark.parametrize("operation", ["ListAccounts", "ListRoots"])
async def test_a_member_learns_nothing_more_than_which_organization_it_is_in(house: Organization, operation) -> None:
    refusal = ("AccessDeniedException", "You don't have permissions to access this resource.")
    assert await house.refusal(operation, by=house.hub) == refusal
    assert (await house.refusal("DescribeAccount", by=house.hub, AccountId=HUB))[0] == "AccessDeniedException"


async def test_lists_come_in_pages(house: Organization) -> None:
    found, token = [], None
    while True:
        page = await house("ListAccounts", MaxResults=2, **({"NextToken": token} if token else {}))
        found += [account["Id"] for account in page["Accounts"]]
        token = page.get("NextToken")
        if token is None:
            break

    assert found == [MANAGEMENT, HUB, PARTNER]
    assert await house.refusal("ListAccounts", NextToken="x") == ("InvalidInputException", "INVALID_NEXT_TOKEN")
    assert (await house.refusal("ListAccounts", MaxResults=21))[0] == "InvalidInputException"
