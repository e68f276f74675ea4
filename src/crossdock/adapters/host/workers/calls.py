"""Everything that a worker may ask of its parent, or tell it."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from crossdock.core.homes import ObjectPlace
from crossdock.core.logins import LoginAttempt
from crossdock.core.servers import Server
from crossdock.ports.authority import IdentityAnswer, IssuedRole, RoleHolder, RoleRequest
from crossdock.ports.host_keys import HostKey
from crossdock.ports.logs import LogGroupId
from crossdock.ports.resumable_uploads import ResumableUpload, UploadOwner
from crossdock.ports.storage import ObjectEntry, PartRecord, Segment, UploadRecord
from crossdock.ports.upload_ledger import BegunUpload

P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Call(Generic[P, R]):
    """`result` is R as `typing` says it; None for what is told and not answered."""

    name: str
    params: type[P]
    result: Any = None


# Logins.


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    server: Server
    attempt: LoginAttempt


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKeysOf:
    server_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakePlace:
    """`number` is the worker's own for the place; the answer says why it cannot be had, empty when it can."""

    number: int
    server_id: str
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavePlace:
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    group: LogGroupId
    stream: str
    timestamp_ms: int
    message: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteLog:
    lines: tuple[LogLine, ...]


IDENTIFY: Call[Identify, IdentityAnswer] = Call("identify", Identify, IdentityAnswer)
HOLD_ROLE: Call[RoleRequest, RoleHolder] = Call("hold_role", RoleRequest, RoleHolder)
ISSUE_ROLE: Call[RoleRequest, IssuedRole] = Call("issue_role", RoleRequest, IssuedRole)
HOST_KEYS: Call[HostKeysOf, tuple[HostKey, ...]] = Call("host_keys", HostKeysOf, tuple[HostKey, ...])
TAKE_PLACE: Call[TakePlace, str] = Call("take_place", TakePlace, str)
LEAVE_PLACE: Call[LeavePlace, None] = Call("leave_place", LeavePlace)
WRITE_LOG: Call[WriteLog, None] = Call("write_log", WriteLog)


# Objects. Each is a method of `ports.storage.ObjectIndex` or `UploadIndex` that writes.

Gone = tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PutObject:
    bucket_id: str
    key: str
    entry: ObjectEntry
    if_match: str | None
    if_none_match: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkObject:
    bucket_id: str
    key: str
    entry: ObjectEntry
    source_bucket_id: str
    source_key: str
    unchanged: ObjectEntry | None
    if_match: str | None
    if_none_match: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteObject:
    bucket_id: str
    key: str
    if_match: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireBucket:
    bucket_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartUpload:
    upload: UploadRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class PutPart:
    upload_id: str
    part: PartRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteUpload:
    upload_id: str
    entry: ObjectEntry
    if_match: str | None
    if_none_match: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortUpload:
    upload_id: str


PUT_OBJECT: Call[PutObject, Gone] = Call("put_object", PutObject, Gone)
LINK_OBJECT: Call[LinkObject, Gone] = Call("link_object", LinkObject, Gone)
DELETE_OBJECT: Call[DeleteObject, Gone] = Call("delete_object", DeleteObject, Gone)
RETIRE_BUCKET: Call[RetireBucket, Gone | None] = Call("retire_bucket", RetireBucket, Gone | None)
START_UPLOAD: Call[StartUpload, bool] = Call("start_upload", StartUpload, bool)
PUT_PART: Call[PutPart, Gone] = Call("put_part", PutPart, Gone)
COMPLETE_UPLOAD: Call[CompleteUpload, Gone] = Call("complete_upload", CompleteUpload, Gone)
ABORT_UPLOAD: Call[AbortUpload, Gone] = Call("abort_upload", AbortUpload, Gone)


# Blobs.


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteBlobs:
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PinBlobs:
    """Blobs that stay until they are unpinned; `number` is the worker's own for the pin. NotFound: one was deleted."""

    number: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpinBlobs:
    number: int


DELETE_BLOBS: Call[DeleteBlobs, None] = Call("delete_blobs", DeleteBlobs)
PIN_BLOBS: Call[PinBlobs, bool] = Call("pin_blobs", PinBlobs, bool)
UNPIN_BLOBS: Call[UnpinBlobs, None] = Call("unpin_blobs", UnpinBlobs)


# Uploads to go on with. Each is a method of `ports.resumable_uploads.ResumableUploads`.


@dataclass(frozen=True, slots=True, kw_only=True)
class FindUpload:
    owner: UploadOwner
    place: ObjectPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class SupersedeUploads:
    owner: UploadOwner
    place: ObjectPlace
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfUpload:
    upload: ResumableUpload


FIND_UPLOAD: Call[FindUpload, ResumableUpload | None] = Call("find_upload", FindUpload, ResumableUpload | None)
NOTE_UPLOAD: Call[OfUpload, bool] = Call("note_upload", OfUpload, bool)
TAKE_UPLOAD: Call[OfUpload, bool] = Call("take_upload", OfUpload, bool)
LEAVE_UPLOAD: Call[OfUpload, bool] = Call("leave_upload", OfUpload, bool)
SUPERSEDE_UPLOADS: Call[SupersedeUploads, bool] = Call("supersede_uploads", SupersedeUploads, bool)
GIVE_UP_UPLOAD: Call[OfUpload, bool] = Call("give_up_upload", OfUpload, bool)
FORGET_UPLOAD: Call[OfUpload, bool] = Call("forget_upload", OfUpload, bool)


# Uploads that have not become the file. Each is a method of `files.unfinished.Unfinished`.


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedAt:
    user: str
    place: ObjectPlace


NOTE_UNFINISHED: Call[UnfinishedAt, None] = Call("note_unfinished", UnfinishedAt)
FORGET_UNFINISHED: Call[UnfinishedAt, None] = Call("forget_unfinished", UnfinishedAt)
HAS_UNFINISHED: Call[UnfinishedAt, bool] = Call("has_unfinished", UnfinishedAt, bool)


# Uploads begun at an S3 of somebody else's. Each is a method of `ports.upload_ledger.UploadLedger`.


@dataclass(frozen=True, slots=True, kw_only=True)
class OfBegun:
    """`where` names the S3."""

    where: str
    upload: BegunUpload


NOTE_BEGUN: Call[OfBegun, bool] = Call("note_begun", OfBegun, bool)
FORGET_BEGUN: Call[OfBegun, bool] = Call("forget_begun", OfBegun, bool)


# The worker itself.


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The worker takes guests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestLeft:
    guest: int


READY: Call[Ready, None] = Call("ready", Ready)
GUEST_LEFT: Call[GuestLeft, None] = Call("guest_left", GuestLeft)
