"""Buckets of an S3 of another vendor that speaks STS too, and callers who are sessions of its roles."""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol
from uuid import uuid4

from tests.contract.permissions import ALL, resources_of
from tests.fakes.stub_s3 import aws_session

from crossdock.adapters.aws.connection import S3Connection, open_s3
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.adapters.aws.retrying import Patience
from crossdock.adapters.aws.writing import AS_THE_BUCKET_SAYS
from crossdock.adapters.host.clock import SystemClock
from crossdock.core.arns import parse_arn
from crossdock.core.object_writing import ObjectWritings
from crossdock.core.principals import AssumedRole
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.objects import ObjectStore

ONE_ATTEMPT = Patience(attempts=1)


class Vendor(Protocol):
    """Where it is, and the key of its administrator."""

    @property
    def url(self) -> str: ...

    @property
    def access_key(self) -> str: ...

    @property
    def secret_key(self) -> str: ...


class Roles(Protocol):
    """How one makes roles there."""

    async def make(self, name: str, policy: str) -> str:
        """One that the administrator may assume, and that may do what the policy says. Returns its ARN."""

    async def limit(self, name: str, policy: str) -> None:
        """From now on it may do what this policy says."""


@dataclass(frozen=True, slots=True)
class VendorCaller:
    store: ObjectStore
    roles: Roles
    role: str
    buckets: tuple[str, ...]

    async def limit_to(self, actions: Iterable[str]) -> None:
        await self.roles.limit(self.role, allowing(actions, self.buckets))


class VendorStores:
    """One server serves all tests, so every name is new."""

    def __init__(self, connection: S3Connection, roles: Roles, *, s3: Any, sts: Any) -> None:
        self._connection = connection
        self._roles = roles
        self.s3 = s3
        self._sts = sts
        self._prefix = uuid4().hex[:12]
        self._numbers = count(1)

    async def add_bucket(self) -> str:
        name = f"{self._prefix}-{next(self._numbers)}"
        await self.s3.create_bucket(Bucket=name)
        return name

    async def caller(self, *buckets: str, actions: Iterable[str] = ALL) -> VendorCaller:
        role = f"role-{self._prefix}-{next(self._numbers)}"
        arn = await self._roles.make(role, allowing(actions, buckets))
        session = await self._sts.assume_role(RoleArn=arn, RoleSessionName="session")
        found = session["Credentials"]
        credentials = TemporaryCredentials(
            access_key_id=found["AccessKeyId"],
            secret_access_key=found["SecretAccessKey"],
            session_token=found["SessionToken"],
            expires_at=found["Expiration"],
        )
        principal = AssumedRole(role_arn=parse_arn(arn), role_id="", session_name="session")
        store = AwsObjectStore(self._connection, credentials, principal=principal)
        return VendorCaller(store, self._roles, role, buckets)


def allowing(actions: Iterable[str], buckets: Iterable[str]) -> str:
    # A policy must name something.
    return document(
        {"Effect": "Allow", "Action": list(actions) or ["s3:GetBucketLocation"], "Resource": resources_of(buckets)}
    )


def document(statement: Any) -> str:
    # Without spaces: Ceph does not decode the plus that a form makes of one.
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def client_of(vendor: Vendor, service: str) -> AbstractAsyncContextManager[Any]:
    """The administrator's."""
    client: AbstractAsyncContextManager[Any] = aws_session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url=vendor.url,
        aws_access_key_id=vendor.access_key,
        aws_secret_access_key=vendor.secret_key,
    )
    return client


@asynccontextmanager
async def vendor_stores(
    vendor: Vendor,
    roles: Callable[[Any], Roles],
    *,
    url: str | None = None,
    patience: Patience = ONE_ATTEMPT,
    read_timeout_s: float = 60.0,
    writings: ObjectWritings = AS_THE_BUCKET_SAYS,
) -> AsyncIterator[VendorStores]:
    """`roles` gets a client of IAM; `url` is another way to the S3, for those who call as a role."""
    connecting = open_s3(
        region="us-east-1",
        clock=SystemClock(),
        endpoint_url=url or vendor.url,
        path_style=True,
        patience=patience,
        read_timeout_s=read_timeout_s,
        writings=writings,
        session=aws_session(),
    )
    async with AsyncExitStack() as stack:
        s3, iam, sts = [await stack.enter_async_context(client_of(vendor, name)) for name in ("s3", "iam", "sts")]
        connection = await stack.enter_async_context(connecting)
        yield VendorStores(connection, roles(iam), s3=s3, sts=sts)
