"""Which service a request is for, and S3's bucket when it stands in the host name: every service shares one port."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from crossdock.wire.http import HttpRequest
from crossdock.wire.sigv4_claims import scope_service

S3 = "s3"

# Where the name in a credential scope is not botocore's.
_SIGNING_NAMES = {"monitoring": "cloudwatch", "email": "ses", "elasticloadbalancing": "elbv2"}

_TARGETS = {
    "AWSOrganizationsV20161128": "organizations",
    "AmazonSSM": "ssm",
    "CertificateManager": "acm",
    "Logs_20140328": "logs",
    "TransferService": "transfer",
    "secretsmanager": "secretsmanager",
}
_TARGET = re.compile(r"[A-Za-z0-9_.]{1,128}")
_VERSIONS = {
    "2010-05-08": "iam",
    "2010-05-15": "cloudformation",
    "2011-06-15": "sts",
    "2016-11-15": "ec2",
}
_LAMBDA_PATH = re.compile(r"/20\d\d-\d\d-\d\d/(?:functions|event-source-mappings|layers|tags)(?:/|\Z)", re.ASCII)
_S3_CONTROL_PATH = "/v20180820/"

_FORM_VERSION = re.compile(r"(?:^|&)Version=([0-9-]{10})(?:&|\Z)")
_FORM_ACTION = re.compile(r"(?:^|&)Action=[A-Za-z0-9]+(?:&|\Z)")
_SERVICE_NAME = re.compile(r"[a-z0-9-]{1,64}")
_AWS_HOST = re.compile(r"(?:[a-z0-9-]+\.)*?([a-z0-9-]+)(?:[.-][a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?")

_AWS = "amazonaws.com"
"""Clients reach us under AWS's own names when somebody's DNS says so."""
_BASES = frozenset({"localhost", _AWS})
_BUCKET = re.compile(r"[a-z0-9._-]+")
_S3_FRONT = re.compile(r"(?:([a-z0-9._-]+)\.)?s3(?:[.-][a-z]{2}(?:-[a-z]+)+-\d)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a request goes."""

    service: str
    """botocore's name of the service; a name that nobody here serves is passed on for the caller to refuse."""
    bucket_in_host: str | None
    request: HttpRequest
    """For S3 with its bucket in the path; the signature covers the original."""


def route(request: HttpRequest, *, virtual_hosts: Sequence[str]) -> Route:
    """Choose the service by what is most certain: signature scope, target, action, host, path; else it is S3.

    Args:
        virtual_hosts: Base domains under which a label in front is a bucket, besides `localhost`.
    """
    service = _service(request)
    if service != S3:
        return Route(service=service, bucket_in_host=None, request=request)
    bucket = bucket_in_host(_host(request), virtual_hosts)
    if bucket is None:
        return Route(service=S3, bucket_in_host=None, request=request)
    path = request.path if request.path.startswith("/") else "/" + request.path
    return Route(service=S3, bucket_in_host=bucket, request=replace(request, path=f"/{bucket}{path}"))


def _service(request: HttpRequest) -> str:
    signed_for = scope_service(request)
    if signed_for is not None and _SERVICE_NAME.fullmatch(signed_for):
        if signed_for == S3 and request.path.startswith(_S3_CONTROL_PATH) and "x-amz-account-id" in request.headers:
            # S3 Control signs as S3 and would otherwise read and write a bucket called v20180820.
            return "s3control"
        return _SIGNING_NAMES.get(signed_for, signed_for)
    target = request.headers.get("x-amz-target", "").rpartition(".")[0]
    if target in _TARGETS:
        return _TARGETS[target]
    if request.method == "POST" and _TARGET.fullmatch(target):
        # Of a service that is not here: S3 knows no such header.
        return target
    return _form_service(request) or _host_service(_host(request)) or _path_service(request.path)


def _form_service(request: HttpRequest) -> str | None:
    """The query services are told apart by the version of their API."""
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    form = request.body.decode("latin-1") if is_form and request.method == "POST" else request.query
    if _FORM_ACTION.search(form) is None:
        return None
    version = _FORM_VERSION.search(form)
    return _VERSIONS.get(version[1]) if version is not None else None


def _host_service(host: str) -> str | None:
    match = _AWS_HOST.fullmatch(host)
    return match[1] if match is not None and match[1] in _HOSTED else None


_HOSTED = frozenset({*_TARGETS.values(), *_VERSIONS.values(), "lambda"})


def _path_service(path: str) -> str:
    return "lambda" if _LAMBDA_PATH.match(path) else S3


def _host(request: HttpRequest) -> str:
    """The host without port, in lower case; an address in brackets stays so."""
    host = request.headers.get("host", "").strip().lower()
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).rstrip(".")


def bucket_in_host(host: str, virtual_hosts: Sequence[str]) -> str | None:
    """The bucket in front of a base domain, of `s3` or of `s3.<region>` below one.

    The longest base wins, so that `s3.localhost` is no bucket called s3.
    """
    bases = {*_BASES, *(name.lower() for name in virtual_hosts)}
    for base in sorted(bases, key=len, reverse=True):
        if not host.endswith("." + base):
            continue
        front = host[: -len(base) - 1]
        match = _S3_FRONT.fullmatch(front)
        if match is not None:
            return match[1]
        return front if _BUCKET.fullmatch(front) and base != _AWS else None
    return None
