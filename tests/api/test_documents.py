"""Bodies that are read whole: what they may be, how long they may take, and that they are what was signed."""

import asyncio
from base64 import b64encode
from hashlib import md5
from zlib import crc32

import pytest
from tests.fakes.http_client import (
    SIGNED_CHUNKS,
    UNSIGNED_TRAILER,
    ask,
    connect,
    plain,
    signed,
    signed_chunks,
)
from tests.fakes.http_cloud import serve_cloud

from crossdock.api.documents import BodyMemory
from crossdock.core.errors import ServiceError
from crossdock.settings import ApiSettings

DELETE = b'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>key</Key></Object></Delete>'
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WHO = b"Action=GetCallerIdentity&Version=2011-06-15"
JSON = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.ListSecrets"}


def crc(content: bytes) -> str:
    return b64encode(crc32(content).to_bytes(4, "big")).decode()


# S3's documents.

WHOLE = {
    "signed": lambda key: signed(key, "s3", "POST", "/box?delete", body=DELETE),
    "not signed": lambda key: signed(key, "s3", "POST", "/box?delete", body=DELETE, payload_hash="UNSIGNED-PAYLOAD"),
    "with its MD5": lambda key: signed(
        key,
        "s3",
        "POST",
        "/box?delete",
        body=DELETE,
        headers={"Content-MD5": b64encode(md5(DELETE).digest()).decode()},
    ),
    "with its checksum": lambda key: signed(
        key,
        "s3",
        "POST",
        "/box?delete",
        body=DELETE,
        headers={"x-amz-checksum-crc32": crc(DELETE), "x-amz-sdk-checksum-algorithm": "CRC32"},
    ),
    "in signed chunks": lambda key: signed_chunks(key, "POST", "/box?delete", [DELETE[:50], DELETE[50:]]),
    "in chunks with a trailer": lambda key: signed_chunks(
        key, "POST", "/box?delete", [DELETE], form=UNSIGNED_TRAILER, trailers={"x-amz-checksum-crc32": crc(DELETE)}
    ),
}


@pytest.mark.parametrize("form", WHOLE)
async def test_a_document_arrives_in_every_form(form):
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        answer = await ask(cloud.port, WHOLE[form](await cloud.key_of("hub")))
        assert answer.status == 200
        assert b"<Deleted><Key>key</Key></Deleted>" in answer.body
        assert await cloud.s3.keys("box") == []


