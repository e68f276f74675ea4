from datetime import UTC, datetime

import pytest

from crossdock.core.errors import ServiceError
from crossdock.wire.http import Headers, HttpRequest
from crossdock.wire.sigv4_claims import parse_authorization, scope_service

STAMP = "20240101T000000Z"
SCOPE = "AKID/20240101/us-east-1/s3/aws4_request"
GOOD = f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, Signature=abc"


def with_header(authorization=GOOD, *, date=STAMP, payload="UNSIGNED-PAYLOAD", query="", more=()):
    headers = [("Authorization", authorization), ("X-Amz-Date", date), ("X-Amz-Content-Sha256", payload), *more]
    return HttpRequest(
        method="GET",
        path="/",
        query=query,
        headers=Headers((name, value) for name, value in headers if value is not None),
    )


def with_query(**changes):
    fields = {
        "Algorithm": "AWS4-HMAC-SHA256",
        "Credential": SCOPE.replace("/", "%2F"),
        "Date": STAMP,
        "Expires": "60",
        "SignedHeaders": "host",
        "Signature": "abc",
        **changes,
    }
    query = "&".join(f"X-Amz-{name}={value}" for name, value in fields.items() if value is not None)
    return HttpRequest(method="GET", path="/", query=query)


def refusal(request, flavour="s3"):
    with pytest.raises(ServiceError) as refused:
        parse_authorization(request, flavour=flavour)
    return refused.value


def test_request_without_a_signature_claims_nothing():
    for query in ("", "prefix=a", "Signature=b", "AWSAccessKeyId=a"):
        assert parse_authorization(HttpRequest(method="GET", path="/", query=query), flavour="s3") is None


def test_header_is_read():
    claim = parse_authorization(with_header(more=[("X-Amz-Security-Token", "t")]), flavour="s3")
    assert (claim.access_key_id, claim.date, claim.region, claim.service) == ("AKID", "20240101", "us-east-1", "s3")
    assert claim.signed_headers == ("host", "x-amz-date")
    assert claim.signature == "abc"
    assert claim.amz_date == datetime(2024, 1, 1, tzinfo=UTC)
    assert (claim.expires_s, claim.is_presigned) == (None, False)
    assert (claim.security_token, claim.payload_hash) == ("t", "UNSIGNED-PAYLOAD")
    assert claim.stamp == STAMP
    assert claim.scope == "20240101/us-east-1/s3/aws4_request"


def test_header_may_have_no_space_after_its_commas():
    assert parse_authorization(with_header(GOOD.replace(", ", ",")), flavour="s3").signature == "abc"


def test_query_is_read():
    claim = parse_authorization(with_query(**{"Security-Token": "t%2B"}), flavour="s3")
    assert (claim.access_key_id, claim.expires_s, claim.is_presigned) == ("AKID", 60, True)
    assert (claim.security_token, claim.payload_hash) == ("t+", "UNSIGNED-PAYLOAD")
    claim = parse_authorization(with_query(**{"Content-Sha256": "a" * 64}), flavour="s3")
    assert claim.payload_hash == "a" * 64
    assert parse_authorization(with_query(), flavour="query").payload_hash == ""


def test_hash_in_a_signed_header_of_a_presigned_request_counts():
    request = with_query(SignedHeaders="host%3Bx-amz-content-sha256")
    request = HttpRequest(
        method="PUT", path="/", query=request.query, headers=Headers([("x-amz-content-sha256", "b" * 64)])
    )
    assert parse_authorization(request, flavour="s3").payload_hash == "b" * 64


