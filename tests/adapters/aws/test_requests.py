"""What is sent for an object, a part, a range."""

from hashlib import sha256

import pytest

from crossdock.adapters.aws.checksums import CRC32C, CRC64NVME, checksum_of, object_checksum_headers, upload_headers
from crossdock.adapters.aws.requests import (
    abort_upload,
    complete_upload,
    create_upload,
    get_range,
    head_object,
    put_object,
    upload_part,
)
from crossdock.cloud.s3.checksums import ALGORITHMS, Digests
from crossdock.core.errors import InvalidName
from crossdock.core.homes import ObjectPlace

PLACE = ObjectPlace(bucket="box", key="in/file")
PIECES = [b"one ", bytearray(b"two "), memoryview(b"three"), b""]


async def test_a_put_has_metadata_and_a_checksum_and_copies_nothing():
    block = bytearray(b"content")
    checksum = await checksum_of(CRC64NVME, [b"cont"])
    request = put_object(PLACE, [memoryview(block)[:4]], {"a": "b"}, checksum)
    assert request.headers == {
        "x-amz-meta-a": "b",
        "x-amz-checksum-crc64nvme": checksum.text,
    }
    assert (request.operation, request.method, request.query, request.size) == ("PutObject", "PUT", "", 4)
    assert request.body[0].obj is block
    assert request.resource == "box/in/file"


def test_a_part_names_its_upload_whatever_characters_its_id_has():
    request = upload_part(PLACE, "a+b/c d=~", 7, PIECES, None)
    assert request.query == "partNumber=7&uploadId=a%2Bb%2Fc%20d%3D~"
    assert request.headers == {}
    assert [bytes(piece) for piece in request.body] == [b"one ", b"two ", b"three"]


def test_an_upload_is_begun_with_what_its_object_is_to_have():
    request = create_upload(PLACE, {"a": "b"}, {"Content-Type": "text/plain"}, CRC64NVME)
    assert (request.method, request.query) == ("POST", "uploads=")
    assert request.headers == {
        "Content-Type": "text/plain",
        "x-amz-meta-a": "b",
        "x-amz-checksum-algorithm": "CRC64NVME",
        "x-amz-checksum-type": "FULL_OBJECT",
    }
    assert upload_headers(None) == {}


def test_an_upload_is_ended_by_a_document_that_the_signature_covers():
    request = complete_upload(PLACE, "u 1", [(1, '"a"'), (2, "b&c")], headers={"If-None-Match": "*"})
    document = bytes(request.body[0])
    assert (request.method, request.query) == ("POST", "uploadId=u%201")
    assert request.headers == {"Content-Type": "application/xml", "If-None-Match": "*"}
    assert b'<Part><PartNumber>1</PartNumber><ETag>"a"</ETag></Part>' in document
    assert b"<ETag>b&amp;c</ETag>" in document
    assert request.payload_hash == sha256(document).hexdigest()
    assert put_object(PLACE, [b"x"], {}, None).payload_hash == "UNSIGNED-PAYLOAD"
    aborted = abort_upload(PLACE, "u 1")
    assert (aborted.method, aborted.query, aborted.payload_hash) == (
        "DELETE",
        "uploadId=u%201",
        sha256(b"").hexdigest(),
    )


def test_a_range_is_of_one_version_once_that_is_known():
    assert (head_object(PLACE).method, head_object(PLACE).headers) == ("HEAD", {})
    assert get_range(PLACE, 0, 10).headers == {"Range": "bytes=0-9"}
    assert get_range(PLACE, 5, 6, etag="x").headers == {"Range": "bytes=5-5", "If-Match": '"x"'}


@pytest.mark.parametrize("metadata", [{"a": "ü"}, {"ü": "a"}, {"a": "x\r\nx-amz-acl: public-read"}, {"a\n": "b"}])
def test_metadata_that_no_header_can_hold_is_refused(metadata):
    with pytest.raises(InvalidName):
        put_object(PLACE, [], metadata, None)


@pytest.mark.parametrize("algorithm", [CRC64NVME, CRC32C])
async def test_a_checksum_is_of_all_pieces_together(algorithm):
    whole = Digests([algorithm])
    whole.update(b"one two three")
    assert (await checksum_of(algorithm, PIECES)).text == whole.text(algorithm)
    assert await checksum_of(None, PIECES) is None


@pytest.mark.parametrize("algorithm", [CRC64NVME, CRC32C])
async def test_a_whole_objects_checksum_is_made_of_its_parts(algorithm):
    parts = [b"first part", b"second", b""]
    told = object_checksum_headers(algorithm, [(await checksum_of(algorithm, [part]), len(part)) for part in parts])
    assert told == {
        algorithm.header: (await checksum_of(algorithm, parts)).text,
        "x-amz-checksum-type": "FULL_OBJECT",
        "x-amz-mp-object-size": "16",
    }


async def test_of_an_object_with_a_copied_part_only_the_size_is_told():
    told = object_checksum_headers(CRC64NVME, [(None, 5), (await checksum_of(CRC64NVME, [b"x"]), 1)])
    assert told == {"x-amz-checksum-type": "FULL_OBJECT", "x-amz-mp-object-size": "6"}
    assert object_checksum_headers(None, [(None, 5)]) == {}


def test_the_checksums_are_ones_that_combine():
    assert {CRC64NVME.name, CRC32C.name} <= {name for name, each in ALGORITHMS.items() if each.combine is not None}


def test_a_store_that_is_away_is_waited_for_by_what_is_of_a_transfer_under_way():
    under_way = [
        put_object(PLACE, PIECES, {}, None),
        create_upload(PLACE, {}, {}, None),
        upload_part(PLACE, "upload", 1, PIECES, None),
        complete_upload(PLACE, "upload", [(1, "tag")], headers={}),
        get_range(PLACE, 3, 7, etag="tag"),
    ]
    beginning = [
        put_object(PLACE, [], {}, None),
        get_range(PLACE, 3, 7),
        head_object(PLACE),
        abort_upload(PLACE, "upload"),
    ]
    assert [request.is_under_way for request in [*under_way, *beginning]] == [True] * 5 + [False] * 4
