"""A session's files over an object store, with S3's semantics: directories are prefixes, or zero-byte `key/` markers.

A directory without a marker is gone with its last file, as on AWS. An object `a` and keys below `a/` may stand side by
side; a path then means the file, and listing it the directory. Which calls each verb makes is told in `verbs.py`.

Source: AWS Transfer Family User Guide, "Configure storage to use with AWS Transfer Family servers" and "Using logical
directories"; what AWS leaves open is decided in favour of keeping data.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

from crossdock.core.errors import Denied, Exists, NotADirectory, NotFound
from crossdock.core.homes import HomeDirectory, Nowhere, ObjectPlace
from crossdock.core.servers import InterruptedUploads
from crossdock.files.blocks import BlockPool
from crossdock.files.copying import copy_object
from crossdock.files.download import Download
from crossdock.files.filesystem import Attributes, Entry, FileKind
from crossdock.files.keys import file_attributes, page_entries
from crossdock.files.lookups import (
    DIRECTORY,
    enter,
    inspect,
    list_file,
    missing_directory,
    pages,
    refuse_directory,
    require_empty,
    require_free,
    require_new,
    require_no_directory,
)
from crossdock.files.moving import move_directory
from crossdock.files.parts_sink import PartsSink
from crossdock.files.places import Places
from crossdock.files.prefix import UploadStart, find_prefix
from crossdock.files.resuming import Resuming
from crossdock.files.sinks import open_sink
from crossdock.files.unbroken import unbroken
from crossdock.files.unfinished import UnfinishedOfUser, UnfinishedUploads
from crossdock.files.upload import Upload, UploadEnd
from crossdock.ports.objects import Copied, ObjectReader, ObjectStore

Done = Callable[[], None]


def _ignored() -> None:
    """What is called where nobody asks when a change is made."""


def upload_metadata(username: str, server_id: str) -> Mapping[str, str]:
    """What Transfer writes on every object. Source: User Guide, "Configure storage", object metadata."""
    return {"user-agent": "AWSTransfer", "user-agent-id": f"{username}@{server_id}"}


class ObjectFileSystem:
    """See `FileSystem`. `metadata` goes on every object that is written, `kept` is what stays of interrupted uploads.
    `unfinished` are its user's, in other sessions too.

    With `resuming` their user can go on with them, and sees their size as the file's; nobody else does, and a listing
    shows nothing of them.

    A change that a cancellation finds under way in the store comes to its end: `done` is called when it is made, and
    else the cancellation's `__cause__` tells why it is not.
    """

    def __init__(
        self,
        *,
        home: HomeDirectory,
        store: ObjectStore,
        metadata: Mapping[str, str],
        blocks: BlockPool,
        kept: InterruptedUploads = InterruptedUploads.DISCARD,
        resuming: Resuming | None = None,
        unfinished: UnfinishedOfUser | None = None,
    ) -> None:
        self._places = Places(home)
        self._store = store
        self._metadata = metadata
        self._blocks = blocks
        self._kept = kept
        self._resuming = resuming
        self._unfinished = unfinished or UnfinishedOfUser(UnfinishedUploads(), "")

    async def stat(self, path: str, *, expecting: FileKind = FileKind.FILE) -> Attributes:
        location = self._places.locate(path)
        if self._places.is_given(path):
            return Attributes(kind=FileKind.DIRECTORY, is_fixed=True)
        if not isinstance(location, ObjectPlace):
            raise NotFound(f"nothing is mapped at {path}")
        if location.key and expecting is FileKind.FILE and self._resuming is not None:
            interrupted = await self._resuming.look(location)
            if interrupted is not None:
                touched_at = interrupted.known.touched_at
                return Attributes(kind=FileKind.FILE, size=interrupted.size, modified_at=touched_at)
        if self._places.is_mapped_file(path):
            return file_attributes(await self._store.head(location))
        found = await (enter if expecting is FileKind.DIRECTORY else inspect)(self._store, location)
        return found if location.key else replace(found, is_fixed=True)

    async def list(self, path: str) -> AsyncIterator[Entry]:
        location = self._places.locate(path)
        if self._places.is_mapped_file(path):
            raise NotADirectory(f"{path} is a file of the home directory's layout")
        given = frozenset(self._places.names_below(path))
        for name in sorted(given):
            if (attributes := await self._given_attributes(f"{path.rstrip('/')}/{name}")) is not None:
                yield Entry(name=name, attributes=attributes)
        if isinstance(location, ObjectPlace):
            is_there = self._places.is_given(path) or not location.key
            async for page in pages(self._store, location):
                is_there = is_there or bool(page.objects or page.prefixes)
                for entry in page_entries(location.directory_prefix, page):
                    if entry.name not in given:
                        yield entry
            if not is_there:
                raise await missing_directory(self._store, location)
        elif isinstance(location, Nowhere) or not given:
            # AWS answers so when HomeDirectory is only "/".
            raise NotFound(f"nothing is mapped at {path}")

    async def open_read(self, path: str, offset: int = 0) -> Download:
        place = self._places.of_file(path)

        async def read(offset: int) -> ObjectReader:
            return await self._store.read(place, offset=offset)

        return Download(await read(offset), offset=offset, reopen=read)

    async def open_write(
        self, path: str, *, expected_size: int | None = None, at: UploadStart = 0, is_new: bool = False
    ) -> Upload:
        place = self._places.of_file(path)
        resuming = self._resuming
        if resuming is not None and at != 0 and (interrupted := await resuming.take(place, at)) is not None:
            parts = PartsSink(
                self._store, place, self._metadata, blocks=self._blocks, resuming=resuming, interrupted=interrupted
            )
            upload = Upload(parts, place=place, kept=self._kept)
            upload.when_ended(self._ended)
            return upload
        if at != 0:
            await self._unfinished.require_none(place)
        prefix = await find_prefix(self._store, place, at)
        # What ends where no file was must not replace one that came meanwhile, of which it has nothing.
        is_new = is_new or (at == "END" and prefix is None)
        sink = await open_sink(
            self._store,
            place,
            self._metadata,
            blocks=self._blocks,
            prefix=prefix,
            is_new=is_new,
            resuming=resuming,
        )
        upload = Upload(sink, place=place, expected_size=expected_size, kept=self._kept)
        if at == 0:
            self._unfinished.note(place)
            upload.when_ended(self._ended)
        return upload

    async def remove(self, path: str, *, done: Done = _ignored) -> None:
        place = self._places.of_file(path)

        def removed() -> None:
            self._unfinished.forget(place)
            done()

        had_interrupted = await _drop(self._resuming, place)
        try:
            # S3 deletes what is not there with success; a client wants to hear that it was not.
            await self._store.head(place)
        except NotFound:
            if not had_interrupted:
                raise
            removed()
        else:
            await unbroken(_then(self._store.delete(place), removed))

    async def make_directory(self, path: str, *, done: Done = _ignored) -> None:
        place = self._places.of_directory_to_make(path)
        await require_new(self._store, place)
        marker = ObjectPlace(bucket=place.bucket, key=place.directory_prefix)
        await unbroken(_then(self._store.put(marker, (), self._metadata), done))

    async def remove_directory(self, path: str, *, done: Done = _ignored) -> None:
        place = self._places.of_directory_to_remove(path)
        await require_empty(self._store, place)
        # Only the marker goes: a file that appears below meanwhile is not lost.
        marker = ObjectPlace(bucket=place.bucket, key=place.directory_prefix)
        await unbroken(_then(self._store.delete(marker), done))

    async def rename(
        self, old: str, new: str, *, directories: bool = False, replace: bool = False, done: Done = _ignored
    ) -> None:
        """What somebody puts under the old name meanwhile stays there: what was renamed has the new name all the same.

        What somebody puts under the new name meanwhile is not replaced without `replace`: the rename raises Exists.
        """
        source, target = self._places.of_file(old), self._places.of_file(new)
        if not replace:
            await require_free(self._store, target)
        elif source == target:
            if (await inspect(self._store, source)).is_directory and not directories:
                await refuse_directory(self._store, source)
            done()
            return
        else:
            await require_no_directory(self._store, target)
        try:
            await self._move(source, target, replace=replace, done=done)
        except NotFound:
            if not directories:
                await refuse_directory(self._store, source)
                raise
        else:
            return
        if replace:
            await require_free(self._store, target)  # no directory replaces a file
        below = ObjectPlace(bucket=target.bucket, key=target.directory_prefix)
        dropped = partial(_drop, self._resuming, below)
        await move_directory(self._store, source, target, blocks=self._blocks, when_copied=dropped, done=done)

    def _ended(self, end: UploadEnd) -> None:
        """Of an upload that began anew, in this session or in an earlier one."""
        if end.info is None and not isinstance(end.failure, Exists):
            self._unfinished.note(end.place)
        else:
            self._unfinished.forget(end.place)

    async def _move(self, source: ObjectPlace, target: ObjectPlace, *, replace: bool, done: Done) -> None:
        async def finish(copied: Copied) -> None:
            self._unfinished.forget(target)
            await _drop(self._resuming, target)
            await self._store.delete(source, if_match=copied.source.etag)
            done()

        # A connection that ends in between does not leave both names.
        await copy_object(self._store, source, target, blocks=self._blocks, if_none_match=not replace, then=finish)

    async def _given_attributes(self, path: str) -> Attributes | None:
        """Of a name that the home makes; None for a file that is not there.

        A mapped file that the user may not look at is shown, for it may be there.
        """
        location = self._places.locate(path)
        if self._places.is_given(path) or not isinstance(location, ObjectPlace) or not location.key:
            return DIRECTORY
        try:
            return await list_file(self._store, location)
        except Denied:
            return Attributes(kind=FileKind.FILE)
        except NotFound:  # not even its bucket is there
            return None


async def _then(change: Awaitable[object], done: Done) -> None:
    await change
    done()


async def _drop(resuming: Resuming | None, place: ObjectPlace) -> bool:
    """What was interrupted there must not come in place of what is there now. Returns whether there was any."""
    return resuming is not None and await resuming.drop(place)