@pytest.mark.parametrize(
    ("request_", "s3", "json"),
    [
        (with_header("AWS AKID:signature"), "InvalidRequest", "IncompleteSignatureException"),
        (with_header("Bearer x"), "InvalidRequest", "IncompleteSignatureException"),
        (with_header("AWS4-ECDSA-P256-SHA256 Credential=a"), "InvalidRequest", "IncompleteSignatureException"),
        (with_header(""), "InvalidRequest", "IncompleteSignatureException"),
        (with_header("AWS4-HMAC-SHA256"), "AuthorizationHeaderMalformed", "IncompleteSignatureException"),
        (
            with_header(GOOD.replace("Signature=abc", "")),
            "AuthorizationHeaderMalformed",
            "IncompleteSignatureException",
        ),
        (
            with_header(GOOD.replace("=host;x-amz-date", "=Host")),
            "AuthorizationHeaderMalformed",
            "IncompleteSignatureException",
        ),
        (with_header(GOOD.replace("/s3/", "/")), "AuthorizationHeaderMalformed", "IncompleteSignatureException"),
        (with_header(GOOD.replace("/s3/", "//")), "AuthorizationHeaderMalformed", "IncompleteSignatureException"),
        (
            with_header(GOOD.replace("aws4_request", "aws5")),
            "AuthorizationHeaderMalformed",
            "IncompleteSignatureException",
        ),
        (with_header(f"{GOOD}, Credential={SCOPE}"), "AuthorizationHeaderMalformed", "IncompleteSignatureException"),
        (with_header(date=None), "AccessDenied", "IncompleteSignatureException"),
        (with_header(date="yesterday"), "AccessDenied", "IncompleteSignatureException"),
        (with_header(date="20241301T000000Z"), "AccessDenied", "IncompleteSignatureException"),
        (with_header(date="20240102T000000Z"), "AuthorizationHeaderMalformed", "InvalidSignatureException"),
        (with_query(Signature=None), "AuthorizationQueryParametersError", "IncompleteSignatureException"),
        (with_query(Expires=""), "AuthorizationQueryParametersError", "IncompleteSignatureException"),
        (with_query(Algorithm="AWS4-HMAC-SHA1"), "AuthorizationQueryParametersError", "IncompleteSignatureException"),
        (with_query(Date="2024-01-01"), "AuthorizationQueryParametersError", "IncompleteSignatureException"),
        (with_query(Date="20240102T000000Z"), "AuthorizationQueryParametersError", "IncompleteSignatureException"),
        (with_query(Credential="AKID"), "AuthorizationQueryParametersError", "IncompleteSignatureException"),
        (with_query(SignedHeaders="a b"), "AuthorizationQueryParametersError", "IncompleteSignatureException"),
        (with_query(Expires="soon"), "AuthorizationQueryParametersError", "IncompleteSignatureException"),
        (with_query(Expires="-1"), "AuthorizationQueryParametersError", "IncompleteSignatureException"),
        (with_query(Expires="604801"), "AuthorizationQueryParametersError", "IncompleteSignatureException"),
        (with_query(**{"Credential&X-Amz-Credential": "a"}), "InvalidArgument", "InvalidArgument"),
        (with_header(query="X-Amz-Signature=abc"), "InvalidArgument", "InvalidArgument"),
        (HttpRequest(method="GET", path="/", query="X-Amz-Date=%ff"), "MalformedQueryString", "MalformedQueryString"),
    ],
)
def test_claims_that_cannot_be_read_are_refused_in_the_flavours_words(request_, s3, json):
    assert refusal(request_, "s3").code == s3
    assert refusal(request_, "json").code == json


@pytest.mark.parametrize(
    "request_",
    [
        with_header(),
        with_header(GOOD.replace("Credential", "XCredential=a/20240101/r/iam/aws4_request, Credential")),
        with_query(),
        HttpRequest(method="GET", path="/", query=with_query().query.replace("X-Amz-Credential", "X-Amz%2DCredential")),
    ],
)
def test_routing_reads_the_scope_that_is_verified(request_):
    assert scope_service(request_) == parse_authorization(request_, flavour="s3").service


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest(method="GET", path="/"),
        with_header("Bearer x"),
        with_header("AWS AKID:x"),
        with_query(Credential="AKID"),
        with_query(Date="%ff"),
    ],
)
def test_request_without_a_readable_scope_has_none(request_):
    assert scope_service(request_) is None


def test_date_header_may_stand_for_x_amz_date():
    request = with_header(date=None, more=[("Date", "Mon, 01 Jan 2024 00:00:00 GMT")])
    assert parse_authorization(request, flavour="s3").stamp == STAMP


def test_signature_version_2_in_the_query_is_refused_by_s3():
    query = "AWSAccessKeyId=AKID&Signature=abc&Expires=1"
    request = HttpRequest(method="GET", path="/", query=query)
    assert refusal(request).code == "InvalidRequest"
    assert parse_authorization(request, flavour="query") is None


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (None, "MissingSecurityHeader"),
        ("", "MissingSecurityHeader"),
        ("sha256", "InvalidArgument"),
        ("A" * 64, "InvalidArgument"),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "InvalidArgument"),
    ],
)
def test_s3_wants_to_know_about_the_body(payload, code):
    assert refusal(with_header(payload=payload)).code == code
    assert parse_authorization(with_header(payload=payload), flavour="json") is not None


def test_parameters_given_twice_that_are_no_signature_do_not_matter():
    request = with_query()
    doubled = HttpRequest(method="GET", path="/", query=request.query + "&a=1&a=2")
    assert parse_authorization(doubled, flavour="s3").signature == "abc"
