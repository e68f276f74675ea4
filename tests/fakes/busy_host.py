"""A process that changes everything it can and says so only when it is durable; made to be killed.

Run as `python -m tests.fakes.busy_host DIR SEED`. Every line it prints is a promise:

    object KEY GENERATION     the key holds this generation of its bytes, or a later one
    deleted KEY GENERATION    the key holds nothing, or a later generation
    row KEY GENERATION        the row holds this generation, or a later one
    event GENERATION          the log event was appended
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from crossdock.adapters.host.clock import SystemClock
from crossdock.adapters.host.data_directory import open_data_directory
from crossdock.adapters.host.disk_blobs import DiskBlobs, open_disk_blobs
from crossdock.adapters.host.log_events import SqliteLogEvents, open_log_events
from crossdock.adapters.host.object_database import ObjectDatabase, open_object_database
from crossdock.adapters.host.sql_state import SqlState, open_state
from crossdock.ports.logs import LogEvent, LogGroupId
from crossdock.ports.state import TableSpec
from crossdock.ports.storage import ObjectEntry, PartRecord, Segment, UploadRecord

BUCKET = "bucket"
ROWS = TableSpec(name="rows", unique=("generation",))
GROUP = LogGroupId(account_id="1", region="r", name="g")
WRITERS = 12
KEYS_OF_A_WRITER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    state: SqlState
    objects: ObjectDatabase
    blobs: DiskBlobs
    logs: SqliteLogEvents
    swept: int


@asynccontextmanager
async def open_host(path: Path) -> AsyncIterator[Host]:
    directory = open_data_directory(path, command="busy host")
    state = await open_state(directory.state_db)
    objects = open_object_database(directory.objects_db)
    blobs = await open_disk_blobs(directory.blobs)
    logs = open_log_events(directory.logs_db)
    directory.finish()
    swept = await blobs.sweep(objects.objects.segments())
    yield Host(state=state, objects=objects, blobs=blobs, logs=logs, swept=swept)
    await logs.close()
    await blobs.close()
    await objects.close()
    await state.close()
    directory.close()


def body_of(key: str, generation: int) -> list[bytes]:
    """What a generation of a key holds, in one to four parts."""
    source = random.Random(f"{key} {generation}")
    return [source.randbytes(source.choice([0, 10, 5_000, 100_000])) for _ in range(source.randint(1, 4))]


def promise(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def put(host: Host, key: str, generation: int) -> None:
    """One part is a single put, more are a multipart upload."""
    parts = body_of(key, generation)
    metadata = {"generation": str(generation)}
    now = SystemClock().now()
    if len(parts) == 1:
        staged = await host.blobs.stage()
        for start in range(0, len(parts[0]), 30_000):
            await staged.write(parts[0][start : start + 30_000])
        segments: tuple[Segment, ...] = (await staged.seal(),)
        entry = ObjectEntry(size=len(parts[0]), etag="e", modified_at=now, segments=segments, metadata=metadata)
        replaced = await host.objects.objects.put(BUCKET, key, entry)
    else:
        upload_id = f"{key}-{generation}"
        uploads = host.objects.uploads
        await uploads.start(
            UploadRecord(upload_id=upload_id, bucket_id=BUCKET, key=key, started_at=now, initiator_arn="arn")
        )
        segments = tuple([await host.blobs.store([part]) for part in parts])
        for number, segment in enumerate(segments, 1):
            await uploads.put_part(upload_id, PartRecord(number=number, segment=segment, etag="e", modified_at=now))
        entry = ObjectEntry(size=sum(map(len, parts)), etag="e", modified_at=now, segments=segments, metadata=metadata)
        replaced = await uploads.complete(upload_id, entry)
    host.blobs.delete(replaced)
    promise("object", key, generation)


async def write_row(host: Host, key: str, generation: int) -> None:
    async with host.state.transaction() as transaction:
        await transaction.table(ROWS).put((key,), {"generation": f"{key} {generation}", "filler": "x" * 2000})
    promise("row", key, generation)


async def write(host: Host, writer: int, start: int, choices: random.Random) -> None:
    generation = start
    while True:
        generation += 1
        key = f"{writer}/{choices.randrange(KEYS_OF_A_WRITER)}"
        await put(host, key, generation)
        await write_row(host, key, generation)
        await host.logs.append(GROUP, [LogEvent(stream=key, timestamp_ms=generation, message=str(generation))])
        promise("event", generation)
        if choices.random() < 0.2:
            host.blobs.delete(await host.objects.objects.delete(BUCKET, key))
            promise("deleted", key, generation)


async def main(path: Path, seed: int) -> None:
    async with open_host(path) as host, asyncio.TaskGroup() as tasks:
        for writer in range(WRITERS):
            start = seed * 1_000_000
            tasks.create_task(write(host, writer, start, random.Random(f"{seed} {writer}")))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
