"""Endpoints that are wrong, in sentences: of S3, asked both ways, and of AWS's other services."""

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import aiohttp
import pytest
from aiobotocore.session import AioSession
from aiohttp.client_reqrep import ConnectionKey
from botocore.exceptions import BotoCoreError, EndpointConnectionError
from tests.fakes.certificates import server_context
from tests.fakes.stub_s3 import connect, ok, stub_s3

from crossdock.adapters.aws.clients import in_words, open_clients
from crossdock.adapters.aws.network_words import IS_IT_THE_ENDPOINT, asked_at, network_words, without_userinfo
from crossdock.adapters.aws.parsing import AWS_FAILURES
from crossdock.core.errors import FileError, Unavailable
from crossdock.core.homes import ObjectPlace

PLACE = ObjectPlace(bucket="box", key="k")
BOTOCORES = ("Connection was closed", "Could not connect", "SSL validation", "HTTP Client", "_ssl.c", "Error:")
"""Words that no operator should have to read."""
CLOSED = "the connection was closed without an answer"


@asynccontextmanager
async def ssh_port() -> AsyncIterator[int]:
    """One on which something else than HTTP is spoken."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # What is not read would reset the connection.
        await reader.read(64 << 10)
        writer.write(b"SSH-2.0-Here\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def wrong_endpoint(name: str, tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """Its URL, and what is told of it."""
    async with stub_s3(tls=server_context(tmp_path)) as tls, stub_s3() as plain, ssh_port() as ssh:
        async with stub_s3() as gone:
            port = gone.port
        speaks_none = "speaks no TLS: is the endpoint http:// there, or TLS on another port?"
        yield {
            "http:// of a TLS port": (f"http://127.0.0.1:{tls.port}", CLOSED),
            "https:// of a plain port": (f"https://127.0.0.1:{plain.port}", f"127.0.0.1:{plain.port} {speaks_none}"),
            "https:// of an SSH port": (f"https://127.0.0.1:{ssh}", f"127.0.0.1:{ssh} {speaks_none}"),
            "http:// of an SSH port": (f"http://127.0.0.1:{ssh}", f"no HTTP server: {IS_IT_THE_ENDPOINT}"),
            "a port where nobody listens": (
                f"http://127.0.0.1:{port}",
                f"nobody listens at 127.0.0.1:{port}: is the port right, and does the service run?",
            ),
            "a name that does not resolve": ("http://nobody.invalid", "the host name nobody.invalid cannot be found ("),
            "a certificate of nobody's": (
                f"https://127.0.0.1:{tls.port}",
                "the certificate of 127.0.0.1 is not trusted: self-signed certificate; name the file of its authority",
            ),
        }[name]


NAMES = (
    "http:// of a TLS port",
    "https:// of a plain port",
    "https:// of an SSH port",
    "http:// of an SSH port",
    "a port where nobody listens",
    "a name that does not resolve",
    "a certificate of nobody's",
)


@pytest.mark.parametrize("name", NAMES)
async def test_an_s3_that_is_not_where_its_endpoint_says_is_told_in_our_words(name: str, tmp_path: Path) -> None:
    async with wrong_endpoint(name, tmp_path) as (url, words), connect(url) as store:
        for call in (lambda: store.list("box", ""), lambda: store.put(PLACE, [b"x"], {})):
            with pytest.raises(Unavailable) as caught:
                await call()
            assert words in str(caught.value)
            assert not [word for word in BOTOCORES if word in str(caught.value)]


@pytest.mark.parametrize("name", NAMES)
async def test_so_are_awss_other_services_with_the_address_that_was_asked(name: str, tmp_path: Path) -> None:
    session = AioSession()
    session.set_credentials("AKIA", "x")
    async with (
        wrong_endpoint(name, tmp_path) as (url, words),
        open_clients(read_timeout_s=5, endpoint_url=url, attempts=1, session=session) as clients,
    ):
        with pytest.raises(BotoCoreError) as caught:
            await (await clients.client("sts", "us-east-1")).get_caller_identity()
    told = in_words(caught.value)
    assert told.startswith(f"{url} cannot be reached: ")
    assert words in told
    assert not [word for word in BOTOCORES if word in told]


async def test_only_who_asked_by_http_is_asked_whether_that_is_right(tmp_path: Path) -> None:
    async with wrong_endpoint("http:// of a TLS port", tmp_path) as (url, _), connect(url) as store:
        with pytest.raises(Unavailable, match="http:// or https://"):
            await store.list("box", "")
    error = BotoCoreError(endpoint_url="https://s3/box?list-type=2", error=aiohttp.ServerDisconnectedError())
    assert (asked_at(error), network_words(error)) == ("https://s3", CLOSED)


def test_of_an_endpoints_url_its_password_is_not_told() -> None:
    error = EndpointConnectionError(endpoint_url="https://me:open-sesame@[::1]:9/box")
    assert asked_at(error) == "https://[::1]:9"
    assert network_words(error).endswith('endpoint URL: "https://[::1]:9/box"')
    assert without_userinfo("http://one:1@a/ and http://b/?who=me@c") == "http://a/ and http://b/?who=me@c"


@pytest.mark.parametrize(
    "page",
    [
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
    ],
)
async def test_a_server_that_tells_itself_that_it_wants_tls_is_no_s3_with_a_reason(page: bytes) -> None:
    async with stub_s3() as stub, stub.store() as store:
        stub.then(*[ok(page, status=400)] * 3)
        for call in (store.list("box", ""), store.put(PLACE, [b"x"], {})):
            with pytest.raises(
                FileError, match="what answers has not S3's words: is the endpoint's URL right"
            ) as caught:
                await call
            assert "expired credentials" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://my_host"])
async def test_an_endpoint_that_is_no_url_is_told_as_that(url: str) -> None:
    session = AioSession()
    session.set_credentials("AKIA", "x")
    async with open_clients(read_timeout_s=5, endpoint_url=url, session=session) as clients:
        with pytest.raises(AWS_FAILURES) as caught:
            await clients.client("sts", "us-east-1")
    assert in_words(caught.value).startswith("the endpoint's URL of sts is none: ")


async def test_what_answers_and_is_not_aws_is_told_as_that() -> None:
    session = AioSession()
    session.set_credentials("AKIA", "x")
    async with stub_s3() as stub:
        stub.then(ok(b"<html>hello"), ok(b"<html>hello", status=404))
        async with open_clients(read_timeout_s=5, endpoint_url=stub.url, attempts=1, session=session) as clients:
            for _ in range(2):
                with pytest.raises(AWS_FAILURES) as caught:
                    await (await clients.client("sts", "us-east-1")).get_caller_identity()
                assert in_words(caught.value) == f"what answers is not AWS: {IS_IT_THE_ENDPOINT}"


def failed(error: OSError, kind: type[aiohttp.ClientConnectorError] = aiohttp.ClientConnectorError) -> Exception:
    key = SimpleNamespace(host="s3.example.com", port=9000, ssl=True)
    return EndpointConnectionError(
        endpoint_url="https://s3.example.com:9000", error=kind(cast(ConnectionKey, key), error)
    )


def verification(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (failed(OSError(errno.EHOSTUNREACH, "x")), "there is no route from here to s3.example.com:9000"),
        (
            failed(OSError(errno.EMFILE, "Too many open files")),
            "s3.example.com:9000 does not take connections: Too many",
        ),
        (failed(OSError(1, "x"), aiohttp.ClientProxyConnectionError), "the proxy s3.example.com:9000 does not take"),
        (
            failed(ssl.SSLError(1, "[SSL: NO_SHARED_CIPHER]"), aiohttp.ClientConnectorSSLError),
            "no TLS connection to s3.example.com:9000 comes about: [SSL: NO_SHARED_CIPHER]",
        ),
        (
            failed(verification(10, "certificate has expired"), aiohttp.ClientConnectorCertificateError),
            "the certificate of s3.example.com is not trusted: certificate has expired",
        ),
        (EndpointConnectionError(endpoint_url="http://x", error=TimeoutError()), "AWS did not answer in time"),
        (EndpointConnectionError(endpoint_url="http://x"), "EndpointConnectionError: Could not connect"),
    ],
)
def test_other_troubles_of_a_network(error: Exception, words: str) -> None:
    assert network_words(error, "AWS").startswith(words)
    assert "name the file" not in network_words(error)
