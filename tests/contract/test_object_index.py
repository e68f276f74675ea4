"""What every ObjectIndex keeps to."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.object_indexes import (
    KINDS,
    NOW,
    Indexes,
    entry,
    in_use,
    indexes_of,
    part,
    segments,
    small_entry,
    upload,
)

from crossdock.ports.storage import BucketRetired, ObjectEntry, PreconditionFailed, SourceChanged

fresh_names = count()
SHARES = {"source_bucket_id": "b", "source_key": "source"}


@pytest.fixture(params=KINDS)
async def indexes(request, tmp_path) -> AsyncIterator[Indexes]:
    async with indexes_of(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def objects(indexes):
    return indexes.objects


async def everything(objects, bucket_id, **scan):
    """Keys and prefixes of all pages, in the order they came."""
    found, after = [], scan.pop("after", "")
    while True:
        page = await objects.scan(bucket_id, after=after, **scan)
        assert len(page.objects) + len(page.prefixes) <= scan.get("limit", 1000)
        found += sorted([*(o.key for o in page.objects), *page.prefixes], key=str.encode)
        if page.next_after is None:
            return found
        assert page.next_after == found[-1]
        after = page.next_after


async def test_an_object_is_found_as_it_was_put(objects):
    put = ObjectEntry(
        size=7,
        etag="abc-2",
        modified_at=datetime(2031, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        segments=segments("one", "four"),
        owner_account="111111111111",
        metadata={"user-agent": "AWSTransfer", "ü": "\u0000é"},
        headers={"content-type": "text/plain"},
        checksums={"crc32": "AAAAAA=="},
    )
    assert await objects.put("b", "a//b/ü\U0001f600", put) == ()
    assert await objects.get("b", "a//b/ü\U0001f600") == put
    assert await objects.get("b", "a/b/ü\U0001f600") is None
    assert await objects.get("other", "a//b/ü\U0001f600") is None
    (listed,) = (await objects.scan("b")).objects
    assert (listed.key, listed.size, listed.etag) == ("a//b/ü\U0001f600", 7, "abc-2")
    assert (listed.modified_at, listed.owner_account) == (put.modified_at, "111111111111")


async def test_a_small_object_is_found_with_its_bytes_and_replaced_like_any(objects):
    small = small_entry(b"\x00\xff small")
    assert await objects.put("b", "k", entry("one")) == ()
    assert await objects.put("b", "k", small) == segments("one")
    assert await objects.get("b", "k") == small
    assert await objects.put("b", "k", small_entry(b"other")) == ()
    assert (await objects.get("b", "k")).content == b"other"
    (listed,) = (await objects.scan("b")).objects
    assert listed.size == 5
    assert await objects.put("b", "k", entry("two")) == ()
    assert (await objects.get("b", "k")).content is None
    assert await objects.delete("b", "k") == segments("two")


async def test_a_copy_of_a_small_object_has_bytes_of_its_own(objects):
    small = small_entry(b"bytes")
    await objects.put("b", "source", small)
    assert await objects.link("b", "copy", small, source_bucket_id="b", source_key="source") == ()
    assert await objects.delete("b", "source") == ()
    assert (await objects.get("b", "copy")).content == b"bytes"
    with pytest.raises(SourceChanged):
        await objects.link("b", "again", small_entry(b"others"), source_bucket_id="b", source_key="copy")
    with pytest.raises(SourceChanged):
        await objects.link("b", "again", entry(), source_bucket_id="b", source_key="copy")
    assert await objects.get("b", "again") is None


async def test_a_put_returns_the_segments_that_it_replaced(objects):
    assert await objects.put("b", "k", entry("one", "two")) == ()
    assert await objects.put("b", "k", entry("three")) == segments("one", "two")
    assert await objects.put("b", "k", entry()) == segments("three")
    assert await objects.put("b", "k", entry("four")) == ()


async def test_a_delete_returns_the_segments_and_one_of_nothing_returns_none(objects):
    await objects.put("b", "k", entry("one", "two"))
    assert await objects.delete("b", "k") == segments("one", "two")
    assert await objects.delete("b", "k") == ()
    assert await objects.get("b", "k") is None


async def test_a_delete_of_one_version_leaves_any_other(objects):
    await objects.put("b", "k", entry("one", etag="e1"))
    with pytest.raises(PreconditionFailed):
        await objects.delete("b", "k", if_match="e2")
    assert (await objects.get("b", "k")).segments == segments("one")
    assert await objects.delete("b", "k", if_match="e1") == segments("one")
    with pytest.raises(PreconditionFailed):
        await objects.delete("b", "k", if_match="e1")


async def test_of_a_delete_and_a_put_for_one_version_at_once_one_happens(objects):
    for n in range(20):
        key = f"k{n}"
        await objects.put("b", key, entry("old", etag="e1"))
        deleting = objects.delete("b", key, if_match="e1")
        putting = objects.put("b", key, entry("new", etag="e2"), if_match="e1")
        outcomes = await asyncio.gather(
            *((deleting, putting) if n % 2 else (putting, deleting)), return_exceptions=True
        )
        assert [isinstance(outcome, PreconditionFailed) for outcome in outcomes] == [False, True]
        assert (await objects.get("b", key)) == (None if n % 2 else entry("new", etag="e2"))


async def test_conditions_are_checked_against_what_is_there(objects):
    with pytest.raises(PreconditionFailed):
        await objects.put("b", "k", entry("x"), if_match="e")
    assert await objects.put("b", "k", entry("one", etag="e1"), if_none_match=True) == ()
    with pytest.raises(PreconditionFailed):
        await objects.put("b", "k", entry("x"), if_none_match=True)
    with pytest.raises(PreconditionFailed):
        await objects.put("b", "k", entry("x"), if_match="e2")
    assert (await objects.get("b", "k")).segments == segments("one")
    assert await objects.put("b", "k", entry("two"), if_match="e1") == segments("one")


async def test_of_many_that_want_a_new_key_one_gets_it(objects):
    async def put(n):
        try:
            return await objects.put("b", "k", entry(f"blob{n}"), if_none_match=True)
        except PreconditionFailed:
            return None

    async with asyncio.TaskGroup() as tasks:
        puts = [tasks.create_task(put(n)) for n in range(30)]
    assert [p.result() for p in puts].count(()) == 1


async def test_a_copy_shares_its_segments_and_they_live_as_long_as_either(indexes, objects):
    await objects.put("b", "source", entry("one", "two"))
    assert await objects.link("c", "copy", entry("one", "two", etag="copy"), **SHARES) == ()
    assert await objects.link("c", "again", entry("one", "two"), **SHARES) == ()
    assert set(await in_use(indexes)) == {"one", "two"}
    assert await objects.delete("b", "source") == ()
    assert (await objects.get("c", "copy")).etag == "copy"
    assert await objects.put("c", "again", entry("other")) == ()
    assert await objects.delete("c", "copy") == segments("one", "two")


async def test_a_copy_onto_something_returns_what_it_replaced(objects):
    await objects.put("b", "source", entry("one"))
    await objects.put("b", "target", entry("old"))
    assert await objects.link("b", "target", entry("one"), **SHARES) == segments("old")


async def test_a_copy_onto_itself_changes_the_metadata_and_keeps_the_bytes(objects):
    await objects.put("b", "source", entry("one", "two"))
    for n in range(3):
        assert await objects.link("b", "source", entry("one", "two", etag=str(n)), **SHARES) == ()
    assert (await objects.get("b", "source")).etag == "2"
    assert await objects.delete("b", "source") == segments("one", "two")


async def test_a_copy_of_what_was_replaced_meanwhile_is_refused(objects):
    with pytest.raises(SourceChanged):
        await objects.link("b", "copy", entry("one"), **SHARES)
    await objects.put("b", "source", entry("one"))
    for blobs in ((), ("two",), ("one", "one")):
        with pytest.raises(SourceChanged):
            await objects.link("b", "copy", entry(*blobs), **SHARES)
    assert await objects.get("b", "copy") is None
    assert await objects.delete("b", "source") == segments("one")


@pytest.mark.parametrize("read", [entry(), entry("one"), small_entry(b"bytes")])
@pytest.mark.parametrize(
    "change",
    [
        {"owner_account": "222222222222"},
        {"etag": "other"},
        {"modified_at": NOW + timedelta(seconds=1)},
        {"metadata": {"a": "b"}},
        {"headers": {"content-type": "a/b"}},
        {"checksums": {"crc32": "AAAAAA=="}},
    ],
)
async def test_a_source_that_has_to_be_the_same_is_not_another_of_the_same_bytes(objects, read, change):
    await objects.put("b", "source", replace(read, **change))
    with pytest.raises(SourceChanged):
        await objects.link("b", "source", read, **SHARES, unchanged=read)
    present = await objects.get("b", "source")
    assert present == replace(read, **change)
    assert await objects.link("b", "source", read, **SHARES, unchanged=present) == ()
    assert await objects.get("b", "source") == read
    assert await objects.delete("b", "source") == read.segments


async def test_a_copy_keeps_to_conditions_too(objects):
    await objects.put("b", "source", entry("one"))
    await objects.put("b", "target", entry("old", etag="e"))
    for condition in ({"if_none_match": True}, {"if_match": "x"}):
        with pytest.raises(PreconditionFailed):
            await objects.link("b", "target", entry("one"), **SHARES, **condition)
    assert await objects.delete("b", "source") == segments("one")


async def test_only_an_empty_bucket_retires_and_then_it_takes_nothing_more(indexes, objects):
    await objects.put("b", "source", entry("one"))
    await indexes.uploads.start(upload("u"))
    assert await objects.retire("b") is None
    await objects.put("b", "more", entry("two"))
    await objects.delete("b", "source")
    await objects.delete("b", "more")
    assert await objects.retire("b") == ()
    assert await objects.retire("b") == ()
    with pytest.raises(BucketRetired):
        await objects.put("b", "k", entry("three"))
    await objects.put("other", "source", entry("four"))
    with pytest.raises(BucketRetired):
        await objects.link("b", "k", entry("four"), source_bucket_id="other", source_key="source")
    with pytest.raises(BucketRetired):
        await indexes.uploads.start(upload("v"))
    assert await objects.get("b", "k") is None


async def test_a_bucket_that_retires_aborts_its_uploads(indexes, objects):
    for upload_id, bucket_id in (("u", "b"), ("v", "b"), ("w", "other")):
        await indexes.uploads.start(upload(upload_id, bucket_id=bucket_id))
        await indexes.uploads.put_part(upload_id, part(1, f"blob-{upload_id}"))
    assert sorted(s.blob_id for s in await objects.retire("b")) == ["blob-u", "blob-v"]
    assert await indexes.uploads.get("u") is None
    assert await indexes.uploads.get("w") is not None
    assert await in_use(indexes) == ["blob-w"]


async def test_every_segment_in_use_is_told(indexes, objects):
    await objects.put("b", "k", entry("one", "two"))
    await objects.put("c", "k", entry("three"))
    await objects.put("c", "k", entry("four"))
    await indexes.uploads.start(upload("u"))
    await indexes.uploads.put_part("u", part(1, "five"))
    await indexes.uploads.put_part("u", part(1, "six"))
    assert await in_use(indexes) == ["four", "one", "six", "two"]


async def test_segments_can_be_left_off_half_way(objects):
    await objects.put("b", "k", entry("one", "two", "three"))
    told = objects.segments()
    assert (await anext(told)).blob_id == "one"
    await told.aclose()
    assert await objects.delete("b", "k") == segments("one", "two", "three")


async def test_keys_come_in_the_order_of_their_utf8_bytes(objects):
    # UTF-16 would put U+FFFF behind U+10000.
    keys = ["a", "a\x00", "a/", "a//", "a/b", "aa", "é", "\uffff", "\U00010000"]
    for key in reversed(keys):
        await objects.put("b", key, entry())
    assert await everything(objects, "b", limit=2) == keys


async def test_prefixes_are_rolled_up_in_their_place(objects):
    for key in ("a.txt", "a/1", "a/2/3", "b", "b/", "b/x", "c//d"):
        await objects.put("b", key, entry())
    page = await objects.scan("b", delimiter="/")
    assert [o.key for o in page.objects] == ["a.txt", "b"]
    assert page.prefixes == ("a/", "b/", "c/")
    assert await everything(objects, "b", delimiter="/", limit=1) == ["a.txt", "a/", "b", "b/", "c/"]
    assert await everything(objects, "b", prefix="b/", delimiter="/") == ["b/", "b/x"]
    assert await everything(objects, "b", prefix="c/", delimiter="/") == ["c//"]
    assert await everything(objects, "b", prefix="a/", delimiter="/") == ["a/1", "a/2/"]


async def test_after_a_rolled_up_prefix_nothing_below_it_comes(objects):
    for key in ("a/1", "a/2", "b/1"):
        await objects.put("b", key, entry())
    assert await everything(objects, "b", delimiter="/", after="a/") == ["b/"]
    assert await everything(objects, "b", after="a/") == ["a/1", "a/2", "b/1"]
    assert await everything(objects, "b", delimiter="/", after="a/1") == ["a/", "b/"]


async def test_a_page_that_ends_exactly_with_the_last_key_says_so(objects):
    for key in ("a", "b/1", "b/2"):
        await objects.put("b", key, entry())
    assert (await objects.scan("b", limit=3)).next_after is None
    assert (await objects.scan("b", limit=2)).next_after == "b/1"
    assert (await objects.scan("b", delimiter="/", limit=2)).next_after is None
    assert (await objects.scan("b", limit=0)).next_after is None
    assert (await objects.scan("empty")).objects == ()


def model(keys, *, prefix, delimiter, after):
    """ListObjectsV2, naively."""
    found = set()
    for key in keys:
        if key.startswith(prefix) and key.encode() > after.encode():
            head, separator, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            found.add(prefix + head + separator if separator else key)
    if (
        delimiter
        and after.startswith(prefix)
        and after[len(prefix) :].find(delimiter) + len(delimiter) == len(after[len(prefix) :])
    ):
        found.discard(after)
    return sorted(found, key=str.encode)


LETTERS = st.text("ab/\u00e9\uffff\U00010000\x00", max_size=5)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    keys=st.sets(LETTERS.filter(bool), max_size=12),
    prefix=st.text("ab/", max_size=2),
    delimiter=st.sampled_from(["", "/", "/", "a", "ab", "\U00010000"]),
    after=st.just("") | LETTERS,
    limit=st.integers(1, 4),
)
async def test_scans_agree_with_a_naive_model(objects, keys, prefix, delimiter, after, limit):
    bucket_id = f"bucket{next(fresh_names)}"
    async with asyncio.TaskGroup() as tasks:
        for key in keys:
            tasks.create_task(objects.put(bucket_id, key, entry()))
    found = await everything(objects, bucket_id, prefix=prefix, delimiter=delimiter, after=after, limit=limit)
    assert found == model(keys, prefix=prefix, delimiter=delimiter, after=after)


@pytest.mark.parametrize("steps", range(6))
async def test_a_put_that_was_begun_is_carried_through_and_its_result_reaches_the_caller(objects, steps):
    await objects.put("b", "k", entry("old"))
    outcome = []

    async def put():
        outcome.append(await objects.put("b", "k", entry("new")))
        await asyncio.sleep(0)
        outcome.append("went on")

    task = asyncio.get_running_loop().create_task(put())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    if (await objects.get("b", "k")).segments == segments("new"):
        assert outcome[0] == segments("old")
    else:
        assert outcome == []
    assert task.cancelled() or outcome[1:] == ["went on"]


async def test_a_time_limit_around_a_put_still_ends_what_comes_next(objects):
    async def put():
        async with asyncio.timeout(0):
            await objects.put("b", "k", entry("one"))
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await put()
    assert (await objects.get("b", "k")) in (None, entry("one"))
