"""The embedded organization on memory: its management account and two members, called as clients call them.

house = await make_organization()
policy_id = await house.policy("no-uploads", denying("s3:PutObject"))
await house("AttachPolicy", PolicyId=policy_id, TargetId=HUB)
await house("AttachPolicy", by=house.hub, …)             # as a member's administrator
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from tests.fakes.aws_models import model_of
from tests.fakes.cloud import CloudParts, admin_of, call, make_operations, make_parts

from crossdock.cloud.organizations.founding import ensure_organization
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller
from crossdock.operations.operation import Params, ServiceOperations
from crossdock.ports.state import State
from crossdock.wire.protocols import format_error, format_response
from crossdock.wire.validation import validate_params

SCP = "SERVICE_CONTROL_POLICY"
RCP = "RESOURCE_CONTROL_POLICY"
FULL = "p-FullAWSAccess"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    parts: CloudParts
    operations: Operations
    management: Caller
    hub: Caller
    partner: Caller

    async def __call__(self, operation: str, *, by: Caller | None = None, **params: Any) -> Mapping[str, Any]:
        """One call, by the management account's administrator unless somebody else is named."""
        result = await call(self.operations, by or self.management, "organizations", operation, **params)
        format_response(model_of("organizations"), operation, result, request_id="tests")
        return result

    async def refusal(self, operation: str, *, by: Caller | None = None, **params: Any) -> tuple[str, str]:
        """The code of a call that must fail, and its Reason, or its message where it has none."""
        with pytest.raises(ServiceError) as caught:
            await self(operation, by=by, **params)
        format_error(model_of("organizations"), caught.value, request_id="tests")
        return caught.value.code, caught.value.members.get("Reason", caught.value.message)

    async def root(self) -> str:
        return str((await self("ListRoots"))["Roots"][0]["Id"])

    async def policy(self, name: str, content: str, *, kind: str = SCP) -> str:
        """The id of a new policy."""
        made = await self("CreatePolicy", Name=name, Description="", Type=kind, Content=content)
        return str(made["Policy"]["PolicySummary"]["Id"])

    async def bind(self, target_id: str, content: str, *, kind: str = SCP) -> str:
        """Attach a new policy; its id."""
        policy_id = await self.policy(f"for {target_id}", content, kind=kind)
        await self("AttachPolicy", PolicyId=policy_id, TargetId=target_id)
        return policy_id

    async def attached(self, target_id: str, kind: str = SCP) -> list[str]:
        found = await self("ListPoliciesForTarget", TargetId=target_id, Filter=kind)
        return [policy["Id"] for policy in found["Policies"]]


async def make_organization(*services: ServiceOperations, stored: State | None = None, **more: Any) -> Organization:
    """`more` goes to `make_operations`."""

    def validate(service: str, operation: str, params: Params) -> None:
        if service == "organizations":
            validate_params(model_of(service), operation, params)

    parts = make_parts(stored)
    operations = make_operations(parts, *services, validate=validate, **more)
    await ensure_organization(parts.house)
    return Organization(
        parts=parts,
        operations=operations,
        management=await admin_of(parts, "management"),
        hub=await admin_of(parts, "hub"),
        partner=await admin_of(parts, "partner"),
    )
