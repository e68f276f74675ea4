"""CloudFormation on a house of fakes, under the real authoriser, with every service whose resources templates make.

    cloud = await make_stacks()
    await cloud.create({"Box": bucket()})                    # the stack "app"; its description comes back
    await cloud.update({"Box": bucket("other")})
    await cloud("DescribeStackEvents", StackName="app")
    await cloud.call("s3", "ListBuckets")

    cloud.flaws.fail("logs", "CreateLogGroup")               # the next one fails
    gate = cloud.flaws.hold("logs", "CreateLogGroup")        # the next one waits until the gate is opened
    cloud.state.die_at(3)                                    # the service dies at its third write from now on
    await cloud.restart()

No test sleeps: time passes where it is waited for. Every answer and error is formatted as the edge would, so that what
the model does not know is found.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.fakes.aws_models import model_of
from tests.fakes.cloud import HUB, ORIGIN, REGION, CloudParts, admin_of, make_operations, make_parts
from tests.fakes.flaws import Flaws, MortalState, OpenTables
from tests.fakes.functions import EchoRunner, MemoryFunctionCode
from tests.fakes.host_keys import instant_vault
from tests.fakes.models import assert_fits
from tests.fakes.templates import Resources, body, policy, trusting
from tests.fakes.transfer import ScriptedTrial

from crossdock.adapters.memory.blobs import MemoryBlobs
from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.adapters.memory.object_index import MemoryObjectIndex, MemoryObjects, MemoryUploadIndex
from crossdock.cloud.acm.serving import AcmCertificateCheck
from crossdock.cloud.acm.table import acm_operations
from crossdock.cloud.cloudformation.stacks import recover_interrupted
from crossdock.cloud.cloudformation.table import cloudformation_operations
from crossdock.cloud.lambda_.resource_policy import LambdaPolicies
from crossdock.cloud.lambda_.table import lambda_operations
from crossdock.cloud.logs.table import logs_operations
from crossdock.cloud.s3.bucket_directory import BucketDirectory
from crossdock.cloud.s3.bucket_policies import BucketPolicies
from crossdock.cloud.s3.storage import Storage
from crossdock.cloud.s3.table import s3_operations
from crossdock.cloud.secrets.resource_policies import SecretPolicies
from crossdock.cloud.secrets.table import secrets_operations
from crossdock.cloud.sts.assume import assume_role
from crossdock.core.errors import ServiceError
from crossdock.core.servers import ServerState
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller
from crossdock.operations.operation import Params
from crossdock.operations.streams import BytesBody
from crossdock.ports.state import TableSpec
from crossdock.settings import LogSettings
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.directory import StateServerDirectory
from crossdock.transfer.server_certificates import ServersOfCertificates
from crossdock.transfer.table import transfer_operations
from crossdock.wire.protocols import format_error, format_response
from crossdock.wire.validation import validate_params

STACK = "app"


@dataclass(slots=True, kw_only=True)
class EmbeddedStacks:
    parts: CloudParts
    operations: Operations
    memory: OpenTables
    code: MemoryFunctionCode
    state: MortalState
    flaws: Flaws
    hub: Caller
    partner: Caller
    pauses: list[float] = field(default_factory=list)

    async def __call__(
        self, operation: str, /, as_: Caller | None = None, region: str = REGION, **params: Any
    ) -> Mapping[str, Any]:
        """One call of CloudFormation; by the hub's administrator unless somebody else is named."""
        model = model_of("cloudformation")
        try:
            result = await self.call("cloudformation", operation, as_=as_, region=region, **params)
        except ServiceError as error:
            format_error(model, error, request_id="tests")
            raise
        assert_fits("cloudformation", operation, params, result)
        format_response(model, operation, result, request_id="tests")
        return result

    async def call(
        self, service: str, operation: str, /, as_: Caller | None = None, region: str = REGION, **params: Any
    ) -> Mapping[str, Any]:
        """One call of any service. A `Body` of bytes becomes a stream."""
        caller = as_ or self.hub
        if isinstance(params.get("Body"), bytes):
            params["Body"] = BytesBody(content=params["Body"])
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
        """Code and message of the error of a call of CloudFormation."""
        with pytest.raises(ServiceError) as caught:
            await self(operation, **params)
        return caught.value.code, caught.value.message

    async def code_of(self, service: str, operation: str, /, **params: Any) -> str:
        """The code of the error of a call of any service, or "" when it has none."""
        try:
            await self.call(service, operation, **params)
        except ServiceError as error:
            return error.code
        return ""

    async def create(self, resources: Resources, name: str = STACK, **params: Any) -> dict[str, Any]:
        """Make a stack of these resources and describe it. Sections of the template go by their names."""
        return await self._deploy("CreateStack", resources, name, params)

    async def update(self, resources: Resources, name: str = STACK, **params: Any) -> dict[str, Any]:
        return await self._deploy("UpdateStack", resources, name, params)

    async def _deploy(self, operation: str, resources: Resources, name: str, params: dict[str, Any]) -> dict[str, Any]:
        sections = {key: params.pop(key) for key in ("Conditions", "Description", "Outputs") if key in params}
        if isinstance(params.get("Parameters"), dict):  # declarations; values go by `values`
            sections["Parameters"] = params.pop("Parameters")
        if "values" in params:
            params["Parameters"] = [
                {"ParameterKey": key, **({"UsePreviousValue": True} if value is None else {"ParameterValue": value})}
                for key, value in params.pop("values").items()
            ]
        params.setdefault("Capabilities", ["CAPABILITY_NAMED_IAM"])
        made = await self(operation, StackName=name, TemplateBody=body(resources, **sections), **params)
        return await self.stack(made["StackId"])

    async def delete(self, name: str = STACK, **params: Any) -> str:
        """Delete a stack; returns its status afterwards."""
        stack_id = (await self.stack(name))["StackId"]
        await self("DeleteStack", StackName=name, **params)
        return str((await self.stack(stack_id))["StackStatus"])

    async def stack(self, name: str = STACK) -> dict[str, Any]:
        return dict((await self("DescribeStacks", StackName=name))["Stacks"][0])

    async def status(self, name: str = STACK) -> str:
        return str((await self.stack(name))["StackStatus"])

    async def events(self, name: str = STACK) -> list[dict[str, Any]]:
        """All events, the oldest first."""
        found: list[dict[str, Any]] = []
        page = await self("DescribeStackEvents", StackName=name)
        found.extend(page["StackEvents"])
        while "NextToken" in page:
            page = await self("DescribeStackEvents", StackName=name, NextToken=page["NextToken"])
            found.extend(page["StackEvents"])
        return found[::-1]

    async def told(self, name: str = STACK) -> list[tuple[str, str]]:
        """Logical id and status of all events, the oldest first."""
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in await self.events(name)]

    async def reasons(self, logical_id: str, name: str = STACK) -> list[str]:
        return [
            event["ResourceStatusReason"]
            for event in await self.events(name)
            if event["LogicalResourceId"] == logical_id and "ResourceStatusReason" in event
        ]

    async def failures(self, logical_id: str, name: str = STACK) -> list[str]:
        """Why it failed, each time."""
        return [
            event["ResourceStatusReason"]
            for event in await self.events(name)
            if event["LogicalResourceId"] == logical_id and event["ResourceStatus"].endswith("_FAILED")
        ]

    async def resources(self, name: str = STACK) -> dict[str, dict[str, Any]]:
        found = (await self("DescribeStackResources", StackName=name))["StackResources"]
        return {item["LogicalResourceId"]: item for item in found}

    async def physical(self, logical_id: str, name: str = STACK) -> str:
        return str((await self.resources(name))[logical_id]["PhysicalResourceId"])

    async def outputs(self, name: str = STACK) -> dict[str, str]:
        return {item["OutputKey"]: item["OutputValue"] for item in (await self.stack(name))["Outputs"]}

    async def buckets(self) -> list[str]:
        return [item["Name"] for item in (await self.call("s3", "ListBuckets"))["Buckets"]]

    async def log_groups(self) -> dict[str, int | None]:
        """Every log group's retention."""
        found = (await self.call("logs", "DescribeLogGroups"))["logGroups"]
        return {group["logGroupName"]: group.get("retentionInDays") for group in found}

    async def role_session(self, name: str, *actions: str, denied: tuple[str, ...] = ()) -> Caller:
        """A session of a new role of the hub that may do this and not that."""
        trust = trusting({"AWS": f"arn:aws:iam::{HUB}:root"})
        await self.call("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        statements = [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]
        if denied:
            statements.append({"Effect": "Deny", "Action": list(denied), "Resource": "*"})
        document = json.dumps(policy(*statements))
        await self.call("iam", "PutRolePolicy", RoleName=name, PolicyName="what", PolicyDocument=document)
        _, caller = await assume_role(
            self.operations,
            self.parts.access_keys,
            caller=self.hub,
            account_id=HUB,
            region=REGION,
            origin=ORIGIN,
            role_arn=f"arn:aws:iam::{HUB}:role/{name}",
            session_name="session",
        )
        return caller

    async def rows(self) -> str:
        """All that is kept of anything, as it lies there."""
        async with self.state.reading() as tx:
            tables = [TableSpec(name=name) for name in self.memory.tables]
            return repr([row.value for table in tables for row in await tx.table(table).page(limit=10_000)])

    def remember(self) -> Callable[[], None]:
        """What brings everything back to how it is now, to go on from there once more."""
        tables, archives = self.memory.tables, dict(self.code.archives)

        def rewind() -> None:
            self.memory.tables = tables
            self.code.archives = dict(archives)
            self.flaws.mend()
            self.parts.epoch.advance()

        return rewind

    async def restart(self) -> bool:
        """End what runs, and start again as the service does. True if it had died."""
        await self.parts.house.tasks.close()
        had_died = self.state.live()
        await recover_interrupted(self.parts.house)
        return had_died


async def make_stacks() -> EmbeddedStacks:
    memory = OpenTables()
    state = MortalState(memory)
    parts = make_parts(state)
    flaws, pauses, changes = Flaws(), list[float](), ServerChanges()
    directory = StateServerDirectory(state, changes)
    objects, code = MemoryObjects(), MemoryFunctionCode()

    async def sleep(seconds: float) -> None:
        """Time passes at once; servers that were starting are there afterwards."""
        pauses.append(seconds)
        parts.clock.advance(seconds)
        await asyncio.sleep(0)
        for server in await directory.servers():
            if server.state is ServerState.STARTING:
                await directory.report(server.server_id, ServerState.ONLINE, ())

    def validate(service: str, operation: str, params: Params) -> None:
        if service != "s3":
            validate_params(model_of(service), operation, params)

    storage = Storage(
        buckets=BucketDirectory(state=parts.state, epoch=parts.epoch),
        objects=MemoryObjectIndex(objects),
        uploads=MemoryUploadIndex(objects),
        blobs=MemoryBlobs(),
        epoch=parts.epoch,
        # Never used: no digest of these tests is large enough to need a thread.
        executor=ThreadPoolExecutor(max_workers=1),
    )
    tables = [
        cloudformation_operations(sealer=parts.sealer, sleep=sleep),
        lambda_operations(
            runner=EchoRunner(),
            code=code,
            sealer=parts.sealer,
            access_keys=parts.access_keys,
            epoch=parts.epoch,
            sleep=sleep,
        ),
        logs_operations(events=MemoryLogEvents(), settings=LogSettings()),
        s3_operations(storage),
        secrets_operations(sealer=parts.sealer, epoch=parts.epoch),
        acm_operations(sealer=parts.sealer, epoch=parts.epoch, uses=ServersOfCertificates()),
        transfer_operations(
            changes=changes,
            trial=ScriptedTrial(),
            certificates=AcmCertificateCheck(parts.clock),
            host_keys=instant_vault(parts.sealer, parts.house.entropy),
        ),
    ]
    sources = {"s3": BucketPolicies(), "lambda": LambdaPolicies(), "secretsmanager": SecretPolicies()}
    operations = make_operations(parts, *tables, sources=sources, validate=validate)
    for table in list(operations.services.values()):
        operations.add(flaws.of(table))
    return EmbeddedStacks(
        parts=parts,
        operations=operations,
        memory=memory,
        code=code,
        state=state,
        flaws=flaws,
        pauses=pauses,
        hub=await admin_of(parts, "hub"),
        partner=await admin_of(parts, "partner"),
    )
