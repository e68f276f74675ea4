"""The embedded cloud's identity half, put together as `app.py` does it, on a house of fakes.

parts = make_parts()
operations = make_operations(parts, my_service, sources={"s3": my_policies})
hub = await admin_of(parts, "hub")
await call(operations, hub, "iam", "GetRole", RoleName="x")
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.clock import FakeClock
from tests.fakes.house import CountedEpoch, CountingState, PlainSealer, make_house

from crossdock.adapters.memory.state import MemoryState
from crossdock.cloud.accounts import ADMIN, Accounts, ensure_accounts
from crossdock.cloud.iam import managed_policies
from crossdock.cloud.iam.authorize import EmbeddedAuthorizer
from crossdock.cloud.iam.library import PolicyLibrary
from crossdock.cloud.iam.operations import iam_operations
from crossdock.cloud.iam.principal_policies import PrincipalDirectory
from crossdock.cloud.iam.records import find_user
from crossdock.cloud.iam.resource_policies import ResourcePolicySource
from crossdock.cloud.organizations.in_force import OrganizationPolicies
from crossdock.cloud.organizations.management import keep_management_empty
from crossdock.cloud.organizations.table import organizations_operations
from crossdock.cloud.sts.access_keys import AccessKeys
from crossdock.cloud.sts.operations import sts_operations
from crossdock.cloud.sts.session_tokens import SessionTokens
from crossdock.core.principals import IamUser
from crossdock.operations.call import House, Operations, Validator
from crossdock.operations.caller import Caller, Origin
from crossdock.operations.operation import ServiceOperations
from crossdock.ports.host import Epoch
from crossdock.ports.state import State

HUB = "111111111111"
PARTNER = "222222222222"
REGION = "us-east-1"
ORIGIN = Origin(source_ip="192.0.2.7", is_secure=True, user_agent="tests", via="api")


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudParts:
    """Everything the identity half is made of; `state` counts what is asked of it."""

    house: House
    state: CountingState
    clock: FakeClock
    epoch: Epoch
    sealer: PlainSealer
    accounts: Accounts
    library: PolicyLibrary
    principals: PrincipalDirectory
    tokens: SessionTokens
    access_keys: AccessKeys


def make_parts(stored: State | None = None, epoch: Epoch | None = None) -> CloudParts:
    state = CountingState(stored or MemoryState())
    clock = FakeClock()
    epoch = epoch or CountedEpoch()
    sealer = PlainSealer()
    library = PolicyLibrary(managed_policies.load())
    tokens = SessionTokens(sealer)
    return CloudParts(
        house=make_house(state=state, clock=clock),
        state=state,
        clock=clock,
        epoch=epoch,
        sealer=sealer,
        accounts=Accounts({"hub": HUB, "partner": PARTNER}),
        library=library,
        principals=PrincipalDirectory(state=state, clock=clock, epoch=epoch, library=library),
        tokens=tokens,
        access_keys=AccessKeys(state=state, sealer=sealer, tokens=tokens, library=library, epoch=epoch),
    )


def make_operations(
    parts: CloudParts,
    *services: ServiceOperations,
    sources: Mapping[str, ResourcePolicySource] | None = None,
    validate: Validator | None = None,
) -> Operations:
    """IAM, STS, Organizations and these services under the embedded authoriser."""
    authorizer = EmbeddedAuthorizer(
        state=parts.state,
        epoch=parts.epoch,
        principals=parts.principals,
        sources=sources or {},
        organization=OrganizationPolicies(),
    )
    tables = [
        iam_operations(epoch=parts.epoch, library=parts.library, organization=OrganizationPolicies()),
        sts_operations(principals=parts.principals, tokens=parts.tokens, library=parts.library),
        organizations_operations(epoch=parts.epoch),
        *services,
    ]
    rule = keep_management_empty
    if validate is None:
        return Operations(tables, house=parts.house, authorizer=authorizer, rule=rule)
    return Operations(tables, house=parts.house, authorizer=authorizer, validate=validate, rule=rule)


async def admin_of(parts: CloudParts, account: str) -> Caller:
    """The administrator of an account, made when it is not there yet."""
    await ensure_accounts(parts.house, parts.sealer, parts.accounts, {})
    account_id = parts.accounts.id_of(account)
    async with parts.state.reading() as tx:
        user = await find_user(tx, account_id, ADMIN)
    assert user is not None
    principal = IamUser(account_id=account_id, user_name=user.name, user_id=user.user_id)
    return Caller(principal=principal, access_key_id=user.access_key_ids[0])


async def call(
    operations: Operations, caller: Caller, service: str, operation: str, **params: Any
) -> Mapping[str, Any]:
    """One call from outside, in the caller's account and the default region."""
    return await operations.call(
        service,
        operation,
        params,
        caller=caller,
        account_id=caller.principal.account_id or HUB,
        region=REGION,
        origin=ORIGIN,
    )
