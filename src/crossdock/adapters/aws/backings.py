"""The S3s behind buckets, each reached over connections that all sessions share."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiobotocore.session import AioSession  # type: ignore[import-untyped]  # it ships no types
from botocore.exceptions import BotoCoreError

from crossdock.adapters.aws.backing_calls import call_as_told, is_own_trouble, send_as_told
from crossdock.adapters.aws.backing_credentials import BackingCredentials
from crossdock.adapters.aws.bundles import Bundle, bundle_of, verified_by
from crossdock.adapters.aws.connection import S3Connection, open_s3
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.adapters.aws.retrying import Patience
from crossdock.core.backings import USER_AGENT, Backing
from crossdock.core.errors import FileError, ServiceError, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.backings import SentBody
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.host import Clock
from crossdock.ports.upload_ledger import BegunUpload, UploadLedger
from crossdock.settings.trusted_files import BadAuthorities

LedgerOf = Callable[[Backing], UploadLedger | None]


def no_ledger(_backing: Backing) -> None:
    """Where nobody notes uploads that were begun."""


@dataclass(slots=True, kw_only=True)
class _Reached:
    """A backing that has been reached, and the credentials that its store uses now."""

    credentials: BackingCredentials
    store: AwsObjectStore
    used: TemporaryCredentials


class BackingConnections:
    """See `ports.backings.ForeignS3`. Made by `open_backings`.

    Args:
        has_environment: whether credentials of the environment and of profiles are there, as in workers they are not.
        ledger_of: see `AwsObjectStore`.
    """

    def __init__(
        self,
        stack: AsyncExitStack,
        *,
        clock: Clock,
        ledger_of: LedgerOf,
        has_environment: bool,
        patience: Patience,
        read_timeout_s: float,
        session: AioSession,
    ) -> None:
        self._stack = stack
        self._clock = clock
        self._ledger_of = ledger_of
        self._has_environment = has_environment
        self._patience = patience
        self._read_timeout_s = read_timeout_s
        self._session = session
        # Of each backing: whoever waits for the credentials of one, as for a program's, keeps nobody from another.
        self._turns: defaultdict[Backing, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._connecting = asyncio.Lock()
        self._connections: dict[tuple[object, ...], S3Connection] = {}
        self._reached: dict[Backing, _Reached] = {}

    async def store_of(self, backing: Backing) -> AwsObjectStore:
        reached = self._reached.get(backing)
        if reached is None:
            async with self._turns[backing]:
                reached = self._reached.get(backing) or await self._reach(backing)
        current = await reached.credentials.current()
        if current != reached.used:
            reached.store.bound_s3.use(current)
            reached.used = current
        return reached.store

    def kind_of(self, error: FileError) -> type[FileError]:
        return Unavailable if is_own_trouble(error) else type(error)

    async def call(self, backing: Backing, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        store = await self.store_of(backing)
        is_over = False
        try:
            answer = await call_as_told(store.bound_s3, backing.bucket, operation, params)
            is_over = operation == "AbortMultipartUpload"
        except ServiceError as error:
            is_over = operation == "AbortMultipartUpload" and error.code == "NoSuchUpload"
            raise
        finally:
            if is_over:
                # A session of a user's may have begun it.
                place = ObjectPlace(bucket=backing.bucket, key=params["Key"])
                await store.forget_upload(BegunUpload(place=place, upload_id=params["UploadId"], role_arn=""))
        return answer

    async def send(self, backing: Backing, sent: SentBody) -> Mapping[str, str]:
        return await send_as_told((await self.store_of(backing)).bound_s3, backing.bucket, sent)

    async def abort_upload(self, backing: Backing, upload: BegunUpload) -> None:
        await (await self.store_of(backing)).abort_upload(upload)

    async def _reach(self, backing: Backing) -> _Reached:
        if not self._has_environment and not backing.credentials_file:
            raise Unavailable(
                f"worker processes do not have {backing.credentials_from}, whose credentials are for {backing.where}: "
                "attach the bucket with --credentials-file, or serve without workers"
            )
        credentials = BackingCredentials(backing)
        used = await credentials.current()
        store = AwsObjectStore(await self._connect(backing), used, ledger=self._ledger_of(backing))
        reached = _Reached(credentials=credentials, store=store, used=used)
        self._reached[backing] = reached
        return reached

    async def _connect(self, backing: Backing) -> S3Connection:
        verify = _verify(backing)
        where = (backing.endpoint_url, backing.region, backing.path_style, verify)
        async with self._connecting:
            if where not in self._connections:
                try:
                    self._connections[where] = await self._stack.enter_async_context(
                        open_s3(
                            region=backing.region,
                            clock=self._clock,
                            endpoint_url=backing.endpoint_url or None,
                            path_style=backing.path_style,
                            verify=verify,
                            patience=self._patience,
                            read_timeout_s=self._read_timeout_s,
                            session=self._session,
                            user_agent=USER_AGENT,
                        )
                    )
                # botocore raises ValueError for an endpoint of the profile's that is no URL.
                except (OSError, BotoCoreError, ValueError) as error:
                    raise Unavailable(f"no connection to {backing.where} can be made: {error}") from error
            return self._connections[where]


@asynccontextmanager
async def open_backings(
    *,
    clock: Clock,
    ledger_of: LedgerOf = no_ledger,
    has_environment: bool = True,
    patience: Patience | None = None,
    read_timeout_s: float = 60.0,
    session: AioSession | None = None,
) -> AsyncIterator[BackingConnections]:
    """Reaches nobody yet. See `BackingConnections`.

    Args:
        patience: see `open_s3`; so is `read_timeout_s`.
        session: reads S3's model once for all clients that are made with it.
    """
    async with AsyncExitStack() as stack:
        yield BackingConnections(
            stack,
            clock=clock,
            ledger_of=ledger_of,
            has_environment=has_environment,
            patience=patience or Patience(),
            read_timeout_s=read_timeout_s,
            session=session or AioSession(),
        )


def _verify(backing: Backing) -> bool | str:
    """Whose certificates are believed, as botocore wants it told. Raises Unavailable for a file that has none."""
    try:
        if backing.ca_file:
            return verified_by(Bundle(file=backing.ca_file, named_by="ca_file"))
        if backing.endpoint_url.startswith("http:"):
            return True
        # A profile of a credentials file is none of the configuration's.
        profile = "" if backing.credentials_file else backing.profile
        return verified_by(bundle_of(AioSession(profile=profile or None)))
    except (BadAuthorities, BotoCoreError) as error:
        raise Unavailable(f"no connection to {backing.where} can be made: {error}") from error