SPOILED = {
    "another body than was signed": (
        lambda key: signed(key, "s3", "POST", "/box?delete", body=DELETE, sent=DELETE.replace(b"key<", b"kez<")),
        (400, "XAmzContentSHA256Mismatch"),
    ),
    "no body where one was signed": (
        lambda key: signed(key, "s3", "POST", "/box?delete", body=DELETE, sent=b""),
        (400, "XAmzContentSHA256Mismatch"),
    ),
    "another MD5": (
        lambda key: signed(key, "s3", "POST", "/box?delete", body=DELETE, headers={"Content-MD5": "A" * 22 + "=="}),
        (400, "BadDigest"),
    ),
    "an MD5 that is none": (
        lambda key: signed(key, "s3", "POST", "/box?delete", body=DELETE, headers={"Content-MD5": "none"}),
        (400, "InvalidDigest"),
    ),
    "another checksum": (
        lambda key: signed(
            key, "s3", "POST", "/box?delete", body=DELETE, headers={"x-amz-checksum-sha256": crc(DELETE) + "A" * 36}
        ),
        (400, "InvalidRequest"),
    ),
    "a wrong checksum": (
        lambda key: signed(key, "s3", "POST", "/box?delete", body=DELETE, headers={"x-amz-checksum-crc32": "AAAAAA=="}),
        (400, "BadDigest"),
    ),
    "a wrong checksum in a trailer": (
        lambda key: signed_chunks(
            key, "POST", "/box?delete", [DELETE], form=UNSIGNED_TRAILER, trailers={"x-amz-checksum-crc32": "AAAAAA=="}
        ),
        (400, "BadDigest"),
    ),
    "a changed chunk": (
        lambda key: signed_chunks(
            key, "POST", "/box?delete", [DELETE], spoil=lambda body: body.replace(b"key<", b"kez<")
        ),
        (403, "SignatureDoesNotMatch"),
    ),
    "a chunk less": (
        lambda key: signed_chunks(key, "POST", "/box?delete", [DELETE], form=SIGNED_CHUNKS, size=len(DELETE) + 1),
        (400, "IncompleteBody"),
    ),
    "an entity": (
        lambda key: signed(
            key,
            "s3",
            "POST",
            "/box?delete",
            body=b'<!DOCTYPE d [<!ENTITY k SYSTEM "file:///etc/passwd">]>'
            b"<Delete><Object><Key>&k;</Key></Object></Delete>",
        ),
        (400, "MalformedXML"),
    ),
    "entities of entities": (
        lambda key: signed(
            key,
            "s3",
            "POST",
            "/box?delete",
            body=b"<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'>"
            + b"".join(b"<!ENTITY %c '%s'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
            + b"]><Delete><Object><Key>&j;</Key></Object></Delete>",
        ),
        (400, "MalformedXML"),
    ),
    "elements without end": (
        lambda key: signed(key, "s3", "POST", "/box?delete", body=b"<Delete>" * 100_000),
        (400, "MalformedXML"),
    ),
    "bytes that are no text": (
        lambda key: signed(key, "s3", "POST", "/box?delete", body=b"<Delete>\xff\xfe</Delete>"),
        (400, "MalformedXML"),
    ),
}


@pytest.mark.parametrize("spoiled", SPOILED)
async def test_a_spoiled_document_is_refused_and_does_nothing(spoiled):
    make, expected = SPOILED[spoiled]
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        answer = await ask(cloud.port, make(await cloud.key_of("hub")))
        assert (answer.status, answer.code) == expected
        assert b"root:" not in answer.body
        assert await cloud.s3.keys("box") == ["key"]


async def test_the_checksum_of_a_completed_object_is_not_taken_for_that_of_the_document():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        key = await cloud.key_of("hub")
        upload_id = await cloud.s3.upload("box", "key")
        part = await cloud.s3("UploadPart", Bucket="box", Key="key", UploadId=upload_id, PartNumber=1, Body=b"content")
        document = (
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
            f"<ETag>{part['ETag']}</ETag></Part></CompleteMultipartUpload>"
        ).encode()
        answer = await ask(
            cloud.port,
            signed(
                key,
                "s3",
                "POST",
                f"/box/key?uploadId={upload_id}",
                body=document,
                headers={"Content-MD5": b64encode(md5(b"other").digest()).decode()},
            ),
        )
        assert answer.status == 200
        assert await cloud.s3.read("box", "key") == b"content"


# JSON and forms.


@pytest.mark.parametrize(
    "body",
    [b"[" * 200_000, b'{"a":' * 200_000, b"{", b"nothing", b"\xff\xfe", b'{"MaxResults": "many"}', b"[]", b'"text"'],
    ids=["deep lists", "deep objects", "half", "no JSON", "no text", "a wrong type", "a list", "a string"],
)
async def test_json_that_cannot_be_meant_is_refused(body):
    async with serve_cloud() as cloud:
        key = await cloud.key_of("hub")
        answer = await ask(cloud.port, signed(key, "secretsmanager", "POST", headers=JSON, body=body))
        assert (answer.status, answer.code) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"Action=%ff&Version=2011-06-15", "MalformedQueryString"),
        (b"Version=2011-06-15", "MissingAction"),
        (b"Action=Nothing&Version=2011-06-15", "InvalidAction"),
        (b"Action=AssumeRole&DurationSeconds=long&Version=2011-06-15", "ValidationError"),
        (b"&".join(b"Tags.member.%d.Key=a" % n for n in range(3)) + b"&Action=GetCallerIdentity&Action=AssumeRole", ""),
    ],
)
async def test_a_form_that_cannot_be_meant_is_refused(body, code):
    async with serve_cloud() as cloud:
        answer = await ask(cloud.port, signed(await cloud.key_of("hub"), "sts", "POST", headers=FORM, body=body))
        assert answer.status == 400
        assert answer.code == code or not code


# How large.

BIG = 70_000
TOO_LARGE = {
    "s3": ("/box?delete", {}, (400, "MaxMessageLengthExceeded")),
    "sts": ("/", FORM, (413, "RequestEntityTooLarge")),
    "ec2": ("/", FORM, (413, "RequestEntityTooLarge")),
    "secretsmanager": ("/", JSON, (413, "RequestEntityTooLargeException")),
    "lambda": ("/2015-03-31/functions", {}, (413, "RequestEntityTooLargeException")),
}


@pytest.mark.parametrize("service", TOO_LARGE)
@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_body_beyond_the_limit_is_refused(service, is_announced):
    target, headers, expected = TOO_LARGE[service]
    async with serve_cloud(settings=ApiSettings(max_body_bytes=BIG - 1)) as cloud:
        key = await cloud.key_of("hub")
        body = bytes(BIG)
        how = {} if is_announced else {"extra": {"Transfer-Encoding": "chunked"}, "sent": b"%x\r\n%s\r\n" % (BIG, body)}
        answer = await ask(cloud.port, signed(key, service, "POST", target, headers=headers, body=body, **how))
        assert (answer.status, answer.code) == expected


async def test_a_body_of_the_limit_is_read():
    async with serve_cloud(settings=ApiSettings(max_body_bytes=BIG)) as cloud:
        key = await cloud.key_of("hub")
        body = WHO + b"&" * (BIG - len(WHO))
        assert (await ask(cloud.port, signed(key, "sts", "POST", headers=FORM, body=body))).status == 200


