"""Identity providers asked by HTTP, at a gateway that verifies every signature."""

import asyncio
import ssl
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.fakes.certificates import client_context, server_context
from tests.fakes.clock import FakeClock
from tests.fakes.logins import make_attempt
from tests.fakes.provider_gateway import CREDENTIALS, ScriptedRoles, gateway_server, provider_gateway, secret_in

from crossdock.adapters.host.provider_api import (
    SPARE,
    WORTH_ASSUMING_AGAIN,
    SignedProviderApi,
    Trusted,
    by_this_machine,
    open_provider_api,
)
from crossdock.core.provider_urls import login_url
from crossdock.core.servers import Server
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.provider_api import ApiAnswer, ApiUnreachable
from crossdock.transfer.identity_answers import MAX_ANSWER_BYTES

PASSWORD = {"Password": "a  b", "PasswordBase64": "YSAgYg=="}


def opened(
    roles: ScriptedRoles | None = None,
    *,
    clock: FakeClock | None = None,
    timeout_s: float = 20,
    trusted: Trusted = by_this_machine,
) -> AbstractAsyncContextManager[SignedProviderApi]:
    return open_provider_api(roles or ScriptedRoles(), clock=clock or FakeClock(), timeout_s=timeout_s, trusted=trusted)


async def ask(api: SignedProviderApi, url: str, username: str = "user1", **headers: str) -> ApiAnswer:
    return await api.get(gateway_server(url), url=login_url(url, make_attempt(username)), headers=headers)


async def refused(api: SignedProviderApi, url: str) -> ApiUnreachable:
    with pytest.raises(ApiUnreachable) as refusal:
        await ask(api, url)
    return refusal.value


@pytest.mark.parametrize("username", ["user1", "a.b-c_d@example.com", "_@@"])
async def test_a_question_arrives_signed_with_its_headers(username: str) -> None:
    async with provider_gateway() as gateway, opened() as api:
        gateway.say(200, b"the answer")
        answer = await ask(api, gateway.url, username, **PASSWORD)
        assert gateway.refused == []
    (heard,) = gateway.heard
    assert (answer.status, answer.body) == (200, b"the answer")
    assert (heard.method, heard.server_id, heard.username) == ("GET", "s-0123456789abcdef0", username)
    assert heard.raw_path == f"/prod/servers/s-0123456789abcdef0/users/{username.replace('@', '%40')}/config"
    assert heard.query == {"protocol": "FTP", "sourceIp": "192.0.2.1"}
    assert heard.region == "us-east-1"
    assert {name: heard.headers[name] for name in PASSWORD} == PASSWORD
    assert "Accept-Encoding" not in heard.headers


async def test_no_password_no_header() -> None:
    async with provider_gateway() as gateway, opened() as api:
        await ask(api, gateway.url)
    assert not PASSWORD.keys() & gateway.heard[0].headers.keys()


async def test_a_signature_of_another_key_is_refused_by_the_gateway() -> None:
    forged = TemporaryCredentials(
        access_key_id=CREDENTIALS.access_key_id,
        secret_access_key="guessed",
        session_token=CREDENTIALS.session_token,
        expires_at=CREDENTIALS.expires_at,
    )
    async with provider_gateway() as gateway, opened(ScriptedRoles(forged)) as api:
        answer = await ask(api, gateway.url)
    assert (answer.status, gateway.heard) == (403, [])
    assert b"signature we calculated does not match" in answer.body


async def test_the_role_is_assumed_once_until_its_credentials_are_about_to_end() -> None:
    clock = FakeClock()
    short = TemporaryCredentials(
        access_key_id=CREDENTIALS.access_key_id,
        secret_access_key=CREDENTIALS.secret_access_key,
        session_token=CREDENTIALS.session_token,
        expires_at=clock.now() + timedelta(minutes=15),
    )
    roles = ScriptedRoles(short)
    async with provider_gateway() as gateway, opened(roles, clock=clock) as api:
        await asyncio.gather(*(ask(api, gateway.url) for _ in range(5)))
        assert roles.asked == 1
        clock.advance((timedelta(minutes=15) - SPARE).total_seconds() - 1)
        await ask(api, gateway.url)
        assert roles.asked == 1
        clock.advance(1)
        await ask(api, gateway.url)
        assert roles.asked == 2


async def test_a_role_that_was_made_anew_is_assumed_anew_and_asked_for_once_more() -> None:
    roles, clock = ScriptedRoles(), FakeClock()
    current = CREDENTIALS

    async def secrets(access_key_id: str, session_token: str) -> str | None:
        return secret_in(current, access_key_id, session_token)

    async with provider_gateway(secrets=secrets) as gateway, opened(roles, clock=clock) as api:
        assert (await ask(api, gateway.url)).status == 200
        current = TemporaryCredentials(
            access_key_id="ASIAANEW",
            secret_access_key="another",
            session_token="token",
            expires_at=CREDENTIALS.expires_at,
        )
        roles.credentials_of = current
        assert (await ask(api, gateway.url)).status == 403
        clock.advance(WORTH_ASSUMING_AGAIN.total_seconds())
        assert (await ask(api, gateway.url)).status == 200
        assert len(gateway.heard) == 2
    assert roles.asked == 2


