"""S3 for all sessions: connections are shared, credentials are each call's own.

aiobotocore for what is not hot, `sending.py` for the bytes of objects.
"""

import math
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, TypeVar, runtime_checkable
from urllib.parse import urlsplit

import aiohttp
from aiobotocore.config import AioConfig  # type: ignore[import-untyped]  # it ships no types
from aiobotocore.credentials import AioCredentials  # type: ignore[import-untyped]
from aiobotocore.session import AioSession  # type: ignore[import-untyped]
from botocore.handlers import add_expect_header
from botocore.parsers import ResponseParserError
from botocore.utils import get_environ_proxies

from crossdock.adapters.aws.answers import IS_IT_AN_S3, Answer, require_done, require_told
from crossdock.adapters.aws.checksums import CRC64NVME
from crossdock.adapters.aws.clean_connections import CleanHttpSession, only_clean
from crossdock.adapters.aws.direct_body import PAUSE_S, DirectBody, take_over
from crossdock.adapters.aws.endpoint import S3Endpoint, is_of_aws
from crossdock.adapters.aws.failures import file_errors
from crossdock.adapters.aws.known_uploads import KnownUploads
from crossdock.adapters.aws.parsing import with_answer_parsers
from crossdock.adapters.aws.requests import S3Request
from crossdock.adapters.aws.retrying import Patience
from crossdock.adapters.aws.sending import Answered, InDoubt, S3Sender
from crossdock.adapters.aws.writing import AS_THE_BUCKET_SAYS, ObjectWriter, Written
from crossdock.cloud.s3.checksums import Algorithm
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.core.object_writing import ObjectWritings
from crossdock.core.principals import AssumedRole
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.host import Clock
from crossdock.wire.sigv4 import Credentials

T = TypeVar("T")

POOL_CONNECTIONS = 1000
"""At once, over all sessions, of either client."""
CONNECT_TIMEOUT_S = 10.0
READ_BYTES = 256 << 10
"""Of an answer, read before anybody wants them; twice that may wait."""

_signer: ContextVar[AioCredentials] = ContextVar("signer of the running call")


class S3Api(Protocol):
    """What is used of aiobotocore's client, which makes its methods from S3's model."""

    head_object: Callable[..., Awaitable[Answer]]
    upload_part_copy: Callable[..., Awaitable[Answer]]
    copy_object: Callable[..., Awaitable[Answer]]
    delete_object: Callable[..., Awaitable[Answer]]
    list_objects_v2: Callable[..., Awaitable[Answer]]
    list_multipart_uploads: Callable[..., Awaitable[Answer]]
    # Of the buckets behind attached ones (`backing_calls.py`), whose callers come with all of S3's parameters.
    abort_multipart_upload: Callable[..., Awaitable[Answer]]
    complete_multipart_upload: Callable[..., Awaitable[Answer]]
    create_multipart_upload: Callable[..., Awaitable[Answer]]
    get_object: Callable[..., Awaitable[Answer]]
    list_objects: Callable[..., Awaitable[Answer]]
    list_parts: Callable[..., Awaitable[Answer]]


class S3Connection:
    """Calls S3 for whoever has credentials. Made by `open_s3`, for all sessions together.

    Args:
        checksum: of every body that is sent, and of the whole object; None where a store does not bear it.
        writer: what every write says of its object.
    """

    def __init__(self, client: S3Api, sender: S3Sender, *, checksum: Algorithm | None, writer: ObjectWriter) -> None:
        self.known_uploads = KnownUploads()
        self._writer = writer
        self._sender = sender
        self._checksum = checksum
        self._methods: Mapping[str, Callable[..., Awaitable[Answer]]] = {
            "HeadObject": client.head_object,
            "UploadPartCopy": client.upload_part_copy,
            "CopyObject": client.copy_object,
            "DeleteObject": client.delete_object,
            "ListObjectsV2": client.list_objects_v2,
            "ListMultipartUploads": client.list_multipart_uploads,
            "AbortMultipartUpload": client.abort_multipart_upload,
            "CompleteMultipartUpload": client.complete_multipart_upload,
            "CreateMultipartUpload": client.create_multipart_upload,
            "GetObject": client.get_object,
            "ListObjects": client.list_objects,
            "ListParts": client.list_parts,
        }

    def bound(self, credentials: TemporaryCredentials, principal: AssumedRole | None = None) -> "BoundS3":
        return BoundS3(
            self._methods,
            self._sender,
            credentials,
            checksum=self._checksum,
            writer=self._writer,
            principal=principal,
        )


