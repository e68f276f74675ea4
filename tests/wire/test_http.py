import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.aws_models import outcome

from crossdock.core.errors import ServiceError
from crossdock.wire.http import Headers, HttpRequest, HttpResponse, parse_query, percent_decode


def test_header_names_compare_without_case():
    headers = Headers([("Content-Type", "text/plain")])
    assert headers.get("content-type") == "text/plain"
    assert headers.get("CONTENT-TYPE") == "text/plain"
    assert "Content-Type" in headers
    assert "x" not in headers
    assert 5 not in headers


def test_missing_header_is_the_default():
    assert Headers().get("x") is None
    assert Headers().get("x", "y") == "y"
    assert Headers().all("x") == ()


def test_repeated_header_reads_as_what_a_signature_covers():
    headers = Headers([("A", "1"), ("b", "2"), ("a", "3")])
    assert headers.get("a") == "1,3"
    assert headers.all("A") == ("1", "3")
    assert headers.all("b") == ("2",)
    assert list(headers) == [("a", "1"), ("b", "2"), ("a", "3")]


def test_headers_are_values():
    assert Headers([("A", "1")]) == Headers([("a", "1")])
    assert hash(Headers([("A", "1")])) == hash(Headers([("a", "1")]))
    assert Headers([("A", "1")]) != Headers([("a", "2")])
    assert Headers() != "headers"


def test_repr_shows_no_value():
    secret = "AWS4-HMAC-SHA256 Signature=s3cr3t"
    request = HttpRequest(
        method="GET",
        path="/",
        query="X-Amz-Signature=s3cr3t",
        headers=Headers([("Authorization", secret)]),
        body=b"s3cr3t",
    )
    assert "s3cr3t" not in repr(request)
    assert "authorization" in repr(request)
    assert "s3cr3t" not in repr(HttpResponse(status=200, body=b"s3cr3t"))


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        ("", []),
        ("a=1&b=2", [("a", "1"), ("b", "2")]),
        ("uploads", [("uploads", "")]),
        ("a=", [("a", "")]),
        ("a=1&a=2", [("a", "1"), ("a", "2")]),
        ("&&a=1&", [("a", "1")]),
        ("a=b=c", [("a", "b=c")]),
        ("a+b=c+d%2B", [("a b", "c d+")]),
        ("%C3%A9=%E2%82%AC", [("é", "€")]),
        ("a=%zz", [("a", "%zz")]),
    ],
)
def test_query_fields_are_split_then_decoded(raw, fields):
    assert parse_query(raw) == fields


@pytest.mark.parametrize("raw", ["a=%ff", "%ff=a", "a=\udcff"])
def test_query_that_is_not_utf8_is_refused(raw):
    with pytest.raises(ServiceError) as refused:
        parse_query(raw)
    assert refused.value.code == "MalformedQueryString"


def test_plus_in_a_path_stays_a_plus():
    assert percent_decode("a+b%20c") == "a+b c"


@given(st.text())
def test_any_query_is_parsed_or_refused(raw):
    found = outcome(lambda: parse_query(raw))
    if isinstance(found, ServiceError):
        assert found.status == 400
    else:
        assert all(isinstance(text, str) for pair in found for text in pair)
