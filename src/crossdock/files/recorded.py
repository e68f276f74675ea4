"""The one place where what a session does becomes log events, whichever protocol it speaks."""

from asyncio import CancelledError
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial

from crossdock.core.errors import FileError, NotADirectory, NotFound
from crossdock.core.homes import HomeDirectory, ObjectPlace, locate
from crossdock.files.download import Download, DownloadEnd
from crossdock.files.filesystem import Attributes, Entry, FileKind
from crossdock.files.object_filesystem import ObjectFileSystem
from crossdock.files.prefix import UploadStart
from crossdock.files.session_log import Activity, Direction, Mode, SessionLog
from crossdock.files.upload import Upload, UploadEnd


class RecordedFileSystem:
    """A `FileSystem` that tells the session's log what is done with another, and why something was refused.

    Looking at what is not there is no error: clients do so before every upload, and list files to learn what they are.
    A listing that works is not an event, as on AWS. What the store did although its client had gone is told too.
    """

    def __init__(self, files: ObjectFileSystem, *, home: HomeDirectory, log: SessionLog) -> None:
        self._files = files
        self._home = home
        self._log = log

    async def stat(self, path: str, *, expecting: FileKind = FileKind.FILE) -> Attributes:
        with self._telling("STAT", path, but_not=NotFound):
            return await self._files.stat(path, expecting=expecting)

    async def list(self, path: str) -> AsyncIterator[Entry]:
        with self._telling("LIST", path, but_not=NotADirectory):
            async for entry in self._files.list(path):
                yield entry

    async def open_read(self, path: str, offset: int = 0) -> Download:
        with self._telling("OPEN", path):
            download = await self._files.open_read(path, offset)
        self._log.opened(self._real(path), Mode.READ)
        download.when_ended(self._downloaded)
        return download

    async def open_write(
        self, path: str, *, expected_size: int | None = None, at: UploadStart = 0, is_new: bool = False
    ) -> Upload:
        with self._telling("OPEN", path):
            upload = await self._files.open_write(path, expected_size=expected_size, at=at, is_new=is_new)
        self._log.opened(self._real(path), Mode.WRITE if at == 0 else Mode.CONTINUE)
        upload.when_ended(self._uploaded)
        return upload

    async def remove(self, path: str) -> None:
        with self._telling(Activity.DELETE, path):
            await self._files.remove(path, done=partial(self._log.done, Activity.DELETE, self._real(path)))

    async def make_directory(self, path: str) -> None:
        with self._telling(Activity.MKDIR, path):
            await self._files.make_directory(path, done=partial(self._log.done, Activity.MKDIR, self._real(path)))

    async def remove_directory(self, path: str) -> None:
        with self._telling(Activity.RMDIR, path):
            await self._files.remove_directory(path, done=partial(self._log.done, Activity.RMDIR, self._real(path)))

    async def rename(self, old: str, new: str, *, directories: bool = False, replace: bool = False) -> None:
        with self._telling(Activity.RENAME, old):
            done = partial(self._log.renamed, self._real(old), self._real(new))
            await self._files.rename(old, new, directories=directories, replace=replace, done=done)

    def _downloaded(self, end: DownloadEnd) -> None:
        path = str(end.info.place)
        if end.failure is not None:
            self._log.failed("CLOSE", path, str(end.failure))
        if end.interruption or end.failure is not None:
            self._log.partially_closed(path, Direction.OUT, end.size, end.interruption)
        else:
            self._log.closed(path, Direction.OUT, end.size)

    def _uploaded(self, end: UploadEnd) -> None:
        path = str(end.place)
        if end.info is not None and not end.interruption:
            self._log.closed(path, Direction.IN, end.size)
            return
        for error in (end.failure, end.residue):
            if error is not None:
                self._log.failed("CLOSE", path, str(error))
        self._log.partially_closed(path, Direction.IN, end.size, _with_what_stays(end))

    @contextmanager
    def _telling(self, operation: str, path: str, *, but_not: type[FileError] | None = None) -> Iterator[None]:
        try:
            yield
        except (FileError, CancelledError) as ended:
            error = ended.__cause__ if isinstance(ended, CancelledError) else ended
            if isinstance(error, FileError) and (but_not is None or not isinstance(error, but_not)):
                self._log.failed(operation, self._real(path), str(error) or type(error).__name__)
            raise

    def _real(self, path: str) -> str:
        return path_in_store(self._home, path)


def _with_what_stays(end: UploadEnd) -> str:
    if end.info is not None:
        stays = f"what had arrived is the file, of {end.info.size} bytes"
    elif end.resumable_at:
        stays = f"it can be resumed at {end.resumable_at}"
    else:
        return end.interruption
    # What interrupted it may be a sentence, as clients are answered, or nothing at all.
    return "; ".join(filter(None, (end.interruption.rstrip("."), stays)))


def path_in_store(home: HomeDirectory, path: str) -> str:
    """As the log tells it; the client's own where it leads nowhere."""
    location = locate(home, path)
    return str(location) if isinstance(location, ObjectPlace) else path
