"""Objects on their way in, in every form that S3 knows, whole and spoiled."""

import asyncio
import os
from base64 import b64encode
from hashlib import sha256
from zlib import crc32

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.web_protocol import RequestPayloadError
from tests.fakes.http_client import (
    SIGNED_CHUNKS,
    SIGNED_TRAILER,
    UNSIGNED_TRAILER,
    ask,
    connect,
    plain,
    signed,
    signed_chunks,
)
from tests.fakes.http_cloud import serve_cloud

from crossdock.api.bodies import Invitation, RequestBody
from crossdock.core.errors import ServiceError
from crossdock.settings import ApiSettings

CONTENT = os.urandom(700_000)
PIECES = (CONTENT[:65536], CONTENT[65536:400_000], CONTENT[400_000:])
SUM = {"x-amz-checksum-crc32": b64encode(crc32(CONTENT).to_bytes(4, "big")).decode()}
TARGET = "/box/key"


def in_http_chunks(content: bytes) -> bytes:
    halves = (content[:1000], content[1000:])
    return b"".join(b"%x\r\n%s\r\n" % (len(half), half) for half in halves if half) + b"0\r\n\r\n"


FORMS = {
    "signed": lambda key: signed(key, "s3", "PUT", TARGET, body=CONTENT),
    "not signed": lambda key: signed(key, "s3", "PUT", TARGET, body=CONTENT, payload_hash="UNSIGNED-PAYLOAD"),
    "in HTTP's chunks": lambda key: signed(
        key, "s3", "PUT", TARGET, body=CONTENT, sent=in_http_chunks(CONTENT), extra={"Transfer-Encoding": "chunked"}
    ),
    "in signed chunks": lambda key: signed_chunks(key, "PUT", TARGET, PIECES),
    "in signed chunks with a trailer": lambda key: signed_chunks(
        key, "PUT", TARGET, PIECES, form=SIGNED_TRAILER, trailers=SUM
    ),
    "in chunks with a trailer": lambda key: signed_chunks(
        key, "PUT", TARGET, PIECES, form=UNSIGNED_TRAILER, trailers=SUM
    ),
}


async def assert_keys(cloud, *keys: str) -> None:
    """The bucket holds these, and no bytes lie anywhere that none of them refers to."""
    assert await cloud.s3.keys("box") == list(keys)
    await cloud.s3.check_tidy()


@pytest.mark.parametrize("form", FORMS)
async def test_an_object_arrives_in_every_form(form):
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        answer = await ask(cloud.port, FORMS[form](await cloud.key_of("hub")))
        assert (answer.status, answer.body) == (200, b"")
        assert await cloud.s3.read("box", "key") == CONTENT


@pytest.mark.parametrize("form", [SIGNED_CHUNKS, SIGNED_TRAILER, UNSIGNED_TRAILER, "UNSIGNED-PAYLOAD", ""])
async def test_an_object_may_be_empty(form):
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        key = await cloud.key_of("hub")
        if form.startswith("STREAMING"):
            trailers = {"x-amz-checksum-crc32": "AAAAAA=="} if "TRAILER" in form else None
            request = signed_chunks(key, "PUT", TARGET, [], form=form, trailers=trailers)
        else:
            request = signed(key, "s3", "PUT", TARGET, payload_hash=form)
        assert (await ask(cloud.port, request)).status == 200
        assert await cloud.s3.read("box", "key") == b""


