"""Copies of objects: inside the store where it can, else read and written through here.

What is read is always one version, and what is written is seen only when it is whole, as with every upload. Of the
source's headers its metadata alone comes along.
"""

from crossdock.core.errors import CannotCopy
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import BlockPool
from crossdock.files.download import Download
from crossdock.files.sinks import open_sink
from crossdock.files.upload import Upload
from crossdock.ports.objects import Copied, ObjectReader, ObjectStore


async def copy_object(
    store: ObjectStore, source: ObjectPlace, target: ObjectPlace, *, blocks: BlockPool, if_none_match: bool
) -> Copied:
    """See `ObjectStore.copy`; between any two places that the caller may read and write."""
    try:
        return await store.copy(source, target, if_none_match=if_none_match)
    except CannotCopy:
        reader = await store.read(source)
    try:
        return await _copy_through(store, reader, target, blocks=blocks, if_none_match=if_none_match)
    finally:
        await reader.close()


async def _copy_through(
    store: ObjectStore, reader: ObjectReader, target: ObjectPlace, *, blocks: BlockPool, if_none_match: bool
) -> Copied:
    found = reader.info
    sink = await open_sink(
        store, target, found.metadata, blocks=blocks, prefix=None, is_new=if_none_match, resuming=None
    )
    upload = Upload(sink, place=target, expected_size=found.size)
    try:
        async for chunk in Download(reader).chunks():
            await upload.write(upload.size, chunk)
        return Copied(source=found, target=await upload.commit())
    finally:
        await upload.discard()
