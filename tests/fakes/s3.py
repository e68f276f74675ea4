"""The embedded S3 on memory, with two accounts, for tests that call its operations.

    s3 = await make_s3()
    await s3.bucket("box")                                  # of the hub
    await s3.put("box", "key", b"content")
    answer = await s3("GetObject", Bucket="box", Key="key")
    content = await s3.read("box", "key")

Every answer and error is formatted as the edge would, so that what the model does not know is found.

    visitor = await s3.role("visitor", "s3:GetObject", "arn:aws:s3:::box/*")
    await s3("GetObject", as_=visitor, Bucket="box", Key="key")
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserFactory
from tests.fakes.aws_models import model_of
from tests.fakes.cloud import HUB, ORIGIN, PARTNER, CloudParts, admin_of, make_operations, make_parts
from tests.fakes.s3_storage import SteppedObjects, SteppedUploads, Steps, WatchedBlobs

from crossdock.adapters.memory.object_index import MemoryObjects
from crossdock.cloud.iam.records import USERS, UserRecord, fold
from crossdock.cloud.s3.bucket_directory import BucketDirectory
from crossdock.cloud.s3.bucket_policies import BucketPolicies
from crossdock.cloud.s3.storage import Storage
from crossdock.cloud.s3.table import s3_operations
from crossdock.cloud.sts.assume import assume_role
from crossdock.core.errors import ServiceError
from crossdock.core.principals import Anonymous, IamUser
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller, Origin
from crossdock.operations.streams import BytesBody, ObjectBody
from crossdock.ports.backings import ForeignS3, NoForeignS3
from crossdock.wire.http import HttpResponse
from crossdock.wire.protocols import format_error, format_response

ANYBODY = Caller(principal=Anonymous())
REGION = "us-east-1"
LONG_ENOUGH = 1_000_000


@dataclass(slots=True)
class PiecewiseBody:
    """A body that comes in these pieces; an exception among them is raised in its turn."""

    pieces: Sequence[bytes | BaseException]
    length: int = -1
    trailers: dict[str, str] = field(default_factory=dict)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, BaseException):
                raise piece
            yield piece


@dataclass(slots=True, kw_only=True)
class EmbeddedS3:
    parts: CloudParts
    operations: Operations
    storage: Storage
    blobs: WatchedBlobs
    steps: Steps
    hub: Caller
    partner: Caller
    origin: Origin = ORIGIN

    async def __call__(
        self,
        operation: str,
        /,
        as_: Caller | None = None,
        region: str = REGION,
        origin: Origin | None = None,
        **params: Any,
    ) -> Mapping[str, Any]:
        """One call; by the hub's administrator unless somebody else is named. Bytes become a body."""
        caller = as_ or self.hub
        if isinstance(params.get("Body"), bytes):
            params["Body"] = BytesBody(content=params["Body"])
        model = model_of("s3")
        try:
            result = await self.operations.call(
                "s3",
                operation,
                params,
                caller=caller,
                account_id=caller.principal.account_id,
                region=region,
                origin=origin or self.origin,
            )
        except ServiceError as error:
            format_error(model, error, request_id="tests")
            raise
        # What botocore would not read as it was meant is no answer.
        response = format_response(model, operation, result, request_id="tests")
        if operation != "GetBucketLocation":  # of which botocore's parser alone reads nothing
            read = _read(model, operation, response)
            assert _told({**read, "Body": None, "ResponseMetadata": None}) == _told({**result, "Body": None})
        return result

    async def bucket(self, name: str, as_: Caller | None = None) -> str:
        await self("CreateBucket", as_=as_, Bucket=name)
        return name

    async def put(self, bucket: str, key: str, content: bytes = b"", **params: Any) -> Mapping[str, Any]:
        return await self("PutObject", Bucket=bucket, Key=key, Body=content, **params)

    async def read(self, bucket: str, key: str, **params: Any) -> bytes:
        return await content_of((await self("GetObject", Bucket=bucket, Key=key, **params))["Body"])

    async def keys(self, bucket: str) -> list[str]:
        return [item["Key"] for item in (await self("ListObjectsV2", Bucket=bucket))["Contents"]]

    async def policy(self, bucket: str, *statements: Mapping[str, Any], as_: Caller | None = None) -> None:
        await self("PutBucketPolicy", as_=as_, Bucket=bucket, Policy=document(*statements))

    async def role(
        self, name: str, actions: str | list[str], resources: str | list[str], *, as_: Caller | None = None
    ) -> Caller:
        """A session of a new role of the hub that may do this, and that everyone of the hub may assume."""
        admin = as_ or self.hub
        account = admin.principal.account_id
        await self.iam(
            "CreateRole",
            as_=admin,
            RoleName=name,
            AssumeRolePolicyDocument=document(
                {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
            ),
        )
        await self.iam(
            "PutRolePolicy",
            as_=admin,
            RoleName=name,
            PolicyName="what",
            PolicyDocument=document({"Effect": "Allow", "Action": actions, "Resource": resources}),
        )
        _, caller = await assume_role(
            self.operations,
            self.parts.access_keys,
            caller=admin,
            account_id=account,
            region=REGION,
            origin=ORIGIN,
            role_arn=f"arn:aws:iam::{account}:role/{name}",
            session_name="session",
        )
        return caller

    async def user(self, account_id: str, name: str) -> Caller:
        """A user without any policy."""
        record = UserRecord(
            account_id=account_id,
            name=name,
            user_id=f"AIDA{name.upper()}",
            created_at=self.parts.clock.now(),
        )
        async with self.parts.state.transaction() as tx:
            await USERS.put(tx, record, account_id, fold(name))
        self.parts.epoch.advance()
        return Caller(principal=IamUser(account_id=account_id, user_name=name, user_id=record.user_id))

    async def iam(self, operation: str, /, as_: Caller | None = None, **params: Any) -> Mapping[str, Any]:
        caller = as_ or self.hub
        return await self.operations.call(
            "iam",
            operation,
            params,
            caller=caller,
            account_id=caller.principal.account_id,
            region=REGION,
            origin=ORIGIN,
        )

    def close(self) -> None:
        self.storage.executor.shutdown()

    async def check_tidy(self) -> None:
        """Every blob belongs to an object or a part, nothing is on its way, nothing is open, and all acts were done."""
        referred = frozenset([segment.blob_id async for segment in self.storage.objects.segments()])
        assert self.blobs.blob_ids == referred
        assert not self.blobs.being_staged
        assert not self.blobs.being_read
        assert self.steps.all_reached

    async def upload(self, bucket: str, key: str, **params: Any) -> str:
        """A new multipart upload's id."""
        return str((await self("CreateMultipartUpload", Bucket=bucket, Key=key, **params))["UploadId"])

    async def part(self, bucket: str, key: str, upload_id: str, number: int, content: bytes) -> dict[str, Any]:
        """Upload a part; what CompleteMultipartUpload wants to hear of it."""
        answer = await self("UploadPart", Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=content)
        return {"PartNumber": number, "ETag": answer["ETag"]}

    async def complete(
        self, bucket: str, key: str, upload_id: str, parts: Sequence[Mapping[str, Any]], **params: Any
    ) -> Mapping[str, Any]:
        return await self(
            "CompleteMultipartUpload",
            Bucket=bucket,
            Key=key,
            UploadId=upload_id,
            MultipartUpload={"Parts": list(parts)},
            **params,
        )


async def make_s3(
    *, indexed_bytes: int = 0, foreign: ForeignS3 | None = None, notes_encryption: bool = False
) -> EmbeddedS3:
    """Its small objects are blobs like any, unless told, so that little ones show what becomes of large ones."""
    parts = make_parts()
    objects, steps = MemoryObjects(), Steps()
    blobs = WatchedBlobs(steps)
    storage = Storage(
        buckets=BucketDirectory(state=parts.state, epoch=parts.epoch),
        objects=SteppedObjects(objects, steps),
        uploads=SteppedUploads(objects, steps),
        blobs=blobs,
        epoch=parts.epoch,
        executor=ThreadPoolExecutor(max_workers=2, thread_name_prefix="digests"),
        indexed_bytes=indexed_bytes,
        foreign=foreign or NoForeignS3(),
        notes_encryption=notes_encryption,
    )
    operations = make_operations(parts, s3_operations(storage), sources={"s3": BucketPolicies()})
    return EmbeddedS3(
        parts=parts,
        operations=operations,
        storage=storage,
        blobs=blobs,
        steps=steps,
        hub=await admin_of(parts, "hub"),
        partner=await admin_of(parts, "partner"),
    )


async def refusal(call: Awaitable[object]) -> ServiceError:
    """The error with which a call is refused."""
    with pytest.raises(ServiceError) as refused:
        await call
    return refused.value


async def gone_after(steps: int, call: Coroutine[Any, Any, Any]) -> bool:
    """Run a call and cancel it after some turns of the loop, as when its client is gone. True when it ended before.

    How many turns a call takes is no fixed number where it waits for a pool; LONG_ENOUGH is more than any.
    """
    task = asyncio.get_running_loop().create_task(call)
    while steps and not task.done():
        await asyncio.sleep(0)
        steps -= 1
    task.cancel()
    await asyncio.wait((task,))
    if task.cancelled():
        return False
    task.result()
    return True


def _timestamp(text: str) -> datetime:
    """As botocore reads times, but sooner: a listing has thousands."""
    return datetime.fromisoformat(text) if text.endswith("Z") else parsedate_to_datetime(text)


_PARSERS = ResponseParserFactory()
_PARSERS.set_parser_defaults(timestamp_parser=_timestamp)
_PARSER = _PARSERS.create_parser("rest-xml")


def _read(model: ServiceModel, operation: str, response: HttpResponse) -> dict[str, Any]:
    """An answer as botocore's client reads it."""
    parts = {"headers": HeadersDict(response.headers), "status_code": response.status, "body": response.body}
    found: dict[str, Any] = _PARSER.parse(parts, model.operation_model(operation).output_shape)
    return found


def _told(value: Any) -> Any:
    """A value without what says nothing: botocore leaves out empty lists, and some empty texts."""
    if isinstance(value, Mapping):
        told = {key: _told(item) for key, item in value.items()}
        return {key: item for key, item in told.items() if item not in (None, "", [], {})}
    if isinstance(value, list | tuple):
        return [_told(item) for item in value]
    return value


async def content_of(body: ObjectBody) -> bytes:
    """All bytes of a streamed answer, which is then closed."""
    content = b"".join([chunk async for chunk in body.reader.chunks()])
    assert len(content) == body.size
    await body.reader.close()
    return content


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


__all__ = [
    "ANYBODY",
    "HUB",
    "LONG_ENOUGH",
    "PARTNER",
    "EmbeddedS3",
    "PiecewiseBody",
    "content_of",
    "document",
    "gone_after",
    "make_s3",
    "refusal",
]
