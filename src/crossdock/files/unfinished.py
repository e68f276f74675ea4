"""Uploads that began anew and have not become the file: what lies there meanwhile is not what their user sends.

A client whose upload failed may ask how large the file is and go on from there (lftp does so by itself). Where an older
file lies, that would put the new file's end behind the old one's beginning, and be answered as a success.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from crossdock.core.errors import BeyondEnd
from crossdock.core.homes import ObjectPlace

MOST = 10_000
"""Of all users. Beyond, the eldest is forgotten."""


class Unfinished(Protocol):
    """Those of all users, in all processes of the service. `user` is any text that tells users apart."""

    def note(self, user: str, place: ObjectPlace) -> None: ...

    def forget(self, user: str, place: ObjectPlace) -> None: ...

    async def has(self, user: str, place: ObjectPlace) -> bool: ...


class UnfinishedUploads:
    """See `Unfinished`; where they are remembered."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._places: OrderedDict[tuple[str, ObjectPlace], None] = OrderedDict()

    def note(self, user: str, place: ObjectPlace) -> None:
        self._places[user, place] = None
        self._places.move_to_end((user, place))
        if len(self._places) > self._most:
            self._places.popitem(last=False)

    def forget(self, user: str, place: ObjectPlace) -> None:
        self._places.pop((user, place), None)

    def all(self) -> Sequence[tuple[str, ObjectPlace]]:
        """Each with its user, the eldest first."""
        return tuple(self._places)

    async def has(self, user: str, place: ObjectPlace) -> bool:
        return (user, place) in self._places


class UnfinishedOfUser:
    """A user's, in all their sessions."""

    def __init__(self, uploads: Unfinished, user: str) -> None:
        self._uploads = uploads
        self._user = user

    def note(self, place: ObjectPlace) -> None:
        """An upload began anew there, or came to nothing."""
        self._uploads.note(self._user, place)

    def forget(self, place: ObjectPlace) -> None:
        """What lies there is what the user put there, or nothing does."""
        self._uploads.forget(self._user, place)

    async def require_none(self, place: ObjectPlace) -> None:
        """Raises BeyondEnd: of the file that the user sends there is nothing that could be gone on with."""
        if await self._uploads.has(self._user, place):
            raise BeyondEnd(f"{place} cannot be continued: it is older than an upload of this user that did not end")