class BoundS3:
    """The same for one caller: no call can forget whose permissions apply. Raises FileError, as `failures.py` says."""

    def __init__(
        self,
        methods: Mapping[str, Callable[..., Awaitable[Answer]]],
        sender: S3Sender,
        credentials: TemporaryCredentials,
        *,
        checksum: Algorithm | None,
        writer: ObjectWriter,
        principal: AssumedRole | None,
    ) -> None:
        self._methods = methods
        self._sender = sender
        self.use(credentials)
        self._caller = _in_words(principal)
        self.role_arn = "" if principal is None else str(principal.role_arn)
        self.session_name = "" if principal is None else principal.session_name
        self.checksum = checksum
        self._writer = writer
        self._account_id = "" if principal is None else principal.account_id

    def use(self, credentials: TemporaryCredentials) -> None:
        """Call with these from now on, also for what is under way: they are another key of the same caller."""
        key, secret, token = credentials.access_key_id, credentials.secret_access_key, credentials.session_token or None
        self._signer = AioCredentials(key, secret, token)
        self._credentials = Credentials(access_key_id=key, secret_access_key=secret, session_token=token)

    async def call(self, operation: str, /, **params: Any) -> Answer:
        with file_errors(operation, resource_of(params), self._caller):
            token = _signer.set(self._signer)
            try:
                answer = await self._methods[operation](**params)
            except ResponseParserError as error:
                raise Unavailable(f"{operation} of {resource_of(params)}: {error}{IS_IT_AN_S3}") from error
            finally:
                _signer.reset(token)
        require_told(operation, resource_of(params), answer)
        return answer

    async def write(self, place: ObjectPlace, attempt: Callable[[Written], Awaitable[T]]) -> T:
        """Make a write of an object, told what is to be said of it: see `ObjectWriter`."""
        return await self._writer.write(place, self._account_id, attempt)

    async def send(self, request: S3Request, *, in_doubt: InDoubt = lambda: None) -> Answered:
        """Send, and get an answer that is small."""
        with file_errors(request.operation, request.resource, self._caller):
            answered = await self._sender.fetch(request, self._credentials, in_doubt=in_doubt)
        require_done(request.operation, request.resource, answered.status, answered.headers)
        return answered

    async def open(self, request: S3Request) -> "OpenBody":
        with file_errors(request.operation, request.resource, self._caller):
            response = await self._sender.open(request, self._credentials)
        # Only of a range the rest can be asked for again.
        pause_s = PAUSE_S if response.status == HTTPStatus.PARTIAL_CONTENT else math.inf
        direct = take_over(response, stall_s=self._sender.stall_s, pause_s=pause_s)
        return OpenBody(response, request, self._caller, direct)


@runtime_checkable
class OnS3(Protocol):
    """A store that calls S3, and as whom."""

    @property
    def bound_s3(self) -> BoundS3: ...


@dataclass(frozen=True, slots=True)
class OpenBody:
    """An answer whose body is still to come. Close it."""

    _response: aiohttp.ClientResponse
    _request: S3Request
    _caller: str
    _direct: DirectBody | None

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    async def read(self) -> bytes:
        """What has come meanwhile; nothing at the end. Raises Unavailable when that comes too early."""
        with file_errors(self._request.operation, self._request.resource, self._caller):
            return await (self._response.content.readany() if self._direct is None else self._direct.read())

    def close(self) -> None:
        # Read to its end, the connection went back to the pool by itself; else it is closed with the rest unread.
        self._response.close()


