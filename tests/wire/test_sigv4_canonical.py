from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.utils import normalize_url_path
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.signatures import ACCESS_KEY_ID, SECRET_KEY

from crossdock.wire.http import Headers, HttpRequest
from crossdock.wire.sigv4 import parse_authorization, verify
from crossdock.wire.sigv4_canonical import canonical_headers, canonical_path, canonical_query, signing_key, to_bytes

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HOST = ("Host", "examplebucket.s3.amazonaws.com")
DATE = ("x-amz-date", "20130524T000000Z")


def authorization(names, signature):
    return (
        "Authorization",
        f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={names},Signature={signature}",
    )


# S3 API Reference, "Authenticating Requests: Using the Authorization Header" and "Using Query Parameters".
DOCUMENTED = {
    "GET object": HttpRequest(
        method="GET",
        path="/test.txt",
        headers=Headers(
            [
                HOST,
                DATE,
                ("Range", "bytes=0-9"),
                ("x-amz-content-sha256", EMPTY),
                authorization(
                    "host;range;x-amz-content-sha256;x-amz-date",
                    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
                ),
            ]
        ),
    ),
    "PUT object": HttpRequest(
        method="PUT",
        path="/test$file.text",
        headers=Headers(
            [
                HOST,
                DATE,
                ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
                authorization(
                    "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
                ),
            ]
        ),
        body=b"Welcome to Amazon S3.",
    ),
    "GET bucket lifecycle": HttpRequest(
        method="GET",
        path="/",
        query="lifecycle",
        headers=Headers(
            [
                HOST,
                DATE,
                ("x-amz-content-sha256", EMPTY),
                authorization(
                    "host;x-amz-content-sha256;x-amz-date",
                    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
                ),
            ]
        ),
    ),
    "GET bucket": HttpRequest(
        method="GET",
        path="/",
        query="max-keys=2&prefix=J",
        headers=Headers(
            [
                HOST,
                DATE,
                ("x-amz-content-sha256", EMPTY),
                authorization(
                    "host;x-amz-content-sha256;x-amz-date",
                    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
                ),
            ]
        ),
    ),
    "presigned": HttpRequest(
        method="GET",
        path="/test.txt",
        query="X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={ACCESS_KEY_ID}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
        "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        headers=Headers([HOST]),
    ),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_signatures_that_aws_documents_are_verified(name):
    request = DOCUMENTED[name]
    claim = parse_authorization(request, flavour="s3")
    verify(claim, request, SECRET_KEY, now=datetime(2013, 5, 24, tzinfo=UTC), flavour="s3")


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("", "/"),
        ("/a/b-c_d.e~f", "/a/b-c_d.e~f"),
        ("/a b", "/a%20b"),
        ("/a%20b", "/a%20b"),
        ("/%61%2f%2F", "/a//"),
        ("/a+b(c)!'*$", "/a%2Bb%28c%29%21%27%2A%24"),
        ("/a/../b//./c/", "/a/../b//./c/"),
        ("/%c3%a9", "/%C3%A9"),
        ("/%ff", "/%FF"),
        ("/é", "/%C3%A9"),
        ("/\udcff", "/%FF"),
    ],
)
def test_s3_paths_are_encoded_once(raw, canonical):
    assert canonical_path(raw, is_s3=True) == canonical


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("", "/"),
        ("/", "/"),
        ("/a%20b", "/a%2520b"),
        ("/a/../b//./c/", "/b/c/"),
        ("/../..", "/"),
        ("//", "/"),
        ("a/./b", "a/b"),
    ],
)
def test_other_paths_are_normalised_and_encoded_again(raw, canonical):
    assert canonical_path(raw, is_s3=False) == canonical


@given(st.lists(st.sampled_from(["a", "b%20c", ".", "..", "", "/", "...", ".a"]), max_size=8))
def test_paths_are_normalised_as_botocore_does(segments):
    path = "/" + "/".join(segments)
    expected = SigV4Auth(None, "", "")._normalize_url_path(path)
    assert canonical_path(path, is_s3=False) == expected
    assert normalize_url_path(path)


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("", ""),
        ("acl", "acl="),
        ("b=2&a=1", "a=1&b=2"),
        ("a=2&a=1", "a=1&a=2"),
        ("a=1&&b=2&", "a=1&b=2"),
        ("a=b=c", "a=b%3Dc"),
        ("a=b%3Dc", "a=b%3Dc"),
        ("a=b%3dc", "a=b%3Dc"),
        ("a=%41%7e%2D", "a=A~-"),
        ("a=%41", "a=A"),
        ("prefix=a/b", "prefix=a%2Fb"),
        ("prefix=a+b", "prefix=a%20b"),
        ("prefix=é", "prefix=%C3%A9"),
        ("a=1&X-Amz-Signature=abc", "a=1"),
        ("aa=1&a-b=2&a=3", "a=3&a-b=2&aa=1"),
    ],
)
def test_query_is_encoded_and_sorted(raw, canonical):
    assert canonical_query(raw) == canonical


@given(st.lists(st.tuples(st.text(min_size=1, max_size=5), st.text(max_size=5)), max_size=5))
def test_query_is_what_botocore_signs(pairs):
    auth = SigV4Auth(None, "", "")
    pairs = [(name, value) for name, value in pairs if _encodable(name + value)]
    signed = auth._canonical_query_string_params(pairs)
    assert canonical_query(signed) == signed


def _encodable(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def test_headers_are_trimmed_joined_and_one_a_line():
    headers = Headers([("Host", " h "), ("X-A", " a   b\t c "), ("x-a", "d"), ("x-empty", "")])
    names = ("host", "x-a", "x-empty", "x-missing")
    assert canonical_headers(headers, names) == "host:h\nx-a:a b c,d\nx-empty:\nx-missing:\n"


def test_signing_key_is_the_documented_one():
    key = signing_key(SECRET_KEY, "20130524", "us-east-1", "s3")
    assert key.hex() == "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378"


def test_text_becomes_the_bytes_of_the_wire():
    assert to_bytes("é\udcff") == b"\xc3\xa9\xff"
