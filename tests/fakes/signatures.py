"""Requests signed by botocore's own signers, as our edge would see them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.fakes.aws_models import as_request

from crossdock.wire.http import HttpRequest

ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def signed_by_botocore(
    signer: type[SigV4Auth],
    service: str,
    *,
    method: str = "GET",
    url: str = "http://localhost:4566/",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    token: str | None = None,
    region: str = "us-east-1",
    params: Mapping[str, str] | None = None,
) -> HttpRequest:
    request = AWSRequest(method=method, url=url, headers=dict(headers or {}), data=body, params=params)
    signer(Credentials(ACCESS_KEY_ID, SECRET_KEY, token), service, region).add_auth(request)
    return as_request(request.prepare())


def presigned_by_botocore(
    signer: type[SigV4QueryAuth],
    service: str,
    *,
    method: str = "GET",
    url: str = "http://localhost:4566/",
    expires: int = 60,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpRequest:
    request = AWSRequest(method=method, url=url, headers=dict(headers or {}))
    signer(Credentials(ACCESS_KEY_ID, SECRET_KEY, token), service, "us-east-1", expires=expires).add_auth(request)
    return as_request(request.prepare())


def stamp_of(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


__all__ = [
    "ACCESS_KEY_ID",
    "SECRET_KEY",
    "S3SigV4Auth",
    "S3SigV4QueryAuth",
    "SigV4Auth",
    "SigV4QueryAuth",
    "presigned_by_botocore",
    "signed_by_botocore",
    "stamp_of",
]
