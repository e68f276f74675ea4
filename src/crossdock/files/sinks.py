"""Which sink an upload goes to: a staged file where the store has the disk here, else parts."""

from collections.abc import Coroutine, Mapping
from typing import Any

from crossdock.core.errors import FileError
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import BlockPool
from crossdock.files.parts_sink import PartsSink
from crossdock.files.prefix import Prefix
from crossdock.files.resuming import Resuming
from crossdock.files.staged_sink import StagedSink
from crossdock.files.unbroken import unbroken
from crossdock.files.upload import Sink
from crossdock.ports.objects import ObjectStore, can_stage


async def open_sink(
    store: ObjectStore,
    place: ObjectPlace,
    metadata: Mapping[str, str],
    *,
    blocks: BlockPool,
    prefix: Prefix | None,
    is_new: bool,
    resuming: Resuming | None,
) -> Sink:
    """Begun with the prefix, if there is one. What shall be resumed goes in parts everywhere: a staged file is the
    disk's, and gone with the process. What was interrupted there before is given up."""
    if can_stage(store):
        if_match = None if prefix is None else prefix.source.etag
        put = await store.stage(place, metadata, if_match=if_match, if_none_match=is_new and prefix is None)
        if put is not None and resuming is None:
            staged = StagedSink(put)
            return staged if prefix is None else await done_to(staged, staged.begin(prefix))
        if put is not None:
            await put.discard()  # it was authorised, which the parts are only when the first is full
    parts = PartsSink(store, place, metadata, blocks=blocks, prefix=prefix, is_new=is_new, resuming=resuming)
    if resuming is not None:
        await done_to(parts, resuming.drop(place))
    return await done_to(parts, parts.begin())


async def done_to(sink: Sink, work: Coroutine[None, None, Any]) -> Sink:
    """The sink once something is done; discarded when it could not be."""
    try:
        await work
    except BaseException as error:
        try:
            await unbroken(sink.discard())
        except FileError as residue:
            error.add_note(f"something stayed behind: {residue}")
        raise
    return sink
