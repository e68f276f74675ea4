"""Everything of the service that lies in the data directory, opened in order and closed in the reverse."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from crossdock.adapters.host.data_directory import DataDirectory, open_data_directory
from crossdock.adapters.host.disk_blobs import DiskBlobs, open_disk_blobs
from crossdock.adapters.host.epoch import MmapEpoch
from crossdock.adapters.host.functions.code import ArchiveFiles
from crossdock.adapters.host.log_events import SqliteLogEvents, open_log_events
from crossdock.adapters.host.object_database import ObjectDatabase, open_object_database
from crossdock.adapters.host.sealing import AesGcmSealer, KeyUnusable, SealingKey, load_key, load_or_create_key
from crossdock.adapters.host.spilled_memory import SpilledMemory
from crossdock.adapters.host.sql_state import SqlState, open_state
from crossdock.app.budgets import CHECKSUM_THREADS
from crossdock.app.kept_key import require_kept_key
from crossdock.operations.threads import Threads
from crossdock.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """`swept` is how many leftovers of a crash were removed at this start."""

    directory: DataDirectory
    state: SqlState
    objects: ObjectDatabase
    blobs: DiskBlobs
    spilled: SpilledMemory
    logs: SqliteLogEvents
    archives: ArchiveFiles
    sealer: AesGcmSealer
    epoch: MmapEpoch
    threads: Threads
    swept: int


@asynccontextmanager
async def open_disk(settings: Settings, *, command: str) -> AsyncIterator[Disk]:
    """Open the data directory and all that is in it.

    Raises:
        CrossdockError: another service uses it, it cannot be used, or its key is unusable; a sentence says why.
    """
    async with AsyncExitStack() as stack:
        directory = await asyncio.to_thread(open_data_directory, settings.data_dir, command=command)
        stack.callback(directory.close)
        threads = stack.enter_context(Threads(CHECKSUM_THREADS, name="checksums"))
        state = await open_state(directory.state_db)
        stack.push_async_callback(state.close)
        objects = await asyncio.to_thread(open_object_database, directory.objects_db)
        stack.push_async_callback(objects.close)
        blobs = await open_disk_blobs(directory.blobs)
        stack.push_async_callback(blobs.close)
        logs = await asyncio.to_thread(open_log_events, directory.logs_db)
        stack.push_async_callback(logs.close)
        epoch = MmapEpoch(directory.epoch)
        stack.callback(epoch.close)
        key = _key(settings, directory)
        await require_kept_key(
            state, key.key_id, place=str(settings.key_file or directory.sealing_key), is_new=directory.is_new
        )
        # Whatever was to be made is durable by now, and nothing was promised to anybody before it.
        await asyncio.to_thread(directory.finish)
        yield Disk(
            directory=directory,
            state=state,
            objects=objects,
            blobs=blobs,
            spilled=SpilledMemory(directory.spool),
            logs=logs,
            archives=ArchiveFiles(directory.functions, entropy=os.urandom),
            sealer=AesGcmSealer(key),
            epoch=epoch,
            threads=threads,
            swept=await blobs.sweep(objects.objects.segments()),
        )


def _key(settings: Settings, directory: DataDirectory) -> SealingKey:
    """A key is made in a new directory alone: elsewhere a new one would leave everything unreadable.

    Raises KeyUnusable.
    """
    if settings.key_file:
        return load_key(Path(settings.key_file))
    key = directory.sealing_key
    if directory.is_new:
        return load_or_create_key(key)
    if not key.exists():
        raise KeyUnusable(
            f"{key} is missing, without which nothing that is encrypted can be read: restore it from the backup, or "
            "name the file as key_file where it was moved to; to begin anew, give a new or an empty --data-dir"
        )
    return load_key(key)
