"""IAM and STS in two accounts, called as clients call them, every answer held against the botocore models."""

from dataclasses import dataclass
from typing import Any

import pytest
from tests.fakes.cloud import CloudParts, admin_of, call, make_operations, make_parts
from tests.fakes.models import assert_fits

from crossdock.core.errors import ServiceError
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller
from crossdock.operations.operation import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    parts: CloudParts
    operations: Operations
    hub: Caller
    partner: Caller

    async def iam(self, operation: str, *, by: Caller | None = None, **params: Any) -> Result:
        return await self._call(by or self.hub, "iam", operation, params)

    async def sts(self, operation: str, *, by: Caller | None = None, **params: Any) -> Result:
        return await self._call(by or self.hub, "sts", operation, params)

    async def role(self, name: str, trust: str, *, by: Caller | None = None, **params: Any) -> dict[str, Any]:
        """Create a role; return it as CreateRole answers."""
        answer = await self.iam("CreateRole", by=by, RoleName=name, AssumeRolePolicyDocument=trust, **params)
        return dict(answer["Role"])

    async def refused(self, service: str, operation: str, *, by: Caller | None = None, **params: Any) -> ServiceError:
        """The error of a call that must fail."""
        with pytest.raises(ServiceError) as refusal:
            await call(self.operations, by or self.hub, service, operation, **params)
        return refusal.value

    async def session(self, role_arn: str, *, by: Caller | None = None, name: str = "session", **params: Any) -> Caller:
        """Assume a role; return the caller that the credentials make."""
        answer = await self.sts("AssumeRole", by=by, RoleArn=role_arn, RoleSessionName=name, **params)
        credentials = answer["Credentials"]
        key = await self.parts.access_keys.find(credentials["AccessKeyId"], credentials["SessionToken"])
        assert key is not None
        return key.caller

    async def _call(self, caller: Caller, service: str, operation: str, params: dict[str, Any]) -> Result:
        answer = await call(self.operations, caller, service, operation, **params)
        assert_fits(service, operation, params, answer)
        return answer


async def make_identities(**more: Any) -> Identities:
    """`more` goes to `make_operations`: further `services` and `sources`."""
    parts = make_parts()
    services = more.pop("services", ())
    operations = make_operations(parts, *services, **more)
    return Identities(
        parts=parts,
        operations=operations,
        hub=await admin_of(parts, "hub"),
        partner=await admin_of(parts, "partner"),
    )