SPOILED = {
    "another body than was signed": (
        lambda key: signed(key, "s3", "PUT", TARGET, body=CONTENT, sent=CONTENT[::-1]),
        (400, "XAmzContentSHA256Mismatch"),
    ),
    "nothing where a body was signed": (
        lambda key: signed(key, "s3", "PUT", TARGET, body=CONTENT, sent=b""),
        (400, "XAmzContentSHA256Mismatch"),
    ),
    "a changed byte in a signed chunk": (
        lambda key: signed_chunks(
            key, "PUT", TARGET, PIECES, spoil=lambda body: body[:5000] + bytes([body[5000] ^ 1]) + body[5001:]
        ),
        (403, "SignatureDoesNotMatch"),
    ),
    "a chunk less": (
        lambda key: signed_chunks(key, "PUT", TARGET, PIECES[:2], size=len(CONTENT)),
        (400, "IncompleteBody"),
    ),
    "more than was announced": (
        lambda key: signed_chunks(key, "PUT", TARGET, PIECES, size=len(CONTENT) - 1),
        (400, "IncompleteBody"),
    ),
    "bytes after the last chunk": (
        lambda key: signed_chunks(key, "PUT", TARGET, PIECES, spoil=lambda body: body + b"more"),
        (400, "InvalidRequest"),
    ),
    "no chunks at all": (
        lambda key: signed_chunks(key, "PUT", TARGET, PIECES, spoil=lambda body: CONTENT),
        (400, "InvalidRequest"),
    ),
    "a trailer that was not announced": (
        lambda key: signed_chunks(
            key,
            "PUT",
            TARGET,
            PIECES,
            form=UNSIGNED_TRAILER,
            trailers=SUM,
            spoil=lambda body: body.replace(b"crc32", b"crc99"),
        ),
        (400, "MalformedTrailerError"),
    ),
    "a trailer with another checksum": (
        lambda key: signed_chunks(
            key, "PUT", TARGET, PIECES, form=UNSIGNED_TRAILER, trailers={"x-amz-checksum-crc32": "AAAAAA=="}
        ),
        (400, "BadDigest"),
    ),
    "a length that is none": (
        lambda key: signed(
            key,
            "s3",
            "PUT",
            TARGET,
            headers={"X-Amz-Decoded-Content-Length": "-1"},
            payload_hash=SIGNED_CHUNKS,
            body=b"0",
        ),
        (411, "MissingContentLength"),
    ),
    "a word that S3 does not know": (
        lambda key: signed(key, "s3", "PUT", TARGET, payload_hash="STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"),
        (400, "InvalidArgument"),
    ),
    "no length": (
        lambda key: signed(key, "s3", "PUT", TARGET, extra={"Content-Length": ""}),
        (411, "MissingContentLength"),
    ),
    "HTTP chunks that are none": (
        lambda key: signed(
            key, "s3", "PUT", TARGET, sent=b"3\r\nabcdef\r\n0\r\n\r\n", extra={"Transfer-Encoding": "chunked"}
        ),
        (400, "BadRequest"),
    ),
}


@pytest.mark.parametrize("spoiled", SPOILED)
async def test_a_spoiled_body_is_refused_and_leaves_what_was_there(spoiled):
    make, expected = SPOILED[spoiled]
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"old")
        answer = await ask(cloud.port, make(await cloud.key_of("hub")))
        assert (answer.status, answer.code) == expected
        assert await cloud.s3.read("box", "key") == b"old"
        await assert_keys(cloud, "key")


