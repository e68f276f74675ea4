"""The hot path on the wire: to which host, signed for which region, and again when that may help."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver
from tests.fakes.certificates import server_context
from tests.fakes.clock import FakeClock
from tests.fakes.stub_s3 import CREDENTIALS, StubS3, breaks_after, connect, error, hangs_up, ok, says_nothing, stub_s3

from crossdock.adapters.aws.endpoint import S3Endpoint
from crossdock.adapters.aws.refusals import Refused
from crossdock.adapters.aws.requests import S3Request, create_upload, get_range, put_object, upload_part
from crossdock.adapters.aws.retrying import Patience
from crossdock.adapters.aws.sending import MAX_ANSWER_BYTES, S3Sender
from crossdock.adapters.host.clock import SystemClock
from crossdock.core.errors import Denied, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.wire.sigv4 import Credentials

PLACE = ObjectPlace(bucket="box", key="a//../b c")
SIGNER = Credentials(access_key_id="AKID", secret_access_key="secret", session_token="the token")
PUT = ok(headers={"ETag": '"x"'})


class Loopback(AbstractResolver):
    """Every name is this computer."""

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET):
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


class Bench:
    def __init__(self, http: aiohttp.ClientSession, stub: StubS3, *, stall_s: float, **endpoint) -> None:
        self.pauses: list[float] = []
        self.sender = S3Sender(
            http,
            S3Endpoint(url=f"http://s3.us-east-1.amazonaws.com:{stub.port}", region="us-east-1", **endpoint),
            clock=SystemClock(),
            patience=Patience(attempts=3),
            stall_s=stall_s,
            sleep=self._sleep,
            chance=lambda: 1.0,
        )

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@asynccontextmanager
async def bench(stub: StubS3, *, stall_s: float = 5.0, **endpoint) -> AsyncIterator[Bench]:
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=Loopback()),
        timeout=aiohttp.ClientTimeout(sock_read=stall_s),
        auto_decompress=False,
    ) as http:
        yield Bench(http, stub, stall_s=stall_s, **endpoint)


async def test_a_request_has_what_was_asked_and_its_signature_and_nothing_else():
    async with stub_s3() as stub, bench(stub) as bent:
        stub.then(PUT)
        await bent.sender.fetch(put_object(PLACE, [b"one ", b"two"], {"a": "b"}, None), SIGNER)
    seen = stub.seen[0]
    assert (seen.method, seen.target, seen.body) == ("PUT", "/a//../b%20c", b"one two")
    assert {name.lower() for name in seen.headers} == {
        "authorization",
        "content-length",
        "host",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-meta-a",
        "x-amz-security-token",
    }
    assert seen.headers["Host"] == f"box.s3.us-east-1.amazonaws.com:{stub.port}"
    assert seen.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert seen.headers["x-amz-security-token"] == "the token"
    assert "host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-security-token" in seen.headers["Authorization"]


@pytest.mark.parametrize("size", [0, 1, 16 << 10, (16 << 10) + 1, 1_000_000])
async def test_a_body_arrives_whole_whatever_its_size(size):
    content = bytes(range(256)) * (size // 256 + 1)
    async with stub_s3() as stub, bench(stub) as bent:
        stub.then(PUT)
        await bent.sender.fetch(put_object(PLACE, [content[:size]], {}, None), SIGNER)
    assert stub.seen[0].body == content[:size]
    assert stub.seen[0].headers["Content-Length"] == str(size)


async def test_who_is_throttled_waits_long_and_who_failed_a_little():
    async with stub_s3() as stub, bench(stub) as bent:
        stub.then(error(503, "SlowDown"), error(500, "InternalError"), PUT)
        await bent.sender.fetch(put_object(PLACE, [b"content"], {}, None), SIGNER)
    assert bent.pauses == pytest.approx([1.0, 0.2])
    assert [seen.body for seen in stub.seen] == [b"content"] * 3


async def fetch_from_absent(request: S3Request, *, back_after_s: float) -> float:
    """How long a request was tried, of a store where nobody listens for the first seconds."""
    clock = FakeClock()
    began = clock.monotonic()
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        http = await stack.enter_async_context(aiohttp.ClientSession())

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"content")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()

        async def sleep(pause_s: float) -> None:
            was_away = clock.monotonic() - began < back_after_s
            clock.advance(pause_s)
            if was_away and clock.monotonic() - began >= back_after_s:
                server = await asyncio.start_server(answer, sock=listener)
                stack.callback(server.close)

        sender = S3Sender(
            http,
            S3Endpoint(url=f"http://127.0.0.1:{listener.getsockname()[1]}", region="us-east-1", path_style=True),
            clock=clock,
            patience=Patience(attempts=4, absent_s=30.0),
            stall_s=5.0,
            sleep=sleep,
            chance=lambda: 1.0,
        )
        try:
            await sender.fetch(request, SIGNER)
        except aiohttp.ClientConnectorError as error:
            raise Unavailable(f"after {clock.monotonic() - began:.1f} s") from error
    return clock.monotonic() - began


PART = upload_part(PLACE, "upload", 1, [b"content"], None)


@pytest.mark.parametrize("away_s", [5.0, 20.0])
async def test_a_part_waits_for_a_store_that_restarts(away_s):
    assert away_s <= await fetch_from_absent(PART, back_after_s=away_s) < away_s + 3.1


@pytest.mark.parametrize(("request_", "after"), [(PART, "after 3[0-4]"), (get_range(PLACE, 0, 1), "after 0.7 s")])
async def test_a_store_that_stays_away_is_given_up_at_once_where_nothing_is_under_way(request_, after):
    with pytest.raises(Unavailable, match=after):
        await fetch_from_absent(request_, back_after_s=1e9)


@pytest.mark.parametrize("is_regional", [True, False])
async def test_the_region_of_a_bucket_is_learnt_once(is_regional):
    async with stub_s3() as stub, bench(stub, is_regional=is_regional) as bent:
        stub.then(error(301, "PermanentRedirect", region="eu-west-1"), PUT, PUT, PUT)
        for _ in range(2):
            await bent.sender.fetch(put_object(PLACE, [b"x"], {}, None), SIGNER)
        other = ObjectPlace(bucket="other", key="key")
        await bent.sender.fetch(put_object(other, [b"x"], {}, None), SIGNER)
    hosts = [seen.headers["Host"].partition(":")[0] for seen in stub.seen]
    elsewhere = "box.s3.eu-west-1.amazonaws.com" if is_regional else "box.s3.us-east-1.amazonaws.com"
    assert hosts == ["box.s3.us-east-1.amazonaws.com", elsewhere, elsewhere, "other.s3.us-east-1.amazonaws.com"]
    assert ["/eu-west-1/s3/" in seen.headers["Authorization"] for seen in stub.seen] == [False, True, True, False]
    assert bent.pauses == []


async def test_a_bucket_that_is_nowhere_is_not_looked_for_for_ever():
    async with stub_s3() as stub, bench(stub, is_regional=True) as bent:
        stub.then(
            error(301, "PermanentRedirect", region="eu-west-1"), error(301, "PermanentRedirect", region="us-west-2")
        )
        with pytest.raises(Refused, match="PermanentRedirect"):
            await bent.sender.open(get_range(PLACE, 0, 1), SIGNER)


async def test_after_a_connection_that_broke_a_body_is_sent_only_once_it_is_wanted():
    """A store that refuses early and closes: its answer may be lost to the bytes that were still coming."""
    async with stub_s3() as stub, bench(stub) as bent:
        # aiohttp tries once more by itself, for a connection may have been given up while nobody used it.
        stub.then(hangs_up, hangs_up, PUT)
        await bent.sender.fetch(put_object(PLACE, [b"content"], {}, None), SIGNER)
    assert [seen.headers.get("Expect") for seen in stub.seen] == [None, None, "100-continue"]
    assert stub.seen[2].body == b"content"


@asynccontextmanager
async def bare_server(serve) -> AsyncIterator[int]:
    tasks: set[asyncio.Task] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with contextlib.suppress(asyncio.CancelledError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


async def test_a_store_that_refuses_early_and_closes_is_heard():
    heads: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        if b"100-continue" in heads[-1]:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            writer.close()
        else:
            writer.transport.abort()

    async with bare_server(refuse) as port, connect(f"http://127.0.0.1:{port}", attempts=3) as store:
        with pytest.raises(Denied):
            await store.put(PLACE, [bytes(4 << 20)], {})
    assert b"100-continue" in heads[-1]


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_store_that_takes_no_byte_or_never_wants_one_is_given_up(attempts):
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.Event().wait()

    async with (
        bare_server(never) as port,
        connect(f"http://127.0.0.1:{port}", attempts=attempts, read_timeout_s=0.2) as store,
    ):
        with pytest.raises(Unavailable, match="in time"):
            await store.put(PLACE, [bytes(32 << 20)], {})


async def test_a_request_that_may_have_been_carried_out_is_in_doubt():
    doubts: list[int] = []
    async with stub_s3() as stub, bench(stub, stall_s=0.2) as bent:
        request = create_upload(PLACE, {}, {}, None)
        for unsure in (hangs_up, says_nothing, error(500, "InternalError"), breaks_after(b"half", size=10)):
            before = len(doubts)
            stub.then(unsure, PUT)
            await bent.sender.fetch(request, SIGNER, in_doubt=lambda: doubts.append(1))
            assert len(doubts) - before == 1
        for sure in (error(503, "SlowDown"), PUT):
            stub.then(sure, PUT)
            await bent.sender.fetch(request, SIGNER, in_doubt=lambda: doubts.append(1))
    assert len(doubts) == 4


async def test_a_certificate_that_is_not_trusted_is_not_tried_again(tmp_path):
    async with (
        stub_s3(tls=server_context(tmp_path)) as stub,
        aiohttp.ClientSession() as http,
    ):
        pauses: list[float] = []
        sender = S3Sender(
            http,
            S3Endpoint(url=stub.url, region="us-east-1"),
            clock=SystemClock(),
            patience=Patience(),
            stall_s=5.0,
            sleep=lambda seconds: asyncio.sleep(0, pauses.append(seconds)),
        )
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await sender.open(get_range(PLACE, 0, 1), SIGNER)
        assert pauses == []


async def test_no_checksum_is_sent_where_none_is_wanted():
    async with stub_s3() as stub, stub.store(checksum=None) as store:
        stub.then(PUT)
        await store.put(PLACE, [b"x"], {})
    assert not any("checksum" in name.lower() for name in stub.seen[0].headers)
    assert CREDENTIALS.session_token == stub.seen[0].headers["x-amz-security-token"]


async def test_an_error_that_comes_in_pieces_is_read_whole():
    document = b"<Error><Code>SlowDown</Code><Message>wait</Message></Error>"

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(document))
        for byte in document:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    async with bare_server(slowly) as port, connect(f"http://127.0.0.1:{port}") as store:
        with pytest.raises(Unavailable, match="SlowDown: wait"):
            await store.put(PLACE, [], {})


async def test_an_answer_without_end_is_not_gathered():
    endless = ok(bytes(MAX_ANSWER_BYTES + 1), headers={"ETag": '"x"'})
    async with stub_s3() as stub, bench(stub) as bent:
        stub.then(endless, endless, endless)
        with pytest.raises(aiohttp.ClientPayloadError):
            await bent.sender.fetch(put_object(PLACE, [], {}, None), SIGNER)


@pytest.mark.parametrize("end", ["cancelled", "timed out", "refused"])
async def test_of_a_body_that_was_given_up_nothing_more_is_sent(end):
    """Its memory belongs to the next upload by then."""
    content = memoryview(bytearray(b"a" * (32 << 20)))
    received = bytearray()
    arrived, given_up, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        if end == "refused":
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await given_up.wait()
        with contextlib.suppress(ConnectionResetError):
            while chunk := await reader.read(1 << 20):
                received.extend(chunk)
        ended.set()

    async with (
        bare_server(serve) as port,
        connect(f"http://127.0.0.1:{port}", read_timeout_s=0.3 if end == "timed out" else 60.0) as store,
    ):
        putting = asyncio.get_running_loop().create_task(store.put(PLACE, [content], {}))
        if end == "cancelled":
            await arrived.wait()
            for _ in range(100):  # for the sockets to fill up
                await asyncio.sleep(0)
            putting.cancel()
        with pytest.raises((asyncio.CancelledError, Unavailable, Denied)):
            await putting
        content[:] = b"b" * len(content)
        given_up.set()
        async with asyncio.timeout(10):
            await ended.wait()
    assert b"b" not in received
    assert len(received) < len(content)


async def test_a_proxy_that_the_environment_names_is_used_and_keeps_keys_exact(monkeypatch):
    async with stub_s3() as stub:
        monkeypatch.setenv("HTTP_PROXY", stub.url)
        monkeypatch.setenv("NO_PROXY", "")
        async with connect("http://storage.example:9000") as store:
            stub.then(PUT)
            await store.put(PLACE, [b"content"], {})
    assert stub.seen[0].target == "http://storage.example:9000/box/a//../b%20c"
    assert (stub.seen[0].headers["Host"], stub.seen[0].body) == ("storage.example:9000", b"content")


async def test_an_error_whose_reason_is_cut_off_is_read_by_its_status():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(breaks_after(b"<Error><Code>Acc", size=100, status=403))
        with pytest.raises(Denied, match="403"):
            await store.put(PLACE, [], {})


async def test_the_regions_of_buckets_are_not_remembered_without_end(monkeypatch):
    monkeypatch.setattr("crossdock.adapters.aws.sending.MAX_REGIONS", 1)
    buckets = ("first", "second", "first")
    async with stub_s3() as stub, bench(stub) as bent:
        for bucket in buckets:
            stub.then(error(301, "PermanentRedirect", region="eu-west-1"), PUT)
            await bent.sender.fetch(put_object(ObjectPlace(bucket=bucket, key="key"), [], {}, None), SIGNER)
    assert stub.is_done
