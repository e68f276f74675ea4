"""Names of buckets and keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.cloud.s3.names import CopySource, check_bucket_name, check_key, parse_copy_source
from crossdock.core.errors import ServiceError


@pytest.mark.parametrize("name", ["abc", "my-bucket", "a.b.c", "0123", "x" * 63, "1.2.3", "a1-.-b".replace(".-", "")])
def test_a_name_by_the_rules_is_taken(name):
    check_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "x" * 64,
        "Abc",
        "a_b",
        "-abc",
        "abc-",
        ".abc",
        "abc.",
        "a..b",
        "192.168.5.4",
        "xn--abc",
        "sthree-abc",
        "amzn-s3-demo-bucket",
        "abc-s3alias",
        "abc--ol-s3",
        "abc.mrap",
        "abc--x-s3",
        "abc\n",
        "a/b/c",
        "bücket",
    ],
)
def test_a_name_against_the_rules_is_refused(name):
    with pytest.raises(ServiceError) as refused:
        check_bucket_name(name)
    assert (refused.value.code, refused.value.status) == ("InvalidBucketName", 400)
    assert refused.value.members == {"BucketName": name}


@pytest.mark.parametrize("key", ["a", "/", "a//b", "../x", "x" * 1024, "é" * 512, "\t\n", "🎉" * 256])
def test_a_key_is_any_text_of_up_to_1024_bytes(key):
    check_key(key)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("x" * 1025, "KeyTooLongError"),
        ("é" * 513, "KeyTooLongError"),
        ("", "InvalidArgument"),
        ("\ud800", "InvalidArgument"),
    ],
)
def test_a_key_is_no_longer_than_1024_bytes_and_is_utf_8(key, code):
    with pytest.raises(ServiceError) as refused:
        check_key(key)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("box/key", CopySource(bucket="box", key="key")),
        ("/box/a/b", CopySource(bucket="box", key="a/b")),
        ("/box//lead", CopySource(bucket="box", key="/lead")),
        ("box/a%2Fb%20c%3F+d", CopySource(bucket="box", key="a/b c?+d")),
        ("box/k%C3%A9y", CopySource(bucket="box", key="kéy")),
        ("box/key?versionId=null", CopySource(bucket="box", key="key", version_id="null")),
    ],
)
def test_a_copy_source_names_bucket_and_key(text, source):
    assert parse_copy_source(text) == source


@pytest.mark.parametrize("text", ["", "box", "box/", "/box", "/", "box/key?versionId=", "box/%ff"])
def test_a_copy_source_without_both_is_refused(text):
    with pytest.raises(ServiceError) as refused:
        parse_copy_source(text)
    assert refused.value.code == "InvalidArgument"


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_a_copy_source(text):
    code = ""
    try:
        source = parse_copy_source(text)
    except ServiceError as error:
        code = error.code
    assert code == "InvalidArgument" or (source.bucket and source.key)
