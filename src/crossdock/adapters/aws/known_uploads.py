"""Which multipart uploads this process has begun and not ended."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from crossdock.core.homes import ObjectPlace


class KnownUploads:
    """Those of all sessions of this process that have begun and not ended, and where others are about to."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._beginning: Counter[ObjectPlace] = Counter()

    def add(self, upload_id: str) -> None:
        self._ids.add(upload_id)

    def discard(self, upload_id: str) -> None:
        self._ids.discard(upload_id)

    def __contains__(self, upload_id: str) -> bool:
        return upload_id in self._ids

    @contextmanager
    def beginning(self, place: ObjectPlace) -> Iterator[None]:
        self._beginning[place] += 1
        try:
            yield
        finally:
            self._beginning[place] -= 1
            if not self._beginning[place]:
                del self._beginning[place]

    def is_alone(self, place: ObjectPlace) -> bool:
        """Whether only one is about to begin there: another's might be there, and not be known yet."""
        return self._beginning[place] == 1
