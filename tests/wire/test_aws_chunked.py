import hmac
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO

import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.aws_models import outcome
from tests.fakes.signatures import ACCESS_KEY_ID, SECRET_KEY

from crossdock.core.errors import ServiceError
from crossdock.wire.aws_chunked import MAX_LINE_BYTES, MAX_TRAILER_BYTES, AwsChunkedDecoder, open_decoder
from crossdock.wire.http import Headers, HttpRequest
from crossdock.wire.sigv4 import VerifiedSignature, parse_authorization, verify

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

# The examples of the S3 API Reference: 65,536 and 1,024 letters, then the empty chunk.
DOCUMENTED_CHUNKS = (
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)
DOCUMENTED_TRAILER_CHUNKS = (
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
)
DOCUMENTED_TRAILER = (
    b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
    b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)


def documented_seed(payload_hash, signature, names):
    headers = {
        "Host": "s3.amazonaws.com",
        "x-amz-date": "20130524T000000Z",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        "x-amz-content-sha256": payload_hash,
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": "66560",
        "Content-Length": "66824",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={names},Signature={signature}",
    }
    if payload_hash == SIGNED_TRAILER:
        headers["x-amz-trailer"] = "x-amz-checksum-crc32c"
    request = HttpRequest(method="PUT", path="/examplebucket/chunkObject.txt", headers=Headers(headers.items()))
    claim = parse_authorization(request, flavour="s3")
    now = datetime(2013, 5, 24, tzinfo=UTC)
    return request, claim, verify(claim, request, SECRET_KEY, now=now, flavour="s3")


def documented_body(signatures):
    out = b""
    for size, signature in zip((65536, 1024, 0), signatures, strict=True):
        out += f"{size:x};chunk-signature={signature}\r\n".encode() + b"a" * size + (b"\r\n" if size else b"")
    return out


def decode(decoder, body, piece=1000):
    out = b""
    for at in range(0, len(body), piece):
        out += b"".join(bytes(part) for part in decoder.feed(body[at : at + piece]))
    decoder.check_finished()
    return out


@pytest.mark.parametrize("piece", [1, 7, 1000, 65536, 10**6])
def test_documented_example_is_verified_however_it_is_cut(piece):
    request, claim, verified = documented_seed(
        SIGNED,
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length"
        ";x-amz-storage-class",
    )
    decoder = open_decoder(request.headers, claim.payload_hash, verified)
    assert decode(decoder, documented_body(DOCUMENTED_CHUNKS) + b"\r\n", piece) == b"a" * 66560
    assert decoder.finished
    assert decoder.trailers == {}


@pytest.mark.parametrize("piece", [1, 1000, 10**6])
def test_documented_example_with_a_trailer_is_verified(piece):
    request, claim, verified = documented_seed(
        SIGNED_TRAILER,
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class"
        ";x-amz-trailer",
    )
    decoder = open_decoder(request.headers, claim.payload_hash, verified)
    body = documented_body(DOCUMENTED_TRAILER_CHUNKS) + DOCUMENTED_TRAILER
    assert decode(decoder, body, piece) == b"a" * 66560
    assert decoder.trailers == {"x-amz-checksum-crc32c": "sOO8/Q=="}


@pytest.mark.parametrize("piece", [1, 33, 10**6])
@pytest.mark.parametrize("data", [b"", b"x", b"abc" * 1000])
def test_unsigned_body_of_botocore_is_decoded(data, piece):
    wrapper = AwsChunkedWrapper(
        BytesIO(data), checksum_cls=Crc32Checksum, checksum_name="x-amz-checksum-crc32", chunk_size=1024
    )
    body = wrapper.read()
    headers = Headers([("x-amz-decoded-content-length", str(len(data))), ("X-Amz-Trailer", "x-amz-checksum-CRC32")])
    decoder = open_decoder(headers, UNSIGNED_TRAILER, None)
    assert decode(decoder, body, piece) == data
    checksum = Crc32Checksum()
    checksum.update(data)
    assert decoder.trailers == {"x-amz-checksum-crc32": checksum.b64digest()}


KEY = b"k" * 32
SEED = VerifiedSignature(
    signature="0" * 64, signing_key=KEY, scope="20240101/us-east-1/s3/aws4_request", stamp="20240101T000000Z"
)


def signature(kind, previous, *hashes):
    text = "\n".join((f"AWS4-HMAC-SHA256-{kind}", SEED.stamp, SEED.scope, previous, *hashes))
    return hmac.new(KEY, text.encode(), sha256).hexdigest()


