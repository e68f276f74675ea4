"""Copies of objects: inside the store where it can, else read and written through here.

What is read is always one version, and what is written is seen only when it is whole, as with every upload. Of the
source's headers its metadata alone comes along.
"""

from collections.abc import Awaitable, Callable

from crossdock.core.errors import CannotCopy, Denied, NotFound, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import BlockPool
from crossdock.files.download import Download
from crossdock.files.lookups import list_file
from crossdock.files.sinks import open_sink
from crossdock.files.unbroken import unbroken
from crossdock.files.upload import Upload
from crossdock.ports.objects import Copied, ObjectInfo, ObjectReader, ObjectStore

Then = Callable[[Copied], Awaitable[None]]


async def copy_object(
    store: ObjectStore, source: ObjectPlace, target: ObjectPlace, *, blocks: BlockPool, if_none_match: bool, then: Then
) -> None:
    """See `ObjectStore.copy`; between any two places that the caller may read and write.

    `then` is awaited when the copy is there; with `if_none_match` not where a directory's marker was there already, or
    may have been, for that is no copy to take back. A cancellation comes before the copy is seen, which then never is,
    or after `then`. Reading and writing through here, which may last, ends with it at once and leaves nothing behind.

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
    if not if_none_match:
        await _require_another(store, found, target)
    if target.key.endswith("/") and not found.size:
        await _put_marker(store, found, target, if_none_match=if_none_match, then=then)
        return
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


async def _put_marker(
    store: ObjectStore, found: ObjectInfo, target: ObjectPlace, *, if_none_match: bool, then: Then
) -> None:
    """Without a condition, which fails in an S3 that keeps directories, as SeaweedFS does: it has a marker as soon as
    something lies below, and of a multipart upload to such a key it makes a file below the directory. So the marker is
    looked for, and one that somebody makes between the look and the put is taken for the copy.
    """
    is_copy = True
    if if_none_match:
        try:
            if await list_file(store, target) is not None:
                return
        except Denied:
            is_copy = False
    making = store.put(target, (), found.metadata)
    await unbroken(_end(found, making, then) if is_copy else making)


async def _end(found: ObjectInfo, making: Awaitable[ObjectInfo], then: Then) -> None:
    await then(Copied(source=found, target=await making))


async def _require_another(store: ObjectStore, found: ObjectInfo, target: ObjectPlace) -> None:
    """Raises Unsupported where the target may be the object that was found: whoever deletes the source would lose it.

    Two buckets may lead to one object by other names, credentials or spellings of an endpoint, or through a further S3.
    No name tells that, so what they answer must. That takes two equal files of one second for one, as all empty ones
    are: no look tells them apart, and to write upon one and look at the other would cost what somebody puts there
    meanwhile, where they are one. A rename within the source's bucket tells it: where they are one, it leaves nothing
    at the target, and where they are two, it gives the source a time of its own.
    """
    try:
        there = await store.head(target)
    except NotFound:
        return
    # Else two looks at one object differ when it is replaced in between.
    if not _may_be_one(await store.head(found.place), found):
        raise Unavailable(f"{found.place} was changed meanwhile")
    if _may_be_one(there, found):
        have_times = there.tells_time and found.tells_time
        same = "ETag, size and time" if have_times else "ETag and size"
        how = "" if have_times else f": if {target} is still there then, they are, and it can be deleted"
        raise Unsupported(
            f"{found.place} and {target} have the same {same}: they may be one object of the S3 behind them, which "
            f"would be lost. To tell whether they are two, rename {found.place} within its bucket first{how}"
        )


def _may_be_one(one: ObjectInfo, other: ObjectInfo) -> bool:
    """Without the fractions of a second, which no S3 tells over HTTP, and without times where one of them has none."""
    times = {info.modified_at.replace(microsecond=0) for info in (one, other) if info.tells_time}
    return (one.etag, one.size) == (other.etag, other.size) and len(times) <= 1
