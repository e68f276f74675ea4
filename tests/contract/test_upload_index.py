"""What every UploadIndex keeps to."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.fakes.object_indexes import KINDS, NOW, Indexes, entry, in_use, indexes_of, part, segments, upload

from crossdock.ports.storage import (
    ObjectEntry,
    PartChanged,
    PartRecord,
    PreconditionFailed,
    UploadGone,
    UploadRecord,
)


@pytest.fixture(params=KINDS)
async def indexes(request, tmp_path) -> AsyncIterator[Indexes]:
    async with indexes_of(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def uploads(indexes):
    return indexes.uploads


async def begin(uploads, *blobs, upload_id="u"):
    await uploads.start(upload(upload_id))
    for number, blob in enumerate(blobs, 1):
        assert await uploads.put_part(upload_id, part(number, blob)) == ()


async def test_an_upload_is_found_as_it_was_started(uploads):
    record = UploadRecord(
        upload_id="u",
        bucket_id="b",
        key="a//ü",
        started_at=NOW,
        initiator_arn="arn:aws:sts::1:assumed-role/r/s",
        metadata={"a": "b"},
        headers={"content-type": "x"},
        checksum_algorithm="CRC32",
    )
    await uploads.start(record)
    assert await uploads.get("u") == record
    assert await uploads.get("v") is None


async def test_parts_come_in_the_order_of_their_numbers(uploads):
    await uploads.start(upload("u"))
    record = PartRecord(
        number=7,
        segment=segments("seven")[0],
        etag="e",
        modified_at=NOW + timedelta(microseconds=1),
        checksums={"crc32": "x"},
    )
    await uploads.put_part("u", part(10_000, "last"))
    await uploads.put_part("u", record)
    await uploads.put_part("u", part(1, "one"))
    assert [p.number for p in await uploads.parts("u")] == [1, 7, 10_000]
    assert await uploads.parts("u", after=1, limit=1) == [record]
    assert await uploads.parts("u", after=10_000) == []
    assert await uploads.parts("v") == []


async def test_a_part_sent_again_replaces_the_first(uploads):
    await begin(uploads, "one", "two")
    assert await uploads.put_part("u", part(1, "three")) == segments("one")
    assert [p.segment.blob_id for p in await uploads.parts("u")] == ["three", "two"]


async def test_nothing_can_be_sent_to_an_upload_that_is_gone(uploads):
    with pytest.raises(UploadGone):
        await uploads.put_part("u", part(1, "one"))
    await begin(uploads, "one")
    assert await uploads.abort("u") == segments("one")
    assert await uploads.abort("u") == ()
    with pytest.raises(UploadGone):
        await uploads.put_part("u", part(1, "two"))
    with pytest.raises(UploadGone):
        await uploads.complete("u", entry("one"))
    assert await uploads.get("u") is None
    assert await uploads.parts("u") == []


async def test_completing_publishes_the_object_and_returns_what_is_left_over(indexes, uploads):
    await indexes.objects.put("b", "k", entry("old"))
    await begin(uploads, "one", "two", "three")
    whole = ObjectEntry(size=8, etag="e-2", modified_at=NOW, segments=segments("one", "three"), metadata={"a": "b"})
    assert sorted(s.blob_id for s in await uploads.complete("u", whole)) == ["old", "two"]
    assert await indexes.objects.get("b", "k") == whole
    assert await uploads.get("u") is None
    assert await in_use(indexes) == ["one", "three"]
    with pytest.raises(UploadGone):
        await uploads.complete("u", whole)


async def test_an_upload_whose_part_was_replaced_meanwhile_is_not_completed(indexes, uploads):
    await begin(uploads, "one", "two")
    await uploads.put_part("u", part(2, "three"))
    with pytest.raises(PartChanged):
        await uploads.complete("u", entry("one", "two"))
    assert await indexes.objects.get("b", "k") is None
    assert [p.segment.blob_id for p in await uploads.parts("u")] == ["one", "three"]


async def test_completing_keeps_to_conditions_and_a_refused_upload_can_be_tried_again(indexes, uploads):
    await indexes.objects.put("b", "k", entry("old", etag="e"))
    await begin(uploads, "one")
    for condition in ({"if_none_match": True}, {"if_match": "x"}):
        with pytest.raises(PreconditionFailed):
            await uploads.complete("u", entry("one"), **condition)
    assert await uploads.complete("u", entry("one"), if_match="e") == segments("old")


async def test_an_upload_of_ten_thousand_parts_is_completed(indexes, uploads):
    names = [f"blob{number}" for number in range(10_000)]
    await uploads.start(upload("u"))
    async with asyncio.TaskGroup() as tasks:
        for number, name in enumerate(names, 1):
            tasks.create_task(uploads.put_part("u", part(number, name)))
    assert await uploads.complete("u", entry(*names)) == ()
    assert (await indexes.objects.get("b", "k")).segments == segments(*names)


async def test_uploads_are_listed_by_key_and_id(uploads):
    for upload_id, key in (("3", "a"), ("1", "b"), ("2", "a"), ("4", "\U00010000"), ("5", "\uffff")):
        await uploads.start(upload(upload_id, key=key))
    await uploads.start(upload("6", bucket_id="other", key="a"))

    async def listed(**arguments):
        return [record.upload_id for record in await uploads.uploads("b", **arguments)]

    assert await listed() == ["2", "3", "1", "5", "4"]
    assert await listed(limit=2) == ["2", "3"]
    assert await listed(prefix="a") == ["2", "3"]
    assert await listed(after_key="a") == ["1", "5", "4"]
    assert await listed(after_key="a", after_upload_id="2", limit=2) == ["3", "1"]
    assert await listed(after_key="zz", prefix="a") == []
