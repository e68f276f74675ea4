"""What the operations ask, held against the ARNs and keys of the Service Authorization Reference."""

from contextlib import suppress

import pytest
from tests.fakes.aws_models import model_of
from tests.fakes.cloud import HUB
from tests.fakes.house import AllowEverything, CountedEpoch, make_house
from tests.fakes.organization import FULL, SCP

from crossdock.cloud.accounts import MANAGEMENT
from crossdock.cloud.organizations.founding import ensure_organization
from crossdock.cloud.organizations.records import OrganizationRecord, find_organization
from crossdock.cloud.organizations.table import organizations_operations
from crossdock.core.errors import ServiceError
from crossdock.core.principals import AccountRoot
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller, Origin
from crossdock.wire.validation import validate_params

FULL_ARN = "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"
ACCOUNT = "arn:aws:organizations::000000000000:account/{o}/111111111111"
ROOT = "arn:aws:organizations::000000000000:root/{o}/{r}"
UNKNOWN = "arn:aws:organizations::000000000000:policy/o-unknown/service_control_policy/p-0123456789"


@pytest.mark.parametrize(
    ("operation", "params", "resources", "kind"),
    [
        ("DescribeOrganization", {}, ["*"], ""),
        ("ListAccounts", {}, ["*"], ""),
        ("ListRoots", {}, ["*"], ""),
        ("ListPolicies", {"Filter": SCP}, ["*"], SCP),
        ("CreatePolicy", {"Name": "x", "Description": "", "Type": SCP, "Content": "{}"}, ["*"], SCP),
        ("DescribePolicy", {"PolicyId": FULL}, [FULL_ARN], SCP),
        ("DeletePolicy", {"PolicyId": "p-0123456789"}, [UNKNOWN], ""),
        ("ListTargetsForPolicy", {"PolicyId": FULL}, [FULL_ARN], SCP),
        ("AttachPolicy", {"PolicyId": FULL, "TargetId": HUB}, [FULL_ARN, ACCOUNT], SCP),
        ("DetachPolicy", {"PolicyId": FULL, "TargetId": "{r}"}, [FULL_ARN, ROOT], SCP),
        ("ListPoliciesForTarget", {"TargetId": HUB, "Filter": SCP}, [ACCOUNT], SCP),
        ("EnablePolicyType", {"RootId": "{r}", "PolicyType": SCP}, [ROOT], SCP),
        ("DescribeAccount", {"AccountId": HUB}, [ACCOUNT], ""),
        ("ListParents", {"ChildId": HUB}, [ACCOUNT], ""),
        ("ListChildren", {"ParentId": "{r}", "ChildType": "ACCOUNT"}, [ROOT], ""),
    ],
)
async def test_an_operation_asks_for_its_own_action_on_what_it_names(operation, params, resources, kind) -> None:
    house, authorizer = make_house(), AllowEverything()
    await ensure_organization(house)
    organization = await organization_of(house)
    operations = Operations(
        [organizations_operations(epoch=CountedEpoch())],
        house=house,
        authorizer=authorizer,
        validate=lambda service, name, given: validate_params(model_of(service), name, given),
    )

    def filled(text: str) -> str:
        return text.replace("{o}", organization.organization_id).replace("{r}", organization.root_id)

    # No account was made in this house: some things are not found, but what is asked does not depend on that.
    with suppress(ServiceError):
        await operations.call(
            "organizations",
            operation,
            {name: filled(value) for name, value in params.items()},
            caller=Caller(principal=AccountRoot(account_id=MANAGEMENT)),
            account_id=MANAGEMENT,
            region="us-east-1",
            origin=Origin(),
        )
    assert [(one.action, one.resource) for one in authorizer.asked] == [
        (f"organizations:{operation}", filled(resource)) for resource in resources
    ]
    expected = {"organizations:PolicyType": (kind,)} if kind else {}
    assert all(one.context == expected for one in authorizer.asked)


async def organization_of(house) -> OrganizationRecord:
    async with house.state.reading() as tx:
        found = await find_organization(tx)
    assert found is not None
    return found
