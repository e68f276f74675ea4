"""Where requests go: host and path, exact to the byte."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.adapters.aws.endpoint import Address, S3Endpoint, is_of_aws
from crossdock.core.errors import InvalidName
from crossdock.core.homes import ObjectPlace


def address(url: str, *, bucket: str = "box", key: str = "in/file", region: str | None = None, **how) -> Address:
    endpoint = S3Endpoint(url=url, region="us-east-1", **how)
    return endpoint.address(ObjectPlace(bucket=bucket, key=key), region=region)


@pytest.mark.parametrize(
    ("url", "how", "origin", "path"),
    [
        ("https://s3.amazonaws.com", {}, "https://box.s3.amazonaws.com", "/in/file"),
        ("https://s3.amazonaws.com", {"path_style": True}, "https://s3.amazonaws.com", "/box/in/file"),
        ("http://storage.example:9000", {}, "http://box.storage.example:9000", "/in/file"),
        ("http://storage.example:80/", {}, "http://box.storage.example", "/in/file"),
        ("https://storage.example:443", {}, "https://box.storage.example", "/in/file"),
        ("https://storage.example/s3/", {"path_style": True}, "https://storage.example", "/s3/box/in/file"),
        ("https://storage.example/s3", {}, "https://box.storage.example", "/s3/in/file"),
        ("http://127.0.0.1:7480", {}, "http://127.0.0.1:7480", "/box/in/file"),
        ("http://[::1]:7480", {}, "http://[::1]:7480", "/box/in/file"),
    ],
)
def test_a_bucket_is_in_the_host_name_where_it_can_be(url, how, origin, path):
    found = address(url, **how)
    assert (found.origin, found.path) == (origin, path)
    assert found.host == origin.partition("://")[2]


@pytest.mark.parametrize("bucket", ["with.dots", "Capital", "under_score", "ab", "x" * 64, "tenant:box"])
def test_a_bucket_that_no_host_name_or_certificate_covers_is_in_the_path(bucket):
    assert address("https://s3.amazonaws.com", bucket=bucket).origin == "https://s3.amazonaws.com"


def test_without_tls_a_bucket_with_dots_is_in_the_host_name():
    assert address("http://s3.amazonaws.com", bucket="with.dots").host == "with.dots.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("host", "elsewhere"),
    [
        ("s3.amazonaws.com", "s3.eu-west-1.amazonaws.com"),
        ("s3.us-east-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"),
        ("s3.dualstack.us-east-1.amazonaws.com", "s3.dualstack.eu-west-1.amazonaws.com"),
        ("s3-fips.us-east-1.amazonaws.com", "s3-fips.eu-west-1.amazonaws.com"),
    ],
)
def test_another_region_of_aws_is_another_host(host, elsewhere):
    assert address(f"https://{host}", is_regional=True, region="eu-west-1").host == f"box.{elsewhere}"
    assert address(f"https://{host}", is_regional=True, region="us-east-1").host == f"box.{host}"
    assert address(f"https://{host}", is_regional=True).host == f"box.{host}"


def test_what_is_known_of_a_bucket_is_of_one_endpoint_and_one_region():
    ours = S3Endpoint(url="https://s3.us-east-1.amazonaws.com", region="us-east-1", is_regional=True)
    theirs = S3Endpoint(url="http://127.0.0.1:7480", region="us-east-1")
    for _ in range(2):
        for key in ("a", "b"):
            place = ObjectPlace(bucket="box", key=key)
            assert ours.address(place, region="us-east-1").host == "box.s3.us-east-1.amazonaws.com"
            assert ours.address(place, region="eu-west-1").host == "box.s3.eu-west-1.amazonaws.com"
            assert theirs.address(place, region="us-east-1").path == f"/box/{key}"


def test_aws_is_known_by_its_hosts():
    own = ("https://s3.amazonaws.com", "https://s3.cn-north-1.amazonaws.com.cn", "https://s3.us-east-1.api.aws")
    assert all(is_of_aws(url) for url in own)
    others = ("http://127.0.0.1:7480", "https://amazonaws.com.example", "https://notamazonaws.com")
    assert not any(is_of_aws(url) for url in others)


def test_another_vendor_has_one_host_for_all_regions():
    assert address("https://us-east-1.example", region="eu-west-1").host == "box.us-east-1.example"


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_a_key_comes_out_of_the_path_as_it_went_in(key):
    path = address("http://127.0.0.1", key=key).path
    assert unquote(path.removeprefix("/box/")) == key
    assert path.isascii()


@pytest.mark.parametrize("key", ["a//b", "./x", "a/../b", "..", "folder/", "/lead", "~a-b_c.d"])
def test_what_path_rules_would_change_is_kept(key):
    assert address("http://127.0.0.1", key=key).path == f"/box/{key}"


@pytest.mark.parametrize(
    ("bucket", "key"), [("box", ""), ("no/bucket", "key"), ("", "key"), ("b" * 256, "key"), ("box", "lone \udcff")]
)
def test_what_is_no_name_is_refused(bucket, key):
    with pytest.raises(InvalidName):
        address("http://127.0.0.1", bucket=bucket, key=key)
