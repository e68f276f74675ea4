from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.aws_models import model_of, outcome, serialize
from tests.fakes.signatures import (
    ACCESS_KEY_ID,
    SECRET_KEY,
    S3SigV4Auth,
    S3SigV4QueryAuth,
    SigV4Auth,
    SigV4QueryAuth,
    presigned_by_botocore,
    signed_by_botocore,
)

from crossdock.core.errors import ServiceError
from crossdock.wire.http import Headers, HttpRequest
from crossdock.wire.sigv4 import (
    Claim,
    Credentials,
    VerifiedSignature,
    check_payload,
    parse_authorization,
    sign,
    verify,
)

NOW = datetime.now(UTC)
JSON_HEADERS = {"X-Amz-Target": "TransferService.DescribeServer", "Content-Type": "application/x-amz-json-1.1"}


def check(request, *, flavour="json", secret=SECRET_KEY, now=None):
    claim = parse_authorization(request, flavour=flavour)
    assert claim is not None
    return claim, verify(claim, request, secret, now=now or datetime.now(UTC), flavour=flavour)


def refusal(request, *, flavour="json", secret=SECRET_KEY, now=None):
    with pytest.raises(ServiceError) as refused:
        check(request, flavour=flavour, secret=secret, now=now)
    return refused.value


def without(headers, name):
    return Headers([pair for pair in headers if pair[0] != name])


def test_json_request_of_botocore_is_verified():
    request = signed_by_botocore(SigV4Auth, "transfer", method="POST", headers=JSON_HEADERS, body=b'{"ServerId": "s"}')
    claim, verified = check(request)
    assert (claim.access_key_id, claim.region, claim.service) == (ACCESS_KEY_ID, "us-east-1", "transfer")
    assert claim.expires_s is None
    assert not claim.is_presigned
    assert claim.security_token is None
    assert verified.signature == claim.signature
    assert verified.scope == f"{claim.date}/us-east-1/transfer/aws4_request"
    assert verified.stamp == claim.stamp


def test_session_token_is_claimed():
    request = signed_by_botocore(SigV4Auth, "sts", method="POST", body=b"Action=GetCallerIdentity", token="a token")
    claim, _ = check(request, flavour="query")
    assert claim.security_token == "a token"
    assert "a token" not in repr(claim)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4566/bucket/key",
        "http://localhost:4566/bucket/a%20b/%C3%A9/x%2By",
        "http://localhost:4566/bucket/a/../b//c/./",
        "http://localhost:4566/bucket?uploads",
        "http://localhost:4566/bucket?list-type=2&prefix=a%2Fb%20c&delimiter=%2F&max-keys=5",
        "http://localhost:4566/bucket?b=2&a=2&a=1",
        "http://localhost/bucket",
        "http://bucket.localhost:4566/key~.-_",
    ],
)
def test_s3_requests_of_botocore_are_verified(url):
    request = signed_by_botocore(
        S3SigV4Auth, "s3", method="PUT", url=url, body=b"data", headers={"x-amz-meta-a": "  b   c "}
    )
    claim, _ = check(request, flavour="s3")
    assert claim.payload_hash == sha256(b"data").hexdigest()


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4566/2015-03-31/functions/arn%3Aaws%3Alambda%3Af/invocations",
        "http://localhost:4566/2015-03-31/functions/a/../b//c/./?Qualifier=%24LATEST",
        "http://localhost:4566/2017-03-31/tags/a?tagKeys=b&tagKeys=a",
        "http://localhost:4566",
    ],
)
def test_rest_requests_of_botocore_are_verified(url):
    check(signed_by_botocore(SigV4Auth, "lambda", method="POST", url=url, body=b"{}"), flavour="rest-json")


def test_requests_whose_query_botocore_keeps_apart_are_verified():
    params = {"prefix": "a/b c+d", "list-type": "2", "delimiter": "/"}
    request = signed_by_botocore(S3SigV4Auth, "s3", url="http://localhost:4566/bucket", params=params)
    assert "list-type=2" in request.query
    check(request, flavour="s3")