async def test_bodies_together_are_bounded_and_what_was_held_is_given_back():
    async with serve_cloud(settings=ApiSettings(body_memory_bytes=100_000)) as cloud:
        key = await cloud.key_of("hub")
        body = WHO + b"&" * (60_000 - len(WHO))
        slow = signed(key, "sts", "POST", headers=FORM, body=body, extra={"Expect": "100-continue"})
        async with connect(cloud.port) as wire:
            await wire.send(slow[:-60_000])
            assert (await wire.answer()).status == 100
            await wire.send(slow[-60_000:-1])
            refused = [await ask(cloud.port, signed(key, "sts", "POST", headers=FORM, body=body)) for _ in range(2)]
            assert {(answer.status, answer.code) for answer in refused} == {(503, "ServiceUnavailable")}
            await wire.send(slow[-1:])
            assert (await wire.answer()).status == 200
        assert (await ask(cloud.port, signed(key, "sts", "POST", headers=FORM, body=body))).status == 200


def test_a_share_is_given_back_whatever_happens():
    memory = BodyMemory(100)
    with pytest.raises(ServiceError, match="SlowDown"), memory.share() as share, memory.share() as other:  # noqa: PT012
        share.grow(60, "s3")
        other.grow(40, "s3")
        assert memory.used == 100
        other.grow(1, "s3")
    assert memory.used == 0


# How long.


async def test_a_client_that_stops_in_the_middle_is_told_so():
    async with serve_cloud(settings=ApiSettings(stalled_timeout_s=0.2)) as cloud:
        request = signed(await cloud.key_of("hub"), "sts", "POST", headers=FORM, body=WHO)
        async with connect(cloud.port) as wire:
            await wire.send(request[:-1])
            answer = await wire.answer()
            assert (answer.status, answer.code) == (408, "RequestTimeout")
            assert await wire.ends() == b""


async def test_a_client_that_sends_a_byte_now_and_then_is_cut_off_too():
    async with serve_cloud(settings=ApiSettings(stalled_timeout_s=0.3)) as cloud:
        request = signed(await cloud.key_of("hub"), "sts", "POST", headers=FORM, body=WHO)
        async with connect(cloud.port) as wire:
            await wire.send(request[: -len(WHO)])
            answering = asyncio.get_running_loop().create_task(wire.answer())
            for byte in WHO:
                await wire.send(bytes([byte]))
                done, _ = await asyncio.wait((answering,), timeout=0.1)
                if done:
                    break
            answer = await answering
            assert (answer.status, answer.code) == (408, "RequestTimeout")


async def test_a_body_that_is_cut_does_nothing():
    async with serve_cloud() as cloud:
        key = await cloud.key_of("hub")
        name = "Action=CreateRole&RoleName=half&Version=2010-05-08"
        async with connect(cloud.port) as wire:
            await wire.send(signed(key, "iam", "POST", headers=FORM, body=name.encode())[:-3])
            wire.reset()
        await cloud.server.close()
        roles = (await cloud.s3.iam("ListRoles"))["Roles"]
        assert [role["RoleName"] for role in roles] == []


# Forms that nobody signed.


@pytest.mark.parametrize(
    ("body", "namespace"),
    [
        (WHO, b"https://sts.amazonaws.com/doc/2011-06-15/"),
        (b"Action=ListUsers&Version=2010-05-08", b"https://iam.amazonaws.com/doc/2010-05-08/"),
    ],
)
async def test_an_unsigned_form_is_refused_in_the_words_of_its_service(body, namespace):
    async with serve_cloud() as cloud:
        answer = await ask(cloud.port, plain("POST", "/", FORM, body))
        assert (answer.status, answer.code) == (403, "MissingAuthenticationToken")
        assert namespace in answer.body


async def test_an_unsigned_form_that_is_large_is_not_read():
    async with serve_cloud() as cloud:
        request = plain("POST", "/", {**FORM, "Content-Length": "65537"})
        answer = await ask(cloud.port, request)
        assert answer.status in (403, 405)


async def test_an_unsigned_call_in_a_query_is_refused_in_the_words_of_its_service():
    async with serve_cloud() as cloud:
        answer = await ask(cloud.port, plain("GET", "/?" + WHO.decode()))
        assert (answer.status, answer.code) == (403, "MissingAuthenticationToken")


async def test_a_form_that_is_for_a_bucket_is_s3s():
    """curl sends this content type unless it is told another."""
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::box/*"}
        await cloud.s3.policy("box", statement)
        await cloud.s3.put("box", "key", b"content")
        answer = await ask(cloud.port, plain("POST", "/box?delete", FORM, DELETE))
        assert answer.status == 200
        assert await cloud.s3.keys("box") == []
