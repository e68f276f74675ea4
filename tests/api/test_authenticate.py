"""Who a request is from: AWS's own refusals in every protocol, over real sockets."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from tests.fakes.http_client import ask, plain, signed
from tests.fakes.http_cloud import serve_cloud

from crossdock.operations.operation import Operation, ServiceOperations, needs

FORM = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The simplest call of a service, for a client and for its oracle."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def json_call(target: str, version: str) -> Call:
    headers = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}"}
    return Call(method="POST", target="/", headers=headers, body=b"{}")


def form_call(action: str, version: str) -> Call:
    body = f"Action={action}&Version={version}".encode()
    return Call(method="POST", target="/", headers={"Content-Type": FORM}, body=body)


CALLS = {
    "s3": Call(method="GET", target="/", headers={}, body=b""),
    "sts": form_call("GetCallerIdentity", "2011-06-15"),
    "iam": form_call("ListRoles", "2010-05-08"),
    "cloudformation": form_call("ListStacks", "2010-05-15"),
    "ec2": form_call("DescribeVpcs", "2016-11-15"),
    "transfer": json_call("TransferService.ListServers", "1.1"),
    "secretsmanager": json_call("secretsmanager.ListSecrets", "1.1"),
    "logs": json_call("Logs_20140328.DescribeLogGroups", "1.1"),
    "lambda": Call(method="GET", target="/2015-03-31/functions/", headers={}, body=b""),
}
FLAVOURS = {
    **dict.fromkeys(("sts", "iam", "cloudformation"), "query"),
    **dict.fromkeys(("transfer", "secretsmanager", "logs"), "json"),
    "s3": "s3",
    "ec2": "ec2",
    "lambda": "rest-json",
}
# Sources: S3 API Reference, "Error responses"; the "Common Errors" pages of the other services.
CODES = {
    "unknown key": {
        "s3": (403, "InvalidAccessKeyId"),
        "query": (403, "InvalidClientTokenId"),
        "json": (400, "UnrecognizedClientException"),
        "rest-json": (403, "UnrecognizedClientException"),
        "ec2": (401, "AuthFailure"),
    },
    "wrong secret": {
        "s3": (403, "SignatureDoesNotMatch"),
        "query": (403, "SignatureDoesNotMatch"),
        "json": (400, "InvalidSignatureException"),
        "rest-json": (403, "InvalidSignatureException"),
        "ec2": (403, "SignatureDoesNotMatch"),
    },
    "clock behind": {
        "s3": (403, "RequestTimeTooSkewed"),
        "query": (403, "SignatureDoesNotMatch"),
        "json": (400, "InvalidSignatureException"),
        "rest-json": (403, "InvalidSignatureException"),
        "ec2": (403, "SignatureDoesNotMatch"),
    },
    "expired session": {
        "s3": (400, "ExpiredToken"),
        "query": (403, "ExpiredToken"),
        "json": (400, "ExpiredTokenException"),
        "rest-json": (403, "ExpiredTokenException"),
        "ec2": (403, "RequestExpired"),
    },
    "foreign token": {
        "s3": (400, "InvalidToken"),
        "query": (403, "InvalidClientTokenId"),
        "json": (400, "UnrecognizedClientException"),
        "rest-json": (403, "UnrecognizedClientException"),
        "ec2": (401, "AuthFailure"),
    },
    "no signature": {
        "s3": (403, "AccessDenied"),
        "query": (403, "MissingAuthenticationToken"),
        "json": (400, "MissingAuthenticationTokenException"),
        "rest-json": (403, "MissingAuthenticationTokenException"),
        "ec2": (403, "MissingAuthenticationToken"),
    },
    "no region": {
        "s3": (400, "AuthorizationHeaderMalformed"),
        "query": (403, "IncompleteSignature"),
        "json": (400, "IncompleteSignatureException"),
        "rest-json": (403, "IncompleteSignatureException"),
        "ec2": (403, "IncompleteSignature"),
    },
}
CODES["clock ahead"] = CODES["clock behind"]


def sign(key: object, service: str, **how: object) -> bytes:
    call = CALLS[service]
    return signed(key, service, call.method, call.target, headers=call.headers, body=call.body, **how)


async def faulty(cloud, fault: str, service: str) -> bytes:
    call = CALLS[service]
    key = await cloud.key_of("hub")
    match fault:
        case "unknown key":
            return sign(replace(key, access_key_id="AKIAUNKNOWNUNKNOWN00"), service)
        case "wrong secret":
            return sign(replace(key, secret_access_key="x" * 40), service)
        case "clock behind":
            return sign(key, service, skew=timedelta(minutes=-16))
        case "clock ahead":
            return sign(key, service, skew=timedelta(minutes=16))
        case "expired session":
            session = await cloud.session_of(await cloud.role("visitor", ["*"], ["*"]), duration_s=900)
            cloud.s3.parts.clock.advance(900)
            return sign(session, service, token=session.session_token, skew=timedelta(seconds=900))
        case "foreign token":
            session = await cloud.session_of(await cloud.role("visitor", ["*"], ["*"]))
            return sign(session, service, token=session.session_token[:-4] + "AAAA")
        case "no region":
            return sign(key, service, region="us:east")
        case _:
            return plain(call.method, call.target, call.headers, call.body)


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("fault", CODES)
async def test_who_is_not_who_they_say_is_refused_as_aws_does(fault, service):
    async with serve_cloud() as cloud:
        answer = await ask(cloud.port, await faulty(cloud, fault, service))
    assert (answer.status, answer.code) == CODES[fault][FLAVOURS[service]]
    assert len(answer.request_id) == 36
    assert answer.message


OPERATIONS = {
    "cloudformation": "ListStacks",
    "ec2": "DescribeVpcs",
    "transfer": "ListServers",
    "secretsmanager": "ListSecrets",
    "logs": "DescribeLogGroups",
    "lambda": "ListFunctions",
}
"""What CALLS asks of the services that this cloud has not."""


async def never(_call: object) -> dict[str, object]:
    raise AssertionError("must not run")


def services() -> list[ServiceOperations]:
    return [
        ServiceOperations(
            service=service, operations={name: Operation(handler=never, permissions=needs(f"{service}:{name}"))}
        )
        for service, name in OPERATIONS.items()
    ]


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("is_made_anew", [False, True])
async def test_a_session_whose_role_is_gone_is_refused_like_a_key_that_nobody_has(service, is_made_anew):
    async with serve_cloud(*services()) as cloud:
        session = await cloud.session_of(await cloud.role("visitor", ["*"], ["*"]))
        await cloud.s3.iam("DeleteRolePolicy", RoleName="visitor", PolicyName="what")
        await cloud.s3.iam("DeleteRole", RoleName="visitor")
        if is_made_anew:
            await cloud.role("visitor", ["*"], ["*"])
        answer = await ask(cloud.port, sign(session, service, token=session.session_token))
    assert (answer.status, answer.code) == CODES["unknown key"][FLAVOURS[service]]
    assert answer.message
    assert b"AROA" not in answer.body


@pytest.mark.parametrize("service", ["sts", "iam", "s3"])
async def test_whoever_signs_rightly_is_let_in(service):
    async with serve_cloud() as cloud:
        answer = await ask(cloud.port, sign(await cloud.key_of("hub"), service))
        session = await cloud.session_of(await cloud.role("visitor", ["*"], ["*"]))
        as_session = await ask(cloud.port, sign(session, service, token=session.session_token))
    assert (answer.status, as_session.status) == (200, 200)


async def test_the_caller_is_the_one_whose_key_signed():
    async with serve_cloud() as cloud:
        answers = [await ask(cloud.port, sign(await cloud.key_of(name), "sts")) for name in ("hub", "partner")]
    assert b"arn:aws:iam::111111111111:user/crossdock-admin" in answers[0].body
    assert b"arn:aws:iam::222222222222:user/crossdock-admin" in answers[1].body


async def test_a_session_token_beside_a_long_lived_key_is_refused():
    async with serve_cloud() as cloud:
        key = await cloud.key_of("hub")
        session = await cloud.session_of(await cloud.role("visitor", ["*"], ["*"]))
        answer = await ask(cloud.port, sign(key, "sts", token=session.session_token))
    assert (answer.status, answer.code) == (403, "InvalidClientTokenId")


async def test_a_temporary_key_without_its_token_is_refused():
    async with serve_cloud() as cloud:
        session = await cloud.session_of(await cloud.role("visitor", ["*"], ["*"]))
        answer = await ask(cloud.port, sign(session, "s3"))
    assert (answer.status, answer.code) == (400, "InvalidToken")


@pytest.mark.parametrize("service", [service for service in CALLS if CALLS[service].body])
async def test_a_body_that_was_changed_on_the_way_breaks_the_signature(service):
    async with serve_cloud() as cloud:
        body = CALLS[service].body
        answer = await ask(cloud.port, sign(await cloud.key_of("hub"), service, sent=body[:-1] + b" "))
    assert (answer.status, answer.code) == CODES["wrong secret"][FLAVOURS[service]]


async def test_the_body_of_an_unknown_key_is_never_read():
    """Memory and time are for those who have a key; a signature that covers the body can only be checked later."""
    async with serve_cloud() as cloud:
        stranger = replace(await cloud.key_of("hub"), access_key_id="AKIAUNKNOWNUNKNOWN00")
        call = CALLS["secretsmanager"]
        request = signed(stranger, "secretsmanager", "POST", "/", headers=call.headers, body=call.body)
        head = request.partition(b"\r\n\r\n")[0].replace(b"Content-Length: 2", b"Content-Length: 9999999")
        answer = await ask(cloud.port, head + b"\r\n\r\n")
    assert (answer.status, answer.code) == (400, "UnrecognizedClientException")


async def test_secrets_of_the_request_are_not_told_back():
    async with serve_cloud() as cloud:
        key = await cloud.key_of("hub")
        for service in CALLS:
            answer = await ask(cloud.port, sign(replace(key, secret_access_key="x" * 40), service))
            assert key.secret_access_key.encode() not in answer.body
            assert json.dumps(dict(answer.headers)).count(key.secret_access_key) == 0