def resource_of(params: Mapping[str, Any]) -> str:
    """As messages name it: `bucket/key`; the prefix for a listing."""
    return f"{params['Bucket']}/{params.get('Key', params.get('Prefix', ''))}"


def _in_words(principal: AssumedRole | None) -> str:
    if principal is None:
        return ""
    # Roles of other vendors may be of no account.
    of_account = f" of account {principal.account_id}" if principal.account_id else ""
    return f"role {principal.role_name}{of_account}"


@asynccontextmanager
async def open_s3(
    *,
    region: str,
    clock: Clock,
    endpoint_url: str | None = None,
    path_style: bool = False,
    verify: bool | str = True,
    checksum: Algorithm | None = CRC64NVME,
    writings: ObjectWritings = AS_THE_BUCKET_SAYS,
    patience: Patience | None = None,
    read_timeout_s: float = 60.0,
    session: AioSession | None = None,
    user_agent: str = "",
) -> AsyncIterator[S3Connection]:
    """Open the clients that all sessions share.

    Args:
        endpoint_url: another S3 than AWS's.
        path_style: the bucket in the path, for those that cannot have it in the host name.
        verify: the file of certificate authorities, or False for none; True for those of the system.
        checksum: see `S3Connection`.
        writings: what writes say of their objects, by bucket. Where nothing is said of ACLs, AWS's own S3 is told to
            give the owners of other accounts' buckets full control, and other S3s nothing.
        patience: how often an attempt is made, and how long to wait between two.
        read_timeout_s: without a byte, either way.
        session: reads S3's model once for all clients that are made with it.
        user_agent: what the User-Agent of every request holds.
    """
    patience = patience or Patience()
    config = AioConfig(
        signature_version="s3v4",
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        max_pool_connections=POOL_CONNECTIONS,
        http_session_cls=CleanHttpSession,
        user_agent_extra=user_agent or None,
        s3={"addressing_style": "path" if path_style else "auto"},
        # Other vendors refuse the checksums in trailers that botocore would add.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    creation = with_answer_parsers(session or AioSession()).create_client(
        "s3",
        region_name=region,
        endpoint_url=endpoint_url,
        verify=verify,
        config=config,
        # A call that names no caller must not be made with whatever credentials this host has.
        aws_access_key_id="nobody",
        aws_secret_access_key="nobody",
    )
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(creation)
        client.meta.events.register("before-call.s3", _sign_as_caller)
        # aiohttp would wait without end for an invitation (100 Continue) that some servers never send.
        client.meta.events.unregister("before-call.s3", add_expect_header)
        # As botocore resolves it for anyone: FIPS, dual-stack, another partition, a URL in the profile.
        url: str = client.meta.endpoint_url
        http = await stack.enter_async_context(_open_http(url, verify, read_timeout_s, user_agent))
        endpoint = S3Endpoint(
            url=url,
            region=region,
            is_regional=is_of_aws(url),
            path_style=path_style,
        )
        sender = S3Sender(http, endpoint, clock=clock, patience=patience, stall_s=read_timeout_s)
        writer = ObjectWriter(writings, grants_across_accounts=is_of_aws(url))
        yield S3Connection(client, sender, checksum=checksum, writer=writer)


def _open_http(url: str, verify: bool | str, read_timeout_s: float, user_agent: str = "") -> aiohttp.ClientSession:
    context: ssl.SSLContext | bool = verify if isinstance(verify, bool) else ssl.create_default_context(cafile=verify)
    return aiohttp.ClientSession(
        connector=only_clean(aiohttp.TCPConnector(limit=POOL_CONNECTIONS, ssl=context)),
        timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT_S, sock_read=read_timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": user_agent} if user_agent else None,
        auto_decompress=False,
        read_bufsize=READ_BYTES,
        # As HTTPS_PROXY and its like tell botocore too.
        proxy=get_environ_proxies(url).get(urlsplit(url).scheme),
    )


def _sign_as_caller(context: dict[str, Any], **_event: object) -> None:
    """botocore's own way, made for S3 Express, to sign one request with other credentials than the client's."""
    context.setdefault("signing", {})["request_credentials"] = _signer.get()