def signed_body(*chunks, trailers=None):
    previous, out = SEED.signature, b""
    for chunk in (*chunks, b""):
        previous = signature("PAYLOAD", previous, sha256(b"").hexdigest(), sha256(chunk).hexdigest())
        out += f"{len(chunk):x};chunk-signature={previous}\r\n".encode()
        out += chunk + b"\r\n" if chunk else b""
    if trailers is None:
        return out + b"\r\n"
    canonical = "".join(f"{name}:{value}\n" for name, value in sorted(trailers.items()))
    lines = "".join(f"{name}:{value}\r\n" for name, value in trailers.items())
    final = signature("TRAILER", previous, sha256(canonical.encode()).hexdigest())
    return out + f"{lines}x-amz-trailer-signature:{final}\r\n\r\n".encode()


def signed_decoder(length, payload_hash=SIGNED, trailers=()):
    return AwsChunkedDecoder(payload_hash, decoded_length=length, verified=SEED, expected_trailers=frozenset(trailers))


def unsigned_decoder(length, trailers=()):
    return AwsChunkedDecoder(UNSIGNED_TRAILER, decoded_length=length, expected_trailers=frozenset(trailers))


def refusal(decoder, body):
    with pytest.raises(ServiceError) as refused:
        decode(decoder, body)
    return refused.value.code


def test_changed_chunk_is_refused():
    body = signed_body(b"one", b"two")
    assert decode(signed_decoder(6), body) == b"onetwo"
    assert refusal(signed_decoder(6), body.replace(b"two", b"2wo")) == "SignatureDoesNotMatch"


def test_chunks_in_another_order_are_refused():
    body = signed_body(b"one", b"two")
    first, second, rest = body[:89], body[89:178], body[178:]
    assert first + second + rest == body
    assert refusal(signed_decoder(6), second + first + rest) == "SignatureDoesNotMatch"


def test_body_cut_after_a_chunk_is_refused():
    body = signed_body(b"one", b"two")
    assert refusal(signed_decoder(6), body[:89]) == "IncompleteBody"
    assert refusal(signed_decoder(6), body[:50]) == "IncompleteBody"
    assert refusal(signed_decoder(6), body[:-2]) == "IncompleteBody"


def test_end_that_is_not_signed_is_refused():
    body = signed_body(b"one", b"two")
    ended = body[:89] + b"0;chunk-signature=" + b"a" * 64 + b"\r\n\r\n"
    assert refusal(signed_decoder(3), ended) == "SignatureDoesNotMatch"


def test_changed_trailer_is_refused():
    trailers = {"x-amz-checksum-sha1": "abc=", "x-amz-checksum-crc32": "def="}
    body = signed_body(b"one", trailers=trailers)
    decoder = signed_decoder(3, SIGNED_TRAILER, trailers)
    assert decode(decoder, body) == b"one"
    assert decoder.trailers == trailers
    assert (
        refusal(signed_decoder(3, SIGNED_TRAILER, trailers), body.replace(b"abc=", b"xyz=")) == "SignatureDoesNotMatch"
    )
    unsigned_end = body[: body.index(b"x-amz-trailer-signature")] + b"\r\n"
    assert refusal(signed_decoder(3, SIGNED_TRAILER, trailers), unsigned_end) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"3\r\none\r\n0\r\n\r\n", None),
        (b"3\none\n0\n\n", None),
        (b"1\r\no\r\n2\r\nne\r\n0\r\n\r\n", None),
        (b"", "IncompleteBody"),
        (b"3\r\none\r\n0\r\n", "IncompleteBody"),
        (b"3\r\non", "IncompleteBody"),
        (b"4\r\nfour\r\n0\r\n\r\n", "IncompleteBody"),
        (b"2\r\ntw\r\n0\r\n\r\n", "IncompleteBody"),
        (b"ffffffffffffffff\r\n", "IncompleteBody"),
        (b"3\r\nonexx\r\n0\r\n\r\n", "InvalidRequest"),
        (b"-3\r\none", "InvalidRequest"),
        (b"0x3\r\none", "InvalidRequest"),
        (b"three\r\none", "InvalidRequest"),
        (b"\r\n3\r\none", "InvalidRequest"),
        (b"3;ext=1\r\none\r\n0\r\n\r\n", "InvalidRequest"),
        (b"3;chunk-signature=" + b"a" * 64 + b"\r\none\r\n0\r\n\r\n", "InvalidRequest"),
        (b"1" * 17 + b"\r\n", "InvalidRequest"),
        (b"0" * (MAX_LINE_BYTES + 2), "InvalidRequest"),
        (b"0" * 10**6, "InvalidRequest"),
        (b"3\r\none\r\n0\r\n\r\nmore", "InvalidRequest"),
        (b"3\r\none\r\n0\r\nx-amz-checksum-crc32:abc=\r\n\r\n", "MalformedTrailerError"),
        (b"3\r\none\r\n0\r\nno colon\r\n\r\n", "MalformedTrailerError"),
        (b"3\r\none\r\n0\r\na:\x01\r\n\r\n", "MalformedTrailerError"),
        (b"3\r\none\r\n0\r\na:1\r\na:2\r\n\r\n", "MalformedTrailerError"),
        (b"3\r\none\r\n0\r\na:" + b"x" * MAX_TRAILER_BYTES + b"\r\n\r\n", "InvalidRequest"),
        (b"3\r\none\r\n0\r\n" + b"".join(b"a%d:%s\r\n" % (i, b"x" * 100) for i in range(100)), "InvalidRequest"),
    ],
)
def test_framing_is_read_strictly_and_in_bounds(body, code):
    for piece in (1, 10**7) if len(body) < 10**4 else (1000,):
        decoder = unsigned_decoder(3)
        if code is None:
            assert decode(decoder, body, piece) == b"one"
        else:
            with pytest.raises(ServiceError) as refused:
                decode(decoder, body, piece)
            assert refused.value.code == code