async def test_whoever_is_refused_again_and_again_is_not_sent_every_password_twice() -> None:
    roles, clock = ScriptedRoles(), FakeClock()
    async with provider_gateway() as gateway, opened(roles, clock=clock) as api:
        assert (await ask(api, gateway.url)).status == 200
        gateway.say(403, {"message": "no"})
        clock.advance(WORTH_ASSUMING_AGAIN.total_seconds())
        for _ in range(2):
            assert (await ask(api, gateway.url, **PASSWORD)).status == 403
        assert len(gateway.heard) == 1 + 3
    assert roles.asked == 2


async def test_what_several_are_refused_with_at_once_is_assumed_anew_once() -> None:
    roles, clock = ScriptedRoles(), FakeClock()
    async with provider_gateway() as gateway, opened(roles, clock=clock) as api:
        assert (await ask(api, gateway.url)).status == 200
        gateway.say(403, {"message": "no"})
        clock.advance(WORTH_ASSUMING_AGAIN.total_seconds())
        await asyncio.gather(*(ask(api, gateway.url, **PASSWORD) for _ in range(3)))
    assert roles.asked == 2


async def test_a_role_that_cannot_be_assumed_is_named_and_nothing_is_sent() -> None:
    async with provider_gateway() as gateway, opened(ScriptedRoles(refusal="it does not trust you")) as api:
        refusal = await refused(api, gateway.url)
    assert str(refusal) == (
        "the invocation role arn:aws:iam::111111111111:role/invocation cannot be assumed: it does not trust you"
    )
    assert gateway.heard == []
    assert not refusal.is_silent


async def test_nobody_there() -> None:
    async with provider_gateway() as gateway:
        gone = gateway.url
    async with opened() as api:
        refusal = await refused(api, gone)
    assert str(refusal).startswith("it cannot be reached (")
    assert refusal.is_silent


async def test_a_name_that_nobody_has() -> None:
    async with opened() as api:
        assert str(await refused(api, "https://users.invalid")).startswith("it cannot be reached (")


async def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    asked, over = asyncio.Event(), asyncio.Event()

    async def think(_: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        await over.wait()
        return web.Response()

    async with provider_gateway() as gateway, opened(timeout_s=0.5) as api:
        gateway.answer = think
        refusal = await refused(api, gateway.url)
        over.set()
    assert asked.is_set()
    assert (str(refusal), refusal.is_silent) == ("it did not answer within 0.5 s", True)


@pytest.mark.parametrize("more", [0, 1])
async def test_an_answer_may_be_large_but_not_larger(more: int) -> None:
    async with provider_gateway() as gateway, opened() as api:
        gateway.say(200, b"x" * (MAX_ANSWER_BYTES + more))
        if more:
            assert str(await refused(api, gateway.url)) == f"its answer is larger than {MAX_ANSWER_BYTES} bytes"
        else:
            assert len((await ask(api, gateway.url)).body) == MAX_ANSWER_BYTES


async def test_an_answer_that_is_cut_off_is_none() -> None:
    async def cut(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.close()
        return response

    async with provider_gateway() as gateway, opened() as api:
        gateway.answer = cut
        refusal = await refused(api, gateway.url)
        assert str(refusal).startswith("it broke off (")
        assert refusal.is_silent


async def test_a_redirect_is_not_followed_with_the_password() -> None:
    async with provider_gateway() as elsewhere, provider_gateway() as gateway, opened() as api:
        gateway.say(307, b"", Location=f"{elsewhere.url}/servers/x/users/y/config")
        assert (await ask(api, gateway.url, **PASSWORD)).status == 307
        assert (elsewhere.heard, elsewhere.refused) == ([], [])


async def test_a_certificate_is_believed_if_its_authority_is_named(tmp_path: Path) -> None:
    context = client_context()

    async def trusted(_server: Server) -> ssl.SSLContext:
        return context

    async with provider_gateway(tls=server_context(tmp_path)) as gateway:
        async with opened() as api:
            refusal = await refused(api, gateway.url)
        assert str(refusal).startswith("its certificate is not trusted (")
        assert "login.provider_ca_file" in refusal.remedy
        assert gateway.heard == []
        async with opened(trusted=trusted) as api:
            assert (await ask(api, gateway.url)).status == 200
            other_name = gateway.url.replace("localhost", "127.0.0.1")
            assert "certificate is not trusted" in str(await refused(api, other_name))


async def test_authorities_are_looked_for_only_where_the_way_is_by_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_server: Server) -> bool:
        raise ApiUnreachable("whose certificates are trusted cannot be known")

    async with provider_gateway() as gateway, opened(trusted=broken) as api:
        assert (await ask(api, gateway.url)).status == 200
        assert "cannot be known" in str(await refused(api, gateway.url.replace("http:", "https:")))
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", "https://127.0.0.1:1")
        assert "cannot be known" in str(await refused(api, "http://users.invalid"))


async def test_a_proxy_is_used_as_every_program_does_and_not_on_the_way_to_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Any] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(note, "127.0.0.1", 0) as proxy, provider_gateway() as gateway:
        port = proxy.sockets[0].getsockname()[1]
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        async with opened() as api:
            await ask(api, gateway.url)
            assert seen == []
            await refused(api, "https://users.invalid")
    assert set(seen) == {b"CONNECT users.invalid:443 HTTP/1.1\r\n"}


async def test_the_gateway_of_the_tests_refuses_what_is_not_signed() -> None:
    async with (
        provider_gateway() as gateway,
        aiohttp.ClientSession() as http,
        http.get(f"{gateway.url}/servers/s/users/u/config") as response,
    ):
        assert (response.status, await response.json()) == (403, {"message": "Missing Authentication Token"})