def test_requests_of_every_protocol_as_botocore_sends_them_are_verified():
    for service, operation, params, signer in (
        ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": '{"a": "ä+ &="}'}, SigV4Auth),
        ("ec2", "DescribeVpcs", {"VpcIds": ["a"]}, SigV4Auth),
        ("lambda", "Invoke", {"FunctionName": "arn:aws:lambda:f", "Payload": b"{}"}, SigV4Auth),
        ("s3", "GetObject", {"Bucket": "b", "Key": "a b/+ä?=&"}, S3SigV4Auth),
        ("s3", "CreateMultipartUpload", {"Bucket": "b", "Key": "k"}, S3SigV4Auth),
    ):
        prepared = serialize(model_of(service), operation, params)
        headers = {name: value for name, value in prepared.headers.items() if name != "Content-Length"}
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body or b""
        request = signed_by_botocore(
            signer, service, method=prepared.method, url=prepared.url, headers=headers, body=body
        )
        check(request, flavour="s3" if service == "s3" else "json")


def test_presigned_url_of_botocore_is_verified_until_it_expires():
    request = presigned_by_botocore(
        S3SigV4QueryAuth, "s3", url="http://localhost:4566/b/a%20b?versionId=x", token="t/o+k="
    )
    claim, _ = check(request, flavour="s3")
    assert claim.is_presigned
    assert claim.expires_s == 60
    assert claim.security_token == "t/o+k="
    assert claim.payload_hash == "UNSIGNED-PAYLOAD"
    late = claim.amz_date + timedelta(seconds=61)
    error = refusal(request, flavour="s3", now=late)
    assert (error.code, error.message, error.status) == ("AccessDenied", "Request has expired", 403)
    assert error.members["X-Amz-Expires"] == "60"
    early = claim.amz_date - timedelta(minutes=16)
    assert refusal(request, flavour="s3", now=early).message == "Request is not yet valid"


def test_presigned_put_may_carry_a_body():
    request = presigned_by_botocore(S3SigV4QueryAuth, "s3", method="PUT", url="http://localhost:4566/b/k")
    check(replace(request, body=b"anything"), flavour="s3")


def test_presigned_query_request_is_verified():
    url = "http://localhost:4566/?Action=GetCallerIdentity&Version=2011-06-15"
    request = presigned_by_botocore(SigV4QueryAuth, "sts", url=url)
    claim, _ = check(request, flavour="query")
    error = refusal(request, flavour="query", now=claim.amz_date + timedelta(minutes=2))
    assert error.code == "SignatureDoesNotMatch"
    assert error.message.startswith("Signature expired")
    error = refusal(request, flavour="query", now=claim.amz_date - timedelta(minutes=6))
    assert error.message.startswith("Signature not yet current")


@pytest.mark.parametrize(
    ("flavour", "code", "status"),
    [
        ("s3", "SignatureDoesNotMatch", 403),
        ("json", "InvalidSignatureException", 400),
        ("rest-json", "InvalidSignatureException", 403),
        ("query", "SignatureDoesNotMatch", 403),
        ("ec2", "SignatureDoesNotMatch", 403),
    ],
)
def test_wrong_secret_is_refused_in_the_flavours_words(flavour, code, status):
    signer = S3SigV4Auth if flavour == "s3" else SigV4Auth
    error = refusal(signed_by_botocore(signer, "s3", body=b"x"), flavour=flavour, secret="another")
    assert (error.code, error.status) == (code, status)


@pytest.mark.parametrize(
    "change",
    [
        lambda request: replace(request, method="PUT"),
        lambda request: replace(request, path="/other"),
        lambda request: replace(request, query="a=1"),
        lambda request: replace(request, headers=Headers([*request.headers, ("x-amz-meta-a", "1")])),
        lambda request: replace(request, headers=without(request.headers, "x-amz-meta-b")),
        lambda request: replace(request, body=b"other"),
    ],
)
def test_changed_requests_are_refused(change):
    request = signed_by_botocore(
        S3SigV4Auth, "s3", url="http://localhost:4566/b/k", body=b"data", headers={"x-amz-meta-b": "1"}
    )
    check(request, flavour="s3")
    assert refusal(change(request), flavour="s3").status in (400, 403)