def test_announced_trailer_that_does_not_come_is_refused():
    assert refusal(unsigned_decoder(3, ["x-amz-checksum-crc32"]), b"3\r\none\r\n0\r\n\r\n") == "MalformedTrailerError"


def test_signed_form_needs_a_signature_and_signed_chunks():
    with pytest.raises(ServiceError) as refused:
        AwsChunkedDecoder(SIGNED, decoded_length=3)
    assert refused.value.code == "AccessDenied"
    assert refusal(signed_decoder(3), b"3\r\none\r\n0\r\n\r\n") == "InvalidRequest"


def test_other_forms_are_not_implemented():
    with pytest.raises(ServiceError) as refused:
        AwsChunkedDecoder("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", decoded_length=3)
    assert refused.value.status == 501


def test_trailers_show_only_at_the_end():
    decoder = unsigned_decoder(0, ["a"])
    decoder.feed(b"0\r\na:1\r\n")
    assert (decoder.finished, decoder.trailers) == (False, {})
    decoder.feed(b"\r\n")
    assert (decoder.finished, decoder.trailers) == (True, {"a": "1"})


def test_pieces_are_views_of_what_was_fed():
    data = b"3\r\none\r\n0\r\n\r\n"
    (piece,) = unsigned_decoder(3).feed(data)
    assert isinstance(piece, memoryview)
    assert piece.obj is data


@pytest.mark.parametrize(
    ("payload_hash", "headers", "code"),
    [
        ("UNSIGNED-PAYLOAD", [], None),
        ("0" * 64, [], None),
        (UNSIGNED_TRAILER, [], "MissingContentLength"),
        (UNSIGNED_TRAILER, [("x-amz-decoded-content-length", "-1")], "MissingContentLength"),
        (SIGNED, [("x-amz-decoded-content-length", "1")], "AccessDenied"),
    ],
)
def test_decoder_is_opened_by_the_requests_headers(payload_hash, headers, code):
    if code is None:
        assert open_decoder(Headers(headers), payload_hash, None) is None
        return
    with pytest.raises(ServiceError) as refused:
        open_decoder(Headers(headers), payload_hash, None)
    assert refused.value.code == code


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=50), max_size=4), st.data())
def test_any_body_cut_or_changed_anywhere_is_decoded_or_refused(chunks, data):
    body = bytearray(signed_body(*chunks, trailers={"a": "1"}))
    whole = b"".join(chunks)
    decoder = signed_decoder(len(whole), SIGNED_TRAILER, ["a"])
    assert decode(decoder, bytes(body), data.draw(st.integers(1, 60))) == whole
    at = data.draw(st.integers(0, len(body) - 1))
    body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    changed = signed_decoder(len(whole), SIGNED_TRAILER, ["a"])
    found = outcome(lambda: decode(changed, bytes(body)))
    assert found == whole or (isinstance(found, ServiceError) and found.status in (400, 403))
