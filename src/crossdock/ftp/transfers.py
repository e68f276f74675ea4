"""A transfer from its command to its end: the file or directory on one side, the data connection on the other."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from crossdock.core.errors import BeyondEnd, FileError, Unavailable
from crossdock.files.download import Download
from crossdock.files.filesystem import Entry, FileSystem
from crossdock.files.prefix import UploadStart
from crossdock.files.upload import Upload
from crossdock.ftp.data_plain import PlainConnection
from crossdock.ftp.data_socket import TransferBroken
from crossdock.ftp.data_tls import UNRESUMED, TlsConnection
from crossdock.ftp.listing_transfer import OpenListing, line_writer, open_listing, send_lines
from crossdock.ftp.parting import DataConnection
from crossdock.ftp.passive import Expectation
from crossdock.ftp.replies import DataFailure
from crossdock.ftp.tls import ConnectionTls
from crossdock.ftp.words import (
    StartTransfer,
    TransferCompleted,
    TransferEnd,
    TransferFailed,
    TransferKind,
    TransferLeft,
    TransferOpened,
)
from crossdock.operations.threads import Threads

_log = logging.getLogger(__name__)

_ABORTED = "aborted by the client"
MOMENT = 0.02
"""Of the time that an upload took: how much longer a client's other connection may take to end with it."""
LEAST_MOMENT_S, MOST_MOMENT_S = 0.001, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferMeans:
    """What a transfer works with.

    `tls` is the control connection's, None on a plain one. `must_close_tls`: an upload under TLS that ends without a
    close_notify was interrupted. `tell_opened` is called once the file or directory is open. `is_control_alive` says
    whether the control connection is still open in both directions; `write_control` sends on it. `part_from` takes the
    data connection of an upload that was refused, on which its client may still be sending.
    """

    filesystem: FileSystem
    pool: Threads
    tls: ConnectionTls | None
    must_close_tls: bool
    stall_s: float
    connect_s: float
    now: Callable[[], datetime]
    unique_name: Callable[[], str]
    tell_opened: Callable[[TransferOpened], None]
    is_control_alive: Callable[[], bool]
    write_control: Callable[[bytes], Awaitable[None]]
    part_from: Callable[[DataConnection], None]


