"""Uploads in parts, where S3 answers otherwise than it mostly does: at the end, and when one is gone on with."""

import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.fakes.stub_s3 import error, ok, stub_s3

from crossdock.adapters.aws.answers import UNKNOWN
from crossdock.cloud.s3.etags import multipart_etag
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import OpenUpload

TARGET = ObjectPlace(bucket="box", key="target")
BEGUN = ok(b"<InitiateMultipartUploadResult><UploadId>u 1</UploadId></InitiateMultipartUploadResult>")


@pytest.mark.parametrize(
    ("aborted", "stays"),
    [(ok(status=204), False), (error(404, "NoSuchUpload"), False), (error(403, "AccessDenied"), True)],
)
async def test_what_another_upload_had_made_already_leaves_no_parts_behind(aborted, stays, caplog):
    """The same content under a name that must be new: what is there is as good, and these parts are nobody's."""
    part = hashlib.md5(b"new").hexdigest()
    there = ok(headers={"ETag": f'"{multipart_etag([part])}"', "Content-Length": "3"})
    async with stub_s3() as stub, stub.store() as store:
        stub.then(BEGUN, ok(headers={"ETag": f'"{part}"'}), error(412, "PreconditionFailed"), there, aborted)
        upload = await store.start_multipart(TARGET, {}, if_none_match=True)
        await upload.upload_part(1, [b"new"])
        assert (await upload.complete()).etag == multipart_etag([part])
    assert stub.is_done
    assert (stub.seen[-1].method, stub.seen[-1].target) == ("DELETE", "/box/target?uploadId=u%201")
    assert ("may have stayed" in caplog.text) == stays


def listed(*parts: int, is_truncated: bool, following: int | None = None):
    entries = "".join(
        f"<Part><PartNumber>{number}</PartNumber><Size>5</Size><ETag>&quot;p&quot;</ETag></Part>" for number in parts
    )
    marker = "" if following is None else f"<NextPartNumberMarker>{following}</NextPartNumberMarker>"
    told = f"<IsTruncated>{str(is_truncated).lower()}</IsTruncated>{marker}"
    return ok(f"<ListPartsResult>{told}{entries}</ListPartsResult>".encode())


@pytest.mark.parametrize(
    ("pages", "markers", "parts"),
    [
        ([listed(1, 2, is_truncated=True, following=2), listed(3, is_truncated=False, following=3)], [0, 2], 3),
        # No marker; one that goes on where nothing came; pages that say there is more and bring nothing new.
        ([listed(1, is_truncated=True), listed(2, is_truncated=False)], [0, 1], 2),
        ([listed(is_truncated=True, following=4), listed(5, is_truncated=False)], [0, 4], 1),
        ([listed(is_truncated=True)], [0], 0),
        ([listed(is_truncated=True, following=0)], [0], 0),
        ([listed(1, is_truncated=True, following=1), listed(1, is_truncated=True, following=1)], [0, 1], 1),
    ],
)
async def test_an_upload_goes_on_with_the_parts_that_are_listed_however_a_store_pages_them(pages, markers, parts):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(*pages)
        begun = OpenUpload(place=TARGET, upload_id="u1", metadata={}, began_at=UNKNOWN)
        assert len((await store.resume_multipart(begun)).parts) == parts
    assert stub.is_done
    asked = [parse_qs(urlsplit(seen.target).query) for seen in stub.seen]
    assert [int(query.get("part-number-marker", ["0"])[0]) for query in asked] == markers
