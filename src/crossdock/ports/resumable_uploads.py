"""Uploads that were interrupted, or are under way, and may be gone on with: who knows of them, beyond one session."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from crossdock.core.homes import ObjectPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOwner:
    """Who alone may go on with an upload: a user of a server, while they have the same role."""

    server_id: str
    username: str
    role_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumableUpload:
    """A multipart upload. `parts` is how many of its parts can be gone on from, None where nobody could tell any more:
    the service was killed. `if_match` and `is_new` are its conditions, `touched_at` is when it was begun or last left.
    """

    owner: UploadOwner
    place: ObjectPlace
    upload_id: str
    began_at: datetime
    touched_at: datetime
    if_match: str | None = None
    is_new: bool = False
    parts: int | None = None


class ResumableUploads(Protocol):
    """All but `find` and `supersede` are about one upload, which is told by its place and id. Raises OutOfSpace or
    Unavailable."""

    async def note(self, upload: ResumableUpload) -> bool:
        """It has begun, and is under way; False where its owner has as many as may be: then it is not known here."""

    async def find(self, owner: UploadOwner, place: ObjectPlace) -> ResumableUpload | None:
        """The newest that was interrupted there, and that nobody goes on with or has given up."""

    async def take(self, upload: ResumableUpload) -> bool:
        """Go on with it: from now on it is under way. False when somebody else does, or did."""

    async def leave(self, upload: ResumableUpload) -> None:
        """It was interrupted, and can be found from now on, if it was not given up meanwhile."""

    async def supersede(self, owner: UploadOwner, place: ObjectPlace, *, by: str = "") -> bool:
        """Give up all that the owner has there, also what is under way: something newer comes in its place.

        What is under way can still end well, and only cannot be gone on with. Returns whether anything could be found.

        Args:
            place: a key that ends with a slash stands for all keys below it.
            by: the id of the upload that is the newer one.
        """

    async def give_up(self, upload: ResumableUpload) -> None:
        """Nobody shall go on with it; whoever sweeps ends it in the store."""

    async def forget(self, upload: ResumableUpload) -> None:
        """It has ended in the store. Never fails: one that is remembered too long is found to be gone."""
