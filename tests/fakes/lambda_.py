"""Lambda on a house of fakes, under the real authoriser, with IAM, STS and S3 beside it.

    cloud = await make_lambda()                              # an EchoRunner unless another is given
    await cloud("CreateFunction", **cloud.function("f"))     # with a role that Lambda may assume
    answer = await cloud("Invoke", FunctionName="f", Payload=b"{}")

    visitor = await cloud.role_session("visitor", "lambda:GetFunction", "*")
    await cloud("GetFunction", as_=visitor, FunctionName="f")

Every answer and error is formatted as the edge would, so that what the model does not know is found.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.fakes.aws_models import model_of
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import HUB, ORIGIN, REGION, CloudParts, admin_of, make_parts
from tests.fakes.functions import EchoRunner, MemoryFunctionCode, archive
from tests.fakes.models import assert_fits
from tests.fakes.s3 import document

from crossdock.cloud.iam.authorize import EmbeddedAuthorizer
from crossdock.cloud.iam.operations import iam_operations
from crossdock.cloud.lambda_.resource_policy import LambdaPolicies
from crossdock.cloud.lambda_.table import lambda_operations
from crossdock.cloud.sts.assume import assume_role
from crossdock.cloud.sts.operations import sts_operations
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller
from crossdock.operations.operation import Params, ServiceOperations
from crossdock.ports.functions import FunctionCode, FunctionRunner
from crossdock.wire.protocols import format_error, format_response
from crossdock.wire.validation import validate_params

ROLE = f"arn:aws:iam::{HUB}:role/execution"
SOURCE = "def handler(event, context): return event"
ZIP = archive({"index.py": SOURCE})
RUNS_AS = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


class Pauses:
    """Time that passes at once, on a `clock` too if there is one; `seconds` are the pauses that were asked for."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.clock: FakeClock | None = None

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if self.clock is not None:
            self.clock.advance(seconds)


def function_arn(name: str, *, account: str = HUB) -> str:
    return f"arn:aws:lambda:{REGION}:{account}:function:{name}"


@dataclass(slots=True, kw_only=True)
class EmbeddedLambda:
    parts: CloudParts
    operations: Operations
    runner: FunctionRunner
    code: FunctionCode
    hub: Caller
    partner: Caller
    pauses: Pauses = field(default_factory=Pauses)

    async def __call__(
        self, operation: str, /, as_: Caller | None = None, region: str = REGION, **params: Any
    ) -> Mapping[str, Any]:
        """One call of Lambda; by the hub's administrator unless somebody else is named."""
        model = model_of("lambda")
        try:
            result = await self.call("lambda", operation, as_=as_, region=region, **params)
        except ServiceError as error:
            format_error(model, error, request_id="tests")
            raise
        assert_fits("lambda", operation, params, result)
        format_response(model, operation, result, request_id="tests")
        return result

    async def call(
        self, service: str, operation: str, /, as_: Caller | None = None, region: str = REGION, **params: Any
    ) -> Mapping[str, Any]:
        """One call of any service."""
        caller = as_ or self.hub
        return await self.operations.call(
            service,
            operation,
            params,
            caller=caller,
            account_id=caller.principal.account_id or HUB,
            region=region,
            origin=ORIGIN,
        )

    async def refusal(self, operation: str, /, **params: Any) -> tuple[str, str]:
        with pytest.raises(ServiceError) as caught:
            await self(operation, **params)
        return caught.value.code, caught.value.message

    def function(self, name: str = "f", **changes: Any) -> dict[str, Any]:
        """Parameters of CreateFunction."""
        return {
            "FunctionName": name,
            "Runtime": "python3.11",
            "Handler": "index.handler",
            "Role": ROLE,
            "Code": {"ZipFile": ZIP},
            **changes,
        }

    async def make(self, name: str = "f", **changes: Any) -> Mapping[str, Any]:
        return await self("CreateFunction", **self.function(name, **changes))

    async def role(self, name: str, *statements: Mapping[str, Any], trust: Mapping[str, Any] = RUNS_AS) -> str:
        """A new role of the hub with these statements as its policy; returns its ARN."""
        await self.call("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=document(trust))
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            await self.call("iam", "PutRolePolicy", RoleName=name, PolicyName="what", PolicyDocument=policy)
        return f"arn:aws:iam::{HUB}:role/{name}"

    async def role_session(self, name: str, actions: str | list[str], resources: str | list[str]) -> Caller:
        """A session of a new role of the hub that may do this."""
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
        statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
        role_arn = await self.role(name, statement, trust=trust)
        _, caller = await assume_role(
            self.operations,
            self.parts.access_keys,
            caller=self.hub,
            account_id=HUB,
            region=REGION,
            origin=ORIGIN,
            role_arn=role_arn,
            session_name="session",
        )
        return caller


async def make_lambda(
    runner: FunctionRunner | None = None, code: FunctionCode | None = None, *more: ServiceOperations
) -> EmbeddedLambda:
    """`more` are tables of other services."""
    parts = make_parts()
    runner = runner or EchoRunner()
    code = code or MemoryFunctionCode()
    pauses = Pauses()

    def validate(service: str, operation: str, params: Params) -> None:
        if service != "s3":
            validate_params(model_of(service), operation, params)

    operations = Operations(
        [
            iam_operations(epoch=parts.epoch, library=parts.library),
            sts_operations(principals=parts.principals, tokens=parts.tokens, library=parts.library),
            lambda_operations(
                runner=runner,
                code=code,
                sealer=parts.sealer,
                access_keys=parts.access_keys,
                epoch=parts.epoch,
                sleep=pauses,
            ),
            *more,
        ],
        house=parts.house,
        authorizer=EmbeddedAuthorizer(
            state=parts.state, epoch=parts.epoch, principals=parts.principals, sources={"lambda": LambdaPolicies()}
        ),
        validate=validate,
    )
    cloud = EmbeddedLambda(
        parts=parts,
        operations=operations,
        runner=runner,
        code=code,
        hub=await admin_of(parts, "hub"),
        partner=await admin_of(parts, "partner"),
        pauses=pauses,
    )
    await cloud.role("execution")
    return cloud
