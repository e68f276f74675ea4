"""What the SQLite index keeps to besides the contract: the disk, and large buckets."""

import time

import pytest
from tests.fakes.object_indexes import entry, segments, small_entry
from tests.fakes.small_disk import fill, small_disk

from crossdock.adapters.host.object_database import open_object_database
from crossdock.adapters.host.object_rows import SCHEMA, put_object
from crossdock.adapters.host.sqlite_files import Durability, open_for_reading, open_for_writing
from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.ports.storage import ObjectEntry

BIG = ObjectEntry(size=0, etag="e", modified_at=entry().modified_at, segments=(), metadata={"filler": "x" * 20_000})


def put_a_hundred_thousand(path):
    """As many calls of `put` would take most of a test run: copies of one row, half below `0/`, half below `1/`."""
    connection = open_for_writing(path, durability=Durability.SYSTEM, schema=SCHEMA)
    put_object(connection, "original", "k", entry("blob"))
    connection.execute(
        "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 99999)"
        " INSERT INTO objects SELECT 'b', CAST(printf('%d/%06d', n % 2, n) AS BLOB), size, etag, modified_us,"
        " owner_account, detail FROM numbers, objects WHERE bucket_id = 'original'"
    )
    connection.close()


async def test_what_was_put_is_there_after_opening_again(tmp_path):
    for n in range(3):
        database = open_object_database(tmp_path / "objects.db")
        await database.objects.put("b", str(n), entry(str(n)))
        page = await database.objects.scan("b")
        assert [o.key for o in page.objects] == [str(m) for m in range(n + 1)]
        await database.close()


async def test_a_listing_costs_the_same_however_much_lies_below_a_prefix(tmp_path):
    put_a_hundred_thousand(tmp_path / "objects.db")
    database = open_object_database(tmp_path / "objects.db")
    began = time.process_time()
    page = await database.objects.scan("b", delimiter="/")
    rolled_up = time.process_time() - began
    assert page.prefixes == ("0/", "1/")
    began = time.process_time()
    count, after = 0, ""
    while True:
        page = await database.objects.scan("b", after=after)
        count += len(page.objects)
        if page.next_after is None:
            break
        after = page.next_after
    all_pages = time.process_time() - began
    assert count == 100_000
    # The processor's time, and beside that of the same machine: a tenth would be walking the keys, if not all of them.
    assert rolled_up < all_pages / 10
    await database.close()


async def test_a_full_disk_is_answered_and_survived(tmp_path):
    with small_disk(tmp_path) as disk:
        database = open_object_database(disk / "objects.db")
        await database.objects.put("b", "first", entry("one"))
        make_room = fill(disk)

        async def overfill():
            for n in range(100):
                await database.objects.put("b", f"big{n}", BIG)

        with pytest.raises((OutOfSpace, Unavailable)):
            await overfill()
        assert (await database.objects.get("b", "first")).segments == segments("one")
        make_room()
        await database.objects.put("b", "second", entry("two"))
        keys = [o.key for o in (await database.objects.scan("b")).objects]
        assert keys[-2:] == ["first", "second"]
        await database.close()


async def test_a_file_that_is_no_database_is_unavailable(tmp_path):
    (tmp_path / "objects.db").write_bytes(b"x" * 10_000)
    with pytest.raises(Unavailable):
        open_object_database(tmp_path / "objects.db")
    with pytest.raises(Unavailable):
        open_object_database(tmp_path / "missing" / "objects.db")


async def test_the_bytes_of_small_objects_go_with_them(tmp_path):
    database = open_object_database(tmp_path / "objects.db")
    for n in range(5):
        await database.objects.put("b", str(n % 2), small_entry(bytes([n]) * 1000))
    assert bytes_kept(tmp_path / "objects.db") == 2
    await database.objects.delete("b", "0")
    await database.objects.put("b", "1", entry("blob"))
    assert bytes_kept(tmp_path / "objects.db") == 0
    await database.close()


def bytes_kept(path) -> int:
    connection = open_for_reading(path)
    (count,) = connection.execute("SELECT count(*) FROM contents").fetchone()
    connection.close()
    return count