def test_body_that_is_not_the_signed_one_is_refused_for_other_services_too():
    headers = {**JSON_HEADERS, "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    request = signed_by_botocore(SigV4Auth, "transfer", method="POST", headers=JSON_HEADERS, body=b"{}")
    assert refusal(replace(request, body=b"{} ")).code == "InvalidSignatureException"
    # Nobody may leave the body of a JSON request unsigned.
    unsigned = signed_by_botocore(SigV4Auth, "transfer", method="POST", headers=headers, body=b"{}")
    assert refusal(unsigned).code == "InvalidSignatureException"


def test_s3_header_that_is_not_signed_is_refused():
    request = signed_by_botocore(S3SigV4Auth, "s3", url="http://localhost:4566/b/k")
    added = replace(request, headers=Headers([*request.headers, ("x-amz-copy-source", "/b/secret")]))
    error = refusal(added, flavour="s3")
    assert (error.code, error.members) == ("AccessDenied", {"HeadersNotSigned": "x-amz-copy-source"})


@pytest.mark.parametrize(("flavour", "code"), [("s3", "AccessDenied"), ("json", "InvalidSignatureException")])
def test_host_must_be_signed(flavour, code):
    headers = {"Host": "localhost"}
    now = datetime.now(UTC)
    added = signed(headers, now=now)
    authorization = added["Authorization"].replace("host;", "")
    request = HttpRequest(
        method="GET",
        path="/b/k",
        headers=Headers([*headers.items(), *{**added, "Authorization": authorization}.items()]),
    )
    assert refusal(request, flavour=flavour).code == code


@pytest.mark.parametrize(
    ("flavour", "minutes", "code", "start"),
    [
        ("s3", 16, "RequestTimeTooSkewed", "The difference"),
        ("s3", -16, "RequestTimeTooSkewed", "The difference"),
        ("json", 6, "InvalidSignatureException", "Signature expired"),
        ("json", -6, "InvalidSignatureException", "Signature not yet current"),
        ("query", 6, "SignatureDoesNotMatch", "Signature expired"),
    ],
)
def test_skewed_clocks_are_refused(flavour, minutes, code, start):
    signer = S3SigV4Auth if flavour == "s3" else SigV4Auth
    request = signed_by_botocore(signer, "s3")
    error = refusal(request, flavour=flavour, now=datetime.now(UTC) + timedelta(minutes=minutes))
    assert error.code == code
    assert error.message.startswith(start)
    within = datetime.now(UTC) + timedelta(minutes=4)
    check(request, flavour=flavour, now=within)


def test_date_header_may_stand_for_x_amz_date():
    request = signed_by_botocore(SigV4Auth, "iam", method="POST", headers={"Date": "Mon, 01 Jan 2024 00:00:00 GMT"})
    assert "x-amz-date" not in request.headers
    check(request, flavour="query")


def signed(headers, *, method="GET", path="/b/k", query="", service="s3", now=NOW, token=None, payload_hash=None):
    return sign(
        method=method,
        path=path,
        query=query,
        headers=headers,
        credentials=Credentials(access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_KEY, session_token=token),
        now=now,
        region="us-east-1",
        service=service,
        payload_hash=payload_hash or sha256(b"").hexdigest(),
    )


@pytest.mark.parametrize("token", [None, "a/token+of=many"])
@pytest.mark.parametrize(
    ("signer", "service", "method", "path", "query", "body"),
    [
        (S3SigV4Auth, "s3", "PUT", "/b/a%20b/%C3%A9//x%2By", "", b"data"),
        (S3SigV4Auth, "s3", "GET", "/b", "delimiter=%2F&list-type=2&prefix=a%2Fb", b""),
        (S3SigV4Auth, "s3", "POST", "/b/k", "uploads=", b""),
        (SigV4Auth, "lambda", "POST", "/2015-03-31/functions/a%3Ab/invocations", "Qualifier=%241", b"{}"),
        (SigV4Auth, "transfer", "POST", "/", "", b"{}"),
    ],
)
def test_our_signature_is_byte_for_byte_botocores(signer, service, method, path, query, body, token):
    headers = {
        "Content-Type": "text/plain",
        "X-Amz-Meta-B": " a  b ",
        "User-Agent": "proxies change me",
        "Accept": "*/*",
    }
    url = f"http://localhost:4566{path}" + (f"?{query}" if query else "")
    request = signed_by_botocore(signer, service, method=method, url=url, headers=headers, body=body, token=token)
    claim = parse_authorization(request)
    added = signed(
        {**headers, "Host": "localhost:4566"},
        method=method,
        path=path,
        query=query,
        service=service,
        now=claim.amz_date,
        token=token,
        payload_hash=sha256(body).hexdigest(),
    )
    for name, value in added.items():
        assert request.headers.get(name) == value
    assert ("X-Amz-Content-SHA256" in added) is (service == "s3")
    assert ("X-Amz-Security-Token" in added) is (token is not None)


def test_what_we_sign_we_verify():
    headers = {"Host": "localhost", "x-amz-meta-a": "ä"}
    added = signed(headers, method="PUT", payload_hash="UNSIGNED-PAYLOAD", now=datetime.now(UTC))
    request = HttpRequest(method="PUT", path="/b/k", headers=Headers([*headers.items(), *added.items()]), body=b"any")
    check(request, flavour="s3")
    assert "wJalr" not in repr(Credentials(access_key_id="a", secret_access_key=SECRET_KEY, session_token="token"))


def test_payload_hash_is_compared_unless_nobody_signed_it():
    request = signed_by_botocore(S3SigV4Auth, "s3", body=b"data")
    claim = parse_authorization(request, flavour="s3")
    check_payload(claim, sha256(b"data").hexdigest())
    with pytest.raises(ServiceError) as refused:
        check_payload(claim, sha256(b"other").hexdigest())
    assert refused.value.code == "XAmzContentSHA256Mismatch"
    check_payload(replace(claim, payload_hash="UNSIGNED-PAYLOAD"), sha256(b"other").hexdigest())
    check_payload(replace(claim, payload_hash="STREAMING-UNSIGNED-PAYLOAD-TRAILER"), "")


def test_keys_do_not_show_in_a_repr():
    claim, verified = check(signed_by_botocore(SigV4Auth, "iam", method="POST"), flavour="query")
    assert verified.signing_key.hex() not in repr(verified)
    assert repr(verified.signing_key) not in repr(verified)
    assert SECRET_KEY not in repr(claim)


ODD = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=[]), max_size=12)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["s3", "json", "query", "rest-json", "ec2"]),
    st.sampled_from(["authorization", "x-amz-date", "x-amz-content-sha256", "host", "x-amz-security-token"]),
    ODD,
    ODD,
    ODD,
)
def test_nothing_but_a_service_error_ever_comes_of_a_request(flavour, name, value, path, query):
    request = signed_by_botocore(S3SigV4Auth, "s3", url="http://localhost:4566/b/k")
    odd = value if name != "authorization" else request.headers.get(name).replace("Signature=", f"Signature={value}")
    headers = Headers([*without(request.headers, name), (name, odd)])
    mixed = HttpRequest(
        method="GET", path="/b/k" + path, query="X-Amz-Signature" * (value > path) + query, headers=headers
    )
    claim = outcome(lambda: parse_authorization(mixed, flavour=flavour))
    if isinstance(claim, Claim):
        claim = outcome(lambda: verify(claim, mixed, SECRET_KEY, now=datetime.now(UTC), flavour=flavour))
    assert claim is None or isinstance(claim, VerifiedSignature) or 400 <= claim.status < 500