class Transfer:
    """One transfer; `expectation` is where its data connection arrives (none is needed for STATUS)."""

    def __init__(self, order: StartTransfer, expectation: Expectation | None, means: TransferMeans) -> None:
        self._order = order
        self._expectation = expectation
        self._means = means
        self._filesystem = means.filesystem
        self._scope: asyncio.Timeout | None = None
        self._refused: DataConnection | None = None
        self._is_aborted = False
        self._is_committing = False
        self._is_left = False

    def abort(self) -> None:
        """End it as interrupted, unless it is already being committed: then it is too late."""
        if self._is_committing or self._is_aborted:
            return
        self._is_aborted = True
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> TransferEnd:
        try:
            # A time-out without a time: `abort` sets it to now, which cancels whatever is being awaited.
            async with asyncio.timeout(None) as self._scope:
                self._refuse_if_aborted()
                await _MOVES[self._order.kind](self)
        except TimeoutError:
            if not self._is_aborted:
                raise
            return TransferFailed(DataFailure.ABORTED)
        except TransferBroken as broken:
            return TransferLeft() if self._is_left else TransferFailed(broken.failure)
        except FileError as error:
            if self._refused is not None:
                self._means.part_from(self._refused)
                self._refused = None
            return TransferFailed(error)
        finally:
            self._scope = None
            if self._refused is not None:
                self._refused.reset()
            if self._expectation is not None:
                self._expectation.withdraw()
        return TransferCompleted()

    async def retrieve(self) -> None:
        download = await self._filesystem.open_read(self._order.path, self._order.offset)
        async with _ended_by(download.close, download.close):
            if self._order.offset > download.info.size:
                raise BeyondEnd(f"{self._order.path} ends before {self._order.offset}")
            self._means.tell_opened(TransferOpened())
            async with self._connected() as connection:
                await _send(download, connection)

    async def store(self) -> None:
        await self._store(self._order.path, "")

    async def store_unique(self) -> None:
        name = self._means.unique_name()
        await self._store(f"{self._order.path.rstrip('/')}/{name}", name)

    async def send_listing(self) -> None:
        listing = await self._open_listing()
        async with self._connected() as connection:
            await send_lines(listing, self._line_writer(listing), connection.send)

    async def send_status(self) -> None:
        listing = await self._open_listing()
        await send_lines(listing, self._line_writer(listing), self._means.write_control)

    async def _store(self, path: str, name: str) -> None:
        order = self._order
        at: UploadStart = "END" if order.is_append else order.offset
        upload = await self._filesystem.open_write(path, expected_size=order.size, at=at)
        async with _ended_by(upload.interrupted, upload.discard):
            self._means.tell_opened(TransferOpened(name))
            began = asyncio.get_running_loop().time()
            async with self._connected() as connection:
                await _receive(upload, connection)
            is_nothing_new = at != 0 and not upload.size
            await self._await_other_end(began - MOST_MOMENT_S / MOMENT if is_nothing_new else began)
            self._refuse_if_aborted()
            if not self._means.is_control_alive():
                self._is_left = True
                raise TransferBroken(DataFailure.CUT)
            self._is_committing = True
            await upload.commit()

    async def _await_other_end(self, began: float) -> None:
        """A client that is killed closes its connections one after the other, and the data connection may be first.

        So the end of an upload is taken for its client's word only when a moment has passed, a short one beside the
        upload, in which the control connection did not end too.
        """
        moment = (asyncio.get_running_loop().time() - began) * MOMENT
        if moment > LEAST_MOMENT_S and self._means.is_control_alive():
            await asyncio.sleep(min(moment, MOST_MOMENT_S))

    async def _open_listing(self) -> OpenListing:
        listing = await open_listing(self._filesystem, self._order)
        self._means.tell_opened(TransferOpened(is_directory=listing.is_directory))
        return listing

    def _line_writer(self, listing: OpenListing) -> Callable[[Entry], bytes]:
        return line_writer(self._order, self._means.now(), listing.prefix)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[DataConnection]:
        """The data connection, closed at the end: in good order, or by a reset when the transfer failed.

        Many clients hide the reply behind a reset. So one that did not resume its session is parted from in order,
        before a byte, and one whose upload the store refuses when the reply is on its way. A download is reset: an end
        in order would be the file's.
        """
        try:
            if self._expectation is None:
                raise TimeoutError
            connected = await self._expectation.connection(self._means.connect_s)
        except TimeoutError:
            raise TransferBroken(DataFailure.NO_CONNECTION) from None
        try:
            connection = self._dressed(connected)
        except BaseException:
            connected.close()
            raise
        try:
            if isinstance(connection, TlsConnection):
                await connection.shake_hands()
            yield connection
            await connection.finish()
        except BaseException as error:
            if isinstance(connection, TlsConnection) and _is_unresumed(error):
                await connection.part(UNRESUMED)
            elif isinstance(error, FileError) and self._order.kind in _UPLOADS:
                self._refused = connection
            else:
                connection.reset()
            raise

    def _dressed(self, connected: socket.socket) -> DataConnection:
        means = self._means
        if not self._order.is_private:
            return PlainConnection(connected, pool=means.pool, stall_s=means.stall_s)
        if means.tls is None:
            raise RuntimeError("a private transfer was ordered on a plain control connection")
        try:
            stream = means.tls.data_stream(only_sends=self._order.kind not in _UPLOADS)
        except OSError as error:  # no descriptor is free, say: the certificate is read for a new context
            _log.error("a data connection cannot be given its TLS", extra={"reason": str(error)})
            raise TransferBroken(DataFailure.TLS_FAILED) from error
        return TlsConnection(
            connected,
            stream,
            must_resume=means.tls.is_resumption_enforced,
            must_close=means.must_close_tls,
            pool=means.pool,
            stall_s=means.stall_s,
        )

    def _refuse_if_aborted(self) -> None:
        if self._is_aborted:
            raise TransferBroken(DataFailure.ABORTED)


_UPLOADS = (TransferKind.STORE, TransferKind.STORE_UNIQUE)
_MOVES: Mapping[TransferKind, Callable[[Transfer], Awaitable[None]]] = {
    TransferKind.RETRIEVE: Transfer.retrieve,
    TransferKind.STORE: Transfer.store,
    TransferKind.STORE_UNIQUE: Transfer.store_unique,
    TransferKind.LIST: Transfer.send_listing,
    TransferKind.NAMES: Transfer.send_listing,
    TransferKind.FACTS: Transfer.send_listing,
    TransferKind.STATUS: Transfer.send_status,
}


def _is_unresumed(error: BaseException) -> bool:
    return isinstance(error, TransferBroken) and error.failure is DataFailure.TLS_NOT_RESUMED


class _End(Protocol):
    async def __call__(self, *, interruption: str) -> None: ...


@asynccontextmanager
async def _ended_by(interrupted: _End, end: _End) -> AsyncIterator[None]:
    """Call one of the two: `interrupted` with what interrupted the transfer, `end` with a failure, or with nothing."""
    try:
        yield
    except FileError as error:
        await end(interruption=str(error))
        raise
    except TransferBroken as broken:
        await interrupted(interruption=str(broken))
        raise
    except asyncio.CancelledError:
        await interrupted(interruption=_ABORTED)
        raise
    except BaseException:
        await end(interruption="internal error")
        raise
    await end(interruption="")


async def _receive(upload: Upload, connection: DataConnection) -> None:
    """Take everything that the client sends, by the kernel's path where the store has one."""
    while True:
        target = await upload.target()
        if target is None:
            count = await connection.receive_into(await upload.reserve(), upload.advance)
        else:
            count = await connection.receive_to_file(target, upload.advance)
        if count == 0:
            return


async def _send(download: Download, connection: DataConnection) -> None:
    while (region := await download.region()) is not None:
        await connection.send_file(region.fd, region.offset, region.size, download.advance)
    async for chunk in download.chunks():
        await connection.send(chunk, download.advance)
    if download.remaining > 0:
        raise Unavailable(f"{download.info.place} ended {download.remaining} bytes early")
