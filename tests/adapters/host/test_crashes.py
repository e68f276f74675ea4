"""kill -9 at any moment: what was promised is there, and nothing else is."""

import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.busy_host import BUCKET, GROUP, ROWS, Host, body_of, open_host

PROJECT = Path(__file__).parents[3]

Promises = dict[tuple[str, str], int]


def run_and_kill(directory: Path, seed: int) -> list[list[str]]:
    """What the process promised before it was killed, after a number of promises that the seed chooses."""
    count = random.Random(seed).choice([0, 1, 5, 20, 60, 150])
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.busy_host", str(directory), str(seed)],
        stdout=subprocess.PIPE,
        cwd=PROJECT,
    ) as process:
        lines = [process.stdout.readline() for _ in range(count)]
        process.kill()
        lines += process.stdout.readlines()
    return [line.decode().split() for line in lines if line.endswith(b"\n")]


def note(promises: Promises, lines: list[list[str]]) -> None:
    """The last promise about a key's object, its row, or its being deleted."""
    for what, *rest in lines:
        if what == "event":
            promises["event", rest[0]] = int(rest[0])
        else:
            key, generation = rest
            promises[what, key] = int(generation)


async def check(host: Host, directory: Path, promises: Promises) -> None:
    in_use = set()
    async for segment in host.objects.objects.segments():
        in_use.add(segment.blob_id)
    await check_objects(host, promises)
    on_disk = {path.name for path in (directory / "blobs").rglob("*") if path.is_file()}
    assert on_disk == in_use
    async with host.state.reading() as view:
        rows = {row.key[0]: row.value["generation"] for row in await view.table(ROWS).page()}
    events = {event.timestamp_ms for event in await host.logs.read(GROUP, limit=1_000_000)}
    for (what, name), generation in promises.items():
        if what == "row":
            assert int(rows[name].split()[1]) >= generation
        elif what == "event":
            assert generation in events
    for name in ("state.db", "objects.db", "logs.db"):
        connection = sqlite3.connect(directory / name)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()


async def check_objects(host: Host, promises: Promises) -> None:
    found = {}
    for summary in (await host.objects.objects.scan(BUCKET)).objects:
        entry = await host.objects.objects.get(BUCKET, summary.key)
        reader = await host.blobs.open(entry.segments)
        body = b""
        while chunk := await reader.read(len(body), 1 << 20):
            body += chunk
        reader.close()
        found[summary.key] = int(entry.metadata["generation"])
        assert body == b"".join(body_of(summary.key, found[summary.key]))
    for (what, key), generation in promises.items():
        if what == "object" and promises.get(("deleted", key), 0) < generation and key not in found:
            # Deleted, but the promise to have done so did not get out: only its next step can have been that.
            assert promises.get(("row", key), 0) >= generation
        elif what == "object" and key in found:
            assert found[key] >= generation
        elif what == "deleted" and key in found:
            assert found[key] > generation


async def be_killed(directory: Path, rounds: int) -> int:
    promises: Promises = {}
    kept = 0
    for seed in range(1, rounds + 1):
        lines = run_and_kill(directory, seed)
        note(promises, lines)
        kept += len(lines)
        async with open_host(directory) as host:
            await check(host, directory, promises)
    return kept


async def test_every_promise_outlives_a_kill_at_any_moment(tmp_path):
    assert await be_killed(tmp_path / "data", rounds=8) > 100


@pytest.mark.soak
async def test_every_promise_outlives_hundreds_of_kills(tmp_path):
    assert await be_killed(tmp_path / "data", rounds=200) > 4_000
