"""Multipart uploads at an S3 of somebody else's, noted from their begin to their end, so that none is left behind."""

from dataclasses import dataclass
from typing import Protocol

from crossdock.core.homes import ObjectPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunUpload:
    """`role_arn` is the role under which it was begun, and may be aborted, `session_name` its session's
    RoleSessionName; both are empty where nobody told.

    `is_over`: nobody goes on with it any more, but it could not be aborted.
    """

    place: ObjectPlace
    upload_id: str
    role_arn: str
    session_name: str = ""
    is_over: bool = False


class UploadLedger(Protocol):
    """Who is told of multipart uploads before their first part is sent, and after their end, also when parts stayed."""

    async def note(self, upload: BegunUpload) -> None:
        """Raises OutOfSpace or Unavailable; then the upload must not go on."""

    async def forget(self, upload: BegunUpload) -> None:
        """Never fails: an upload that is remembered too long is found to be gone."""


class WorkerLedgers(Protocol):
    """The ledgers of what one worker begins."""

    def of(self, where: str) -> UploadLedger:
        """By the name of the S3."""

    def give_back(self) -> None:
        """The worker is no more: nobody goes on with what it has noted and not forgotten, but for whoever resumes it.

        That needs no word to the state, and so neither fails nor takes long.
        """
