"""DescribeOrganization, and who and what is in it.

Source: Organizations API Reference, the operations of these names.
"""

from collections.abc import Mapping
from typing import Any

from crossdock.cloud.accounts import ACCOUNTS, ADMIN, MANAGEMENT, AccountRecord
from crossdock.cloud.iam.records import find_user
from crossdock.cloud.organizations.faults import (
    no_such_account,
    no_such_child,
    no_such_parent,
)
from crossdock.cloud.organizations.finding import ROOT_NAME, the_organization
from crossdock.cloud.organizations.pages import page_of
from crossdock.cloud.organizations.records import OrganizationRecord
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.ports.state import Transaction

MAIL_DOMAIN = "accounts.localhost"


async def describe_organization(call: Call) -> Result:
    async with call.reading() as tx:
        organization = await the_organization(tx)
        management = await ACCOUNTS.get(tx, MANAGEMENT)
    answer: dict[str, Any] = {
        "Id": organization.organization_id,
        "Arn": organization.arn,
        "FeatureSet": "ALL",
        "MasterAccountArn": organization.account_arn(MANAGEMENT),
        "MasterAccountId": MANAGEMENT,
        # Deprecated, and incomplete at AWS; here it is what ListRoots tells.
        "AvailablePolicyTypes": _policy_types(organization),
    }
    if management is not None:
        answer["MasterAccountEmail"] = _email(management)
    return {"Organization": answer}


async def list_accounts(call: Call) -> Result:
    async with call.reading() as tx:
        return page_of(call, "Accounts", await _described_accounts(tx))


async def list_accounts_for_parent(call: Call) -> Result:
    async with call.reading() as tx:
        await _require_parent(tx, call.params["ParentId"])
        return page_of(call, "Accounts", await _described_accounts(tx))


async def describe_account(call: Call) -> Result:
    async with call.reading() as tx:
        organization = await the_organization(tx)
        account = await ACCOUNTS.get(tx, call.params["AccountId"])
        if account is None:
            raise no_such_account()
        return {"Account": await _described(tx, organization, account)}


async def list_roots(call: Call) -> Result:
    async with call.reading() as tx:
        return page_of(call, "Roots", [described_root(await the_organization(tx))])


async def list_children(call: Call) -> Result:
    """The root's accounts; there are no organizational units."""
    async with call.reading() as tx:
        await _require_parent(tx, call.params["ParentId"])
        accounts = await ACCOUNTS.everything(tx) if call.params["ChildType"] == "ACCOUNT" else []
    return page_of(call, "Children", [{"Id": account.account_id, "Type": "ACCOUNT"} for account in accounts])


async def list_parents(call: Call) -> Result:
    async with call.reading() as tx:
        organization = await the_organization(tx)
        if await ACCOUNTS.get(tx, call.params["ChildId"]) is None:
            raise no_such_child()
    return page_of(call, "Parents", [{"Id": organization.root_id, "Type": "ROOT"}])


async def list_organizational_units_for_parent(call: Call) -> Result:
    async with call.reading() as tx:
        await _require_parent(tx, call.params["ParentId"])
    return page_of(call, "OrganizationalUnits", [])


def described_root(organization: OrganizationRecord) -> dict[str, Any]:
    return {
        "Id": organization.root_id,
        "Arn": organization.root_arn,
        "Name": ROOT_NAME,
        "PolicyTypes": _policy_types(organization),
    }


def _policy_types(organization: OrganizationRecord) -> list[dict[str, str]]:
    return [{"Type": kind.value, "Status": "ENABLED"} for kind in organization.enabled]


async def _require_parent(tx: Transaction, parent_id: str) -> None:
    """Raises ServiceError ParentNotFoundException for anything but the root."""
    if parent_id != (await the_organization(tx)).root_id:
        raise no_such_parent()


async def _described_accounts(tx: Transaction) -> list[Mapping[str, Any]]:
    organization = await the_organization(tx)
    return [await _described(tx, organization, account) for account in await ACCOUNTS.everything(tx)]


async def _described(tx: Transaction, organization: OrganizationRecord, account: AccountRecord) -> dict[str, Any]:
    """An account joined when its administrator was made."""
    admin = await find_user(tx, account.account_id, ADMIN)
    return {
        "Id": account.account_id,
        "Arn": organization.account_arn(account.account_id),
        "Email": _email(account),
        "Name": account.name,
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "Paths": [f"{organization.organization_id}/{organization.root_id}/{account.account_id}/"],
        "JoinedMethod": "INVITED" if account.account_id == MANAGEMENT else "CREATED",
        "JoinedTimestamp": admin.created_at if admin is not None else None,
    }


def _email(account: AccountRecord) -> str:
    """No mail reaches it: `localhost` is kept from the Internet's names (RFC 6761 §6.3)."""
    return f"{account.name}@{MAIL_DOMAIN}"
