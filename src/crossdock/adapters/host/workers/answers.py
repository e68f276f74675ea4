"""What the parent does for one worker, and what it gives back when that worker is no more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock.adapters.host.disk_blobs import DiskBlobs
from crossdock.adapters.host.workers import calls
from crossdock.adapters.host.workers.calls import Gone
from crossdock.adapters.host.workers.frames import BadMessage
from crossdock.adapters.host.workers.line import Answer
from crossdock.core.logins import Refusal
from crossdock.files.resumable_uploads import StateResumableUploads
from crossdock.files.session_limits import SessionLimits, SessionPlace
from crossdock.files.unfinished import Unfinished
from crossdock.ports.authority import IdentityAnswer, IdentityProvider, RoleRequest
from crossdock.ports.host_keys import HostKey, HostKeys
from crossdock.ports.logs import LogLines
from crossdock.ports.storage import ObjectIndex, Segment, UploadIndex
from crossdock.ports.upload_ledger import WorkerLedgers


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """What workers ask of the process that started them."""

    provider: IdentityProvider
    roles: Answer[RoleRequest, Any]
    """HOLD_ROLE or ISSUE_ROLE, as the authority has it."""
    host_keys: HostKeys
    places: SessionLimits
    log: LogLines
    objects: ObjectIndex
    uploads: UploadIndex
    blobs: DiskBlobs
    resumable: StateResumableUploads
    unfinished: Unfinished
    new_ledgers: Callable[[], WorkerLedgers]
    """For one more worker."""


class LoginAnswers:
    def __init__(self, parent: Parent) -> None:
        self._parent = parent
        self._places: dict[int, SessionPlace] = {}

    def all(self) -> list[Answer[Any, Any]]:
        return [
            Answer(calls.IDENTIFY, self._identify),
            self._parent.roles,
            Answer(calls.HOST_KEYS, self._host_keys),
            Answer(calls.TAKE_PLACE, self._take_place),
            Answer(calls.LEAVE_PLACE, self._leave_place),
            Answer(calls.WRITE_LOG, self._write_log),
        ]

    def give_back(self) -> None:
        """The worker is no more."""
        for place in self._places.values():
            place.release()
        self._places.clear()

    async def _identify(self, asked: calls.Identify) -> IdentityAnswer:
        return await self._parent.provider.identify(asked.server, asked.attempt)

    async def _host_keys(self, asked: calls.HostKeysOf) -> tuple[HostKey, ...]:
        return tuple(await self._parent.host_keys.active(asked.server_id))

    def _take_place(self, asked: calls.TakePlace) -> str:
        if asked.number in self._places:
            raise BadMessage("the place is taken")
        place = self._parent.places.acquire(asked.server_id, asked.username)
        if isinstance(place, Refusal):
            return place.reason
        self._places[asked.number] = place
        return ""

    def _leave_place(self, told: calls.LeavePlace) -> None:
        place = self._places.pop(told.number, None)
        if place is not None:
            place.release()

    def _write_log(self, told: calls.WriteLog) -> None:
        for line in told.lines:
            self._parent.log.write(line.group, line.stream, [(line.timestamp_ms, line.message)])


class StorageAnswers:
    def __init__(self, parent: Parent) -> None:
        self._objects = parent.objects
        self._uploads = parent.uploads
        self._blobs = parent.blobs
        self._pins: dict[int, Sequence[Segment]] = {}

    def all(self) -> list[Answer[Any, Any]]:
        return [
            Answer(calls.PUT_OBJECT, self._put),
            Answer(calls.LINK_OBJECT, self._link),
            Answer(calls.DELETE_OBJECT, self._delete),
            Answer(calls.RETIRE_BUCKET, self._retire),
            Answer(calls.START_UPLOAD, self._start),
            Answer(calls.PUT_PART, self._put_part),
            Answer(calls.COMPLETE_UPLOAD, self._complete),
            Answer(calls.ABORT_UPLOAD, self._abort),
            Answer(calls.DELETE_BLOBS, lambda told: self._blobs.delete(told.segments)),
            Answer(calls.PIN_BLOBS, self._pin),
            Answer(calls.UNPIN_BLOBS, lambda told: self._unpin(told.number)),
        ]

    def give_back(self) -> None:
        """The worker is no more."""
        for number in list(self._pins):
            self._unpin(number)

    async def _put(self, asked: calls.PutObject) -> Gone:
        return await self._objects.put(
            asked.bucket_id,
            asked.key,
            asked.entry,
            if_match=asked.if_match,
            if_none_match=asked.if_none_match,
        )

    async def _link(self, asked: calls.LinkObject) -> Gone:
        return await self._objects.link(
            asked.bucket_id,
            asked.key,
            asked.entry,
            source_bucket_id=asked.source_bucket_id,
            source_key=asked.source_key,
            unchanged=asked.unchanged,
            if_match=asked.if_match,
            if_none_match=asked.if_none_match,
        )

    async def _delete(self, asked: calls.DeleteObject) -> Gone:
        return await self._objects.delete(asked.bucket_id, asked.key, if_match=asked.if_match)

    async def _retire(self, asked: calls.RetireBucket) -> Gone | None:
        return await self._objects.retire(asked.bucket_id)

    async def _start(self, asked: calls.StartUpload) -> bool:
        await self._uploads.start(asked.upload)
        return True

    async def _put_part(self, asked: calls.PutPart) -> Gone:
        return await self._uploads.put_part(asked.upload_id, asked.part)

    async def _complete(self, asked: calls.CompleteUpload) -> Gone:
        return await self._uploads.complete(
            asked.upload_id, asked.entry, if_match=asked.if_match, if_none_match=asked.if_none_match
        )

    async def _abort(self, asked: calls.AbortUpload) -> Gone:
        return await self._uploads.abort(asked.upload_id)

    def _pin(self, asked: calls.PinBlobs) -> bool:
        if asked.number in self._pins:
            raise BadMessage("the pin is there")
        self._blobs.pin(asked.segments)
        self._pins[asked.number] = asked.segments
        return True

    def _unpin(self, number: int) -> None:
        self._blobs.unpin(self._pins.pop(number, ()))
