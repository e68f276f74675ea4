"""Checksums: what is computed, claimed and combined."""

import hashlib
import zlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.cloud.s3.checksums import (
    ALGORITHMS,
    ChecksumType,
    Claims,
    Digests,
    algorithm_named,
    check_value,
    checksum_members,
    checksum_type,
    composite,
    full_object,
    read_claims,
)
from crossdock.core.errors import ServiceError


def checksum_of(name: str, content: bytes) -> str:
    digests = Digests([ALGORITHMS[name]])
    digests.update(content)
    return digests.text(ALGORITHMS[name])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # The check values of the CRC catalogue, for "123456789".
        ("CRC32", (0xCBF43926).to_bytes(4, "big")),
        ("CRC32C", (0xE3069283).to_bytes(4, "big")),
        ("CRC64NVME", (0xAE8B14860A799888).to_bytes(8, "big")),
        ("SHA1", hashlib.sha1(b"123456789").digest()),
        ("SHA256", hashlib.sha256(b"123456789").digest()),
        ("SHA512", hashlib.sha512(b"123456789").digest()),
        ("MD5", hashlib.md5(b"123456789").digest()),
        # XXH64 and XXH3 of the reference implementation, seed 0.
        ("XXHASH64", bytes.fromhex("8cb841db40e6ae83")),
    ],
)
def test_each_algorithm_gives_its_known_value(name, expected):
    assert checksum_of(name, b"123456789") == b64encode(expected).decode()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_pieces_give_the_checksum_of_the_whole(name):
    digests = Digests([ALGORITHMS[name]])
    for piece in (b"one ", b"", b"two ", b"three"):
        digests.update(piece)
    assert digests.text(ALGORITHMS[name]) == checksum_of(name, b"one two three")
    assert digests.text(ALGORITHMS[name]) == digests.texts()[name]
    assert digests.md5 == hashlib.md5(b"one two three").digest()


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=6), st.sampled_from(["CRC32", "CRC32C", "CRC64NVME"]))
def test_crcs_of_parts_combine_to_the_crc_of_the_object(parts, name):
    algorithm = ALGORITHMS[name]
    combined = full_object(algorithm, [(checksum_of(name, part), len(part)) for part in parts])
    assert combined == checksum_of(name, b"".join(parts))


def test_hashes_do_not_combine():
    with pytest.raises(ValueError, match="SHA256"):
        full_object(ALGORITHMS["SHA256"], [(checksum_of("SHA256", b""), 0)])


def test_a_composite_checksum_is_the_checksum_of_checksums():
    crcs = [zlib.crc32(part).to_bytes(4, "big") for part in (b"one", b"two")]
    expected = b64encode(zlib.crc32(b"".join(crcs)).to_bytes(4, "big")).decode()
    assert composite(ALGORITHMS["CRC32"], [b64encode(crc).decode() for crc in crcs]) == f"{expected}-2"


def test_a_checksum_tells_its_type():
    assert checksum_type("abc=") is ChecksumType.FULL_OBJECT
    assert checksum_type("abc=-2") is ChecksumType.COMPOSITE
    assert checksum_members({"CRC32": "abc=-2"}) == {"ChecksumCRC32": "abc=-2", "ChecksumType": "COMPOSITE"}
    assert checksum_members({}) == {}


@pytest.mark.parametrize(
    ("name", "types"),
    [("CRC64NVME", ["FULL_OBJECT"]), ("CRC32", ["COMPOSITE", "FULL_OBJECT"]), ("SHA256", ["COMPOSITE"])],
)
def test_each_algorithm_has_the_types_that_s3_documents(name, types):
    assert list(ALGORITHMS[name].types) == types


def test_a_claim_stands_in_a_header():
    text = checksum_of("SHA256", b"x")
    assert read_claims({"ChecksumSHA256": text}) == Claims(algorithm=ALGORITHMS["SHA256"], value=text)
    md5 = b64encode(hashlib.md5(b"x").digest()).decode()
    assert read_claims({"ContentMD5": md5}).md5 == hashlib.md5(b"x").digest()
    # "If you provide an individual checksum, Amazon S3 ignores any provided ChecksumAlgorithm parameter."
    assert read_claims({"ChecksumSHA256": text, "ChecksumAlgorithm": "CRC32"}).algorithm is ALGORITHMS["SHA256"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"ContentMD5": "not base64!"}, "InvalidDigest"),
        ({"ContentMD5": "c2hvcnQ="}, "InvalidDigest"),
        ({"ChecksumCRC32": "AAAA"}, "InvalidRequest"),
        ({"ChecksumCRC32": "AAAAA==="}, "InvalidRequest"),
        ({"ChecksumCRC32": "AAAAAA==", "ChecksumCRC32C": "AAAAAA=="}, "InvalidRequest"),
        ({"ChecksumAlgorithm": "ROT13"}, "InvalidRequest"),
    ],
)
def test_what_is_no_claim_is_refused(params, code):
    with pytest.raises(ServiceError) as refused:
        read_claims(params)
    assert refused.value.code == code


def test_a_claim_may_come_in_a_trailer():
    text = checksum_of("CRC32", b"x")
    claims = read_claims({"ChecksumAlgorithm": "CRC32"}).with_trailers({"x-amz-checksum-crc32": text})
    assert claims == Claims(algorithm=ALGORITHMS["CRC32"], value=text)
    assert Claims().with_trailers({"x-amz-checksum-crc32": text}) == claims
    assert Claims().with_trailers({}) == Claims()


def test_an_algorithm_without_a_value_anywhere_is_refused():
    with pytest.raises(ServiceError, match="no corresponding"):
        read_claims({"ChecksumAlgorithm": "CRC32"}).with_trailers({})


def test_two_trailers_or_a_header_and_a_trailer_are_refused():
    crc, sha = checksum_of("CRC32", b"x"), checksum_of("SHA1", b"x")
    with pytest.raises(ServiceError, match="single"):
        Claims().with_trailers({"x-amz-checksum-crc32": crc, "x-amz-checksum-sha1": sha})
    with pytest.raises(ServiceError, match="single"):
        read_claims({"ChecksumSHA1": sha}).with_trailers({"x-amz-checksum-crc32": crc})


def test_wrong_digests_are_told_apart():
    digests = Digests([])
    digests.update(b"x")
    with pytest.raises(ServiceError) as refused:
        Claims(md5=b"0" * 16).check_md5(digests)
    assert refused.value.code == "BadDigest"
    assert refused.value.members["CalculatedDigest"] == b64encode(hashlib.md5(b"x").digest()).decode()
    Claims(md5=hashlib.md5(b"x").digest()).check_md5(digests)
    with pytest.raises(ServiceError, match="The CRC32 you specified did not match"):
        check_value(ALGORITHMS["CRC32"], "AAAAAA==", "AAAAAQ==")


def test_algorithms_are_named_in_any_case():
    assert algorithm_named("crc32c") is ALGORITHMS["CRC32C"]