@pytest.mark.parametrize("ending", ["reset", "closed", "half closed"])
@pytest.mark.parametrize("form", FORMS)
async def test_a_body_that_is_cut_leaves_nothing(form, ending):
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        request = FORMS[form](await cloud.key_of("hub"))
        async with connect(cloud.port) as wire:
            await wire.send(request[: len(request) // 2])
            if ending == "reset":
                wire.reset()
            elif ending == "closed":
                wire.writer.close()
            else:
                wire.writer.write_eof()
                await wire.ends()
        # The next answer comes when the service has nothing else to do for this client.
        await cloud.server.close()
        await assert_keys(cloud)


async def test_a_client_that_stops_sending_is_told_so_and_leaves_nothing():
    async with serve_cloud(settings=ApiSettings(stalled_timeout_s=0.2)) as cloud:
        await cloud.s3.bucket("box")
        request = FORMS["signed"](await cloud.key_of("hub"))
        async with connect(cloud.port) as wire:
            await wire.send(request[:-1])
            answer = await wire.answer()
            assert (answer.status, answer.code) == (400, "RequestTimeout")
        await assert_keys(cloud)


async def test_http_chunks_that_become_none_while_they_are_read_leave_nothing():
    """aiohttp's parser gives no more of them and does not say why, so that they end as a client that stops sending."""
    async with serve_cloud(settings=ApiSettings(stalled_timeout_s=0.2)) as cloud:
        await cloud.s3.bucket("box")
        extra = {"Transfer-Encoding": "chunked", "Expect": "100-continue", "Content-Length": ""}
        async with connect(cloud.port) as wire:
            await wire.send(signed(await cloud.key_of("hub"), "s3", "PUT", TARGET, extra=extra))
            assert (await wire.answer()).status == 100
            await wire.send(b"3\r\nabc\r\nno size\r\n")
            answer = await wire.answer()
            assert (answer.status, answer.code) == (400, "RequestTimeout")
        await assert_keys(cloud)


# Expect: 100-continue.


def expecting(key, *, content: bytes = CONTENT) -> tuple[bytes, bytes]:
    """Head and body of an upload whose client waits to be invited."""
    request = signed(key, "s3", "PUT", TARGET, body=content, extra={"Expect": "100-continue"})
    return request[: -len(content)], content


async def test_a_client_that_waits_is_invited_once_it_may_write():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        head, body = expecting(await cloud.key_of("hub"))
        async with connect(cloud.port) as wire:
            await wire.send(head)
            assert (await wire.answer()).status == 100
            await wire.send(body)
            answer = await wire.answer()
            assert answer.status == 200
            assert "connection" not in answer.headers
        assert await cloud.s3.read("box", "key") == CONTENT


async def test_a_client_that_may_not_write_is_refused_before_it_sends():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        head, _ = expecting(await cloud.key_of("partner"))
        async with connect(cloud.port) as wire:
            await wire.send(head)
            answer = await wire.answer()
            assert (answer.status, answer.code) == (403, "AccessDenied")
            # What comes next could be the body or another request: nobody can tell.
            assert answer.headers["connection"] == "close"


async def test_documents_are_invited_too():
    async with serve_cloud() as cloud:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = b"Action=GetCallerIdentity&Version=2011-06-15"
        key = await cloud.key_of("hub")
        request = signed(key, "sts", "POST", headers=headers, body=body, extra={"Expect": "100-Continue"})
        async with connect(cloud.port) as wire:
            await wire.send(request[: -len(body)])
            assert (await wire.answer()).status == 100
            await wire.send(body)
            assert (await wire.answer()).status == 200


async def test_an_old_client_is_not_invited():
    """RFC 9110 §10.1.1: a server ignores the expectation in a request of HTTP/1.0."""
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        head, body = expecting(await cloud.key_of("hub"))
        answer = await ask(cloud.port, head.replace(b"HTTP/1.1", b"HTTP/1.0") + body)
        assert answer.status == 200


# What the operation sees.


def body_of(*events: bytes | Exception, length: int = -1) -> RequestBody:
    """A body whose connection brought these, and ended."""
    content = StreamReader(BaseProtocol(asyncio.get_running_loop()), 1 << 20)
    for event in events:
        if isinstance(event, Exception):
            content.set_exception(event)
        else:
            content.feed_data(event)
    content.feed_eof()
    return RequestBody(
        content, length=length, claim=None, decoder=None, invitation=Invitation(WaitingRequest()), stall_s=1
    )


class WaitingRequest:
    """A request whose client waits to be invited and has left meanwhile."""

    headers = {"Expect": "100-continue"}
    version = (1, 1)
    transport = None


async def test_a_body_ends_as_long_as_it_said_or_not_at_all():
    assert [piece async for piece in body_of(b"abc", length=3)] == [b"abc"]
    assert [piece async for piece in body_of(b"abc")] == [b"abc"]
    for length in (2, 4):
        with pytest.raises(ServiceError, match="IncompleteBody"):
            [piece async for piece in body_of(b"abc", length=length)]


@pytest.mark.parametrize("error", [RequestPayloadError("bad"), ConnectionResetError("gone"), OSError("unreachable")])
async def test_a_body_whose_connection_fails_is_incomplete(error):
    with pytest.raises(ServiceError, match="IncompleteBody"):
        [piece async for piece in body_of(b"abc", error)]


# Who may write.


async def test_an_unsigned_upload_needs_a_policy_for_everybody():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        request = plain("PUT", TARGET, body=CONTENT)
        answer = await ask(cloud.port, request)
        assert (answer.status, answer.code) == (403, "AccessDenied")
        statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::box/*"}
        await cloud.s3.policy("box", statement)
        assert (await ask(cloud.port, request)).status == 200
        assert await cloud.s3.read("box", "key") == CONTENT


async def test_unsigned_chunks_cannot_claim_to_be_signed():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::box/*"}
        await cloud.s3.policy("box", statement)
        headers = {"X-Amz-Content-Sha256": SIGNED_CHUNKS, "X-Amz-Decoded-Content-Length": "0"}
        answer = await ask(cloud.port, plain("PUT", TARGET, headers, b"0\r\n\r\n"))
        assert (answer.status, answer.code) == (403, "AccessDenied")


async def test_many_upload_at_once_and_each_object_is_its_own():
    contents = {f"key{number}": os.urandom(100_000 + number) for number in range(20)}
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        key = await cloud.key_of("hub")
        answers = await asyncio.gather(
            *(ask(cloud.port, signed(key, "s3", "PUT", f"/box/{name}", body=body)) for name, body in contents.items())
        )
        assert {answer.status for answer in answers} == {200}
        for name, body in contents.items():
            assert sha256(await cloud.s3.read("box", name)).digest() == sha256(body).digest()
