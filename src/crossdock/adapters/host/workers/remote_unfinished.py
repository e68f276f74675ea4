"""Uploads that have not become the file, which the parent remembers: a user's sessions may be in several workers."""

from typing import Any

from crossdock.adapters.host.workers.calls import FORGET_UNFINISHED, HAS_UNFINISHED, NOTE_UNFINISHED, UnfinishedAt
from crossdock.adapters.host.workers.line import Answer, CallingLine
from crossdock.core.homes import ObjectPlace
from crossdock.files.unfinished import Unfinished


class RemoteUnfinished:
    """See `files.unfinished.Unfinished`. Those of a worker that dies stay noted: they have not become the file."""

    def __init__(self, line: CallingLine) -> None:
        self._line = line

    def note(self, user: str, place: ObjectPlace) -> None:
        self._line.tell(NOTE_UNFINISHED, UnfinishedAt(user=user, place=place))

    def forget(self, user: str, place: ObjectPlace) -> None:
        self._line.tell(FORGET_UNFINISHED, UnfinishedAt(user=user, place=place))

    async def has(self, user: str, place: ObjectPlace) -> bool:
        return await self._line.call(HAS_UNFINISHED, UnfinishedAt(user=user, place=place))


class UnfinishedAnswers:
    """The parent's side."""

    def __init__(self, unfinished: Unfinished) -> None:
        self._unfinished = unfinished

    def all(self) -> list[Answer[Any, Any]]:
        return [
            Answer(NOTE_UNFINISHED, lambda told: self._unfinished.note(told.user, told.place)),
            Answer(FORGET_UNFINISHED, lambda told: self._unfinished.forget(told.user, told.place)),
            Answer(HAS_UNFINISHED, lambda asked: self._unfinished.has(asked.user, asked.place)),
        ]
