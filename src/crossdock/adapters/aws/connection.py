"""One S3 client for all sessions: connections are shared, credentials are each call's own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from aiobotocore.config import AioConfig  # type: ignore[import-untyped]  # it ships no types
from aiobotocore.credentials import AioCredentials  # type: ignore[import-untyped]
from aiobotocore.session import AioSession  # type: ignore[import-untyped]
from botocore.handlers import add_expect_header

from crossdock.adapters.aws.failures import file_errors
from crossdock.ports.functions import TemporaryCredentials

Answer = Mapping[str, Any]

POOL_CONNECTIONS = 1000
"""At once, over all sessions; a download keeps one for as long as its client reads."""

_signer: ContextVar[AioCredentials] = ContextVar("signer of the running call")


class S3Api(Protocol):
    """What is used of aiobotocore's client, which makes its methods from S3's model."""

    head_object: Callable[..., Awaitable[Answer]]
    get_object: Callable[..., Awaitable[Answer]]
    put_object: Callable[..., Awaitable[Answer]]
    create_multipart_upload: Callable[..., Awaitable[Answer]]
    upload_part: Callable[..., Awaitable[Answer]]
    upload_part_copy: Callable[..., Awaitable[Answer]]
    complete_multipart_upload: Callable[..., Awaitable[Answer]]
    abort_multipart_upload: Callable[..., Awaitable[Answer]]
    copy_object: Callable[..., Awaitable[Answer]]
    delete_object: Callable[..., Awaitable[Answer]]
    list_objects_v2: Callable[..., Awaitable[Answer]]


class S3Connection:
    """Calls S3 for whoever has credentials. Made by `open_s3`, for all sessions together."""

    def __init__(self, client: S3Api) -> None:
        self._methods: Mapping[str, Callable[..., Awaitable[Answer]]] = {
            "HeadObject": client.head_object,
            "GetObject": client.get_object,
            "PutObject": client.put_object,
            "CreateMultipartUpload": client.create_multipart_upload,
            "UploadPart": client.upload_part,
            "UploadPartCopy": client.upload_part_copy,
            "CompleteMultipartUpload": client.complete_multipart_upload,
            "AbortMultipartUpload": client.abort_multipart_upload,
            "CopyObject": client.copy_object,
            "DeleteObject": client.delete_object,
            "ListObjectsV2": client.list_objects_v2,
        }

    def bound(self, credentials: TemporaryCredentials) -> "BoundS3":
        signer = AioCredentials(
            credentials.access_key_id, credentials.secret_access_key, credentials.session_token or None
        )
        return BoundS3(self._methods, signer)


class BoundS3:
    """The same for one caller: no call can forget whose permissions apply."""

    def __init__(self, methods: Mapping[str, Callable[..., Awaitable[Answer]]], signer: AioCredentials) -> None:
        self._methods = methods
        self._signer = signer

    async def call(self, operation: str, /, **params: Any) -> Answer:
        """Raises FileError, as `failures.py` translates."""
        with file_errors(operation, resource_of(params)):
            token = _signer.set(self._signer)
            try:
                return await self._methods[operation](**params)
            finally:
                _signer.reset(token)


def resource_of(params: Mapping[str, Any]) -> str:
    """As messages name it: `bucket/key`; the prefix for a listing."""
    return f"{params['Bucket']}/{params.get('Key', params.get('Prefix', ''))}"


@asynccontextmanager
async def open_s3(
    *,
    region: str,
    endpoint_url: str | None = None,
    path_style: bool = False,
    verify: bool | str = True,
    max_attempts: int = 4,
    read_timeout_s: float = 60.0,
    session: AioSession | None = None,
) -> AsyncIterator[S3Connection]:
    """Open the client that all sessions share.

    Args:
        endpoint_url: another S3 than AWS's.
        path_style: the bucket in the path, for those that cannot have it in the host name.
        verify: the file of certificate authorities, or False for none; True for those of the system.
        max_attempts: of one call, the first included.
        session: reads S3's model once for all clients that are made with it.
    """
    config = AioConfig(
        signature_version="s3v4",
        retries={"mode": "standard", "total_max_attempts": max_attempts},
        connect_timeout=10,
        read_timeout=read_timeout_s,
        max_pool_connections=POOL_CONNECTIONS,
        s3={"addressing_style": "path" if path_style else "auto"},
        # Other vendors refuse the checksums in trailers that botocore would add.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    creation = (session or AioSession()).create_client(
        "s3",
        region_name=region,
        endpoint_url=endpoint_url,
        verify=verify,
        config=config,
        # A call that names no caller must not be made with whatever credentials this host has.
        aws_access_key_id="nobody",
        aws_secret_access_key="nobody",
    )
    async with creation as client:
        client.meta.events.register("before-call.s3", _sign_as_caller)
        # aiohttp would wait without end for an invitation (100 Continue) that some servers never send.
        client.meta.events.unregister("before-call.s3", add_expect_header)
        yield S3Connection(client)


def _sign_as_caller(context: dict[str, Any], **_event: object) -> None:
    """botocore's own way, made for S3 Express, to sign one request with other credentials than the client's."""
    context.setdefault("signing", {})["request_credentials"] = _signer.get()
