"""Copies of objects: inside the store where it can, else read and written through here.

What is read is always one version, and what is written is seen only when it is whole, as with every upload. Of the
source's headers its metadata alone comes along.
"""

from collections.abc import Awaitable, Callable

from crossdock.core.errors import CannotCopy, NotFound, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import BlockPool
from crossdock.files.download import Download
from crossdock.files.sinks import open_sink
from crossdock.files.unbroken import unbroken
from crossdock.files.upload import Upload
from crossdock.ports.objects import Copied, ObjectInfo, ObjectReader, ObjectStore

Then = Callable[[Copied], Awaitable[None]]


async def copy_object(
    store: ObjectStore, source: ObjectPlace, target: ObjectPlace, *, blocks: BlockPool, if_none_match: bool, then: Then
) -> None:
    """See `ObjectStore.copy`; between any two places that the caller may read and write.

    `then` is awaited when the copy is there. A cancellation comes before the copy is seen, which then never is, or
    after `then`. Reading and writing through here, which may last, ends with it at once and leaves nothing behind.

    Where nothing else keeps an object from being copied onto itself under another name, Unsupported is raised.
    """
    if await unbroken(_copy_there(store, source, target, if_none_match=if_none_match, then=then)):
        return
    reader = await store.read(source)
    try:
        await _copy_through(store, reader, target, blocks=blocks, if_none_match=if_none_match, then=then)
    finally:
        await reader.close()


async def _copy_there(
    store: ObjectStore, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool, then: Then
) -> bool:
    """Returns whether the store can."""
    try:
        copied = await store.copy(source, target, if_none_match=if_none_match)
    except CannotCopy:
        return False
    await then(copied)
    return True


async def _copy_through(
    store: ObjectStore, reader: ObjectReader, target: ObjectPlace, *, blocks: BlockPool, if_none_match: bool, then: Then
) -> None:
    found = reader.info
    if target.key.endswith("/") and not found.size:
        # A directory's marker. An S3 that keeps directories, as SeaweedFS does, has it as soon as something lies below,
        # so that a condition fails; and of a multipart upload to such a key it makes a file below the directory.
        await unbroken(_end(found, store.put(target, (), found.metadata), then))
        return
    if not if_none_match:
        await _require_another(store, found, target)
    sink = await open_sink(
        store, target, found.metadata, blocks=blocks, prefix=None, is_new=if_none_match, resuming=None
    )
    upload = Upload(sink, place=target, expected_size=found.size)
    try:
        async for chunk in Download(reader).chunks():
            await upload.write(upload.size, chunk)
        await unbroken(_end(found, upload.commit(), then))
    finally:
        await upload.discard()


async def _end(found: ObjectInfo, making: Awaitable[ObjectInfo], then: Then) -> None:
    await then(Copied(source=found, target=await making))


async def _require_another(store: ObjectStore, found: ObjectInfo, target: ObjectPlace) -> None:
    """Raises Unsupported where the target may be the object that was found: whoever deletes the source would lose it.

    Two buckets may lead to one object by other names, credentials or spellings of an endpoint, or through a further S3.
    No name tells that, so what they answer must.
    """
    try:
        there = await store.head(target)
    except NotFound:
        return
    # Else two looks at one object differ when it is replaced in between.
    if _version(await store.head(found.place)) != _version(found):
        raise Unavailable(f"{found.place} was changed meanwhile")
    if _version(there) == _version(found):
        raise Unsupported(
            f"{found.place} and {target} have the same ETag, size and time: they may be one object of the S3 behind "
            "them, which would be lost"
        )


def _version(info: ObjectInfo) -> tuple[object, ...]:
    """Without the fractions of a second, which no S3 tells over HTTP."""
    return info.etag, info.size, info.modified_at.replace(microsecond=0)
