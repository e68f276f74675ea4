"""The identity provider API_GATEWAY: what the URL gets, and what becomes of its answers."""

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.logins import make_attempt
from tests.fakes.provider_gateway import INVOCATION_ROLE, ScriptedApi, gateway_server

from crossdock.core.logins import NO_KEY, Password, PublicKey
from crossdock.core.servers import FileProtocol
from crossdock.ports.provider_api import ApiAnswer, ApiUnreachable
from crossdock.transfer.api_gateway_identity import ApiGatewayIdentityProvider, password_headers

URL = "https://x.execute-api.us-east-1.amazonaws.com/prod"
SERVER = gateway_server(URL)
ROLE = "arn:aws:iam::111111111111:role/users"


async def identify(api, attempt=None, server=SERVER):
    return await ApiGatewayIdentityProvider(api).identify(server, attempt or make_attempt())


async def test_a_password_goes_in_headers_and_nowhere_else():
    api = ScriptedApi()
    await identify(api, make_attempt("a.b@c"))
    ((url, headers),) = api.asked
    assert url == f"{URL}/servers/s-0123456789abcdef0/users/a.b%40c/config?protocol=FTP&sourceIp=192.0.2.1"
    assert headers == {"Password": "open sesame", "PasswordBase64": "b3BlbiBzZXNhbWU="}


@pytest.mark.parametrize("credential", [NO_KEY, PublicKey("ssh-ed25519 AAAA"), Password("")])
async def test_without_a_password_the_question_is_which_keys_there_are(credential):
    api = ScriptedApi()
    await identify(api, replace(make_attempt(), credential=credential, protocol=FileProtocol.SFTP))
    ((url, headers),) = api.asked
    assert url.endswith("?protocol=SFTP&sourceIp=192.0.2.1")
    assert headers == {}


@given(st.text(min_size=1))
def test_a_password_is_exact_in_base64_and_never_blank_in_the_other_header(password):
    headers = password_headers(replace(make_attempt(), credential=Password(password)))
    assert base64.b64decode(headers["PasswordBase64"]).decode(errors="surrogatepass") == password
    plain = headers["Password"]
    assert plain.isascii()
    assert plain.isprintable()
    assert plain == plain.strip() != ""
    assert len(plain) == len(password)
    if password.isascii() and password.isprintable() and password == password.strip():
        assert plain == password


@pytest.mark.parametrize(
    ("password", "plain"),
    [("pässword", "p?ssword"), ("  x y  ", "??x y??"), ("   ", "???"), ("a\r\nX: y", "a??X: y"), ("\t\x00", "??")],
)
def test_what_no_header_holds_is_replaced(password, plain):
    assert password_headers(replace(make_attempt(), credential=Password(password)))["Password"] == plain


async def test_a_role_in_the_answer_is_an_identity():
    body = json.dumps({"Role": ROLE, "HomeDirectory": "/bucket"}).encode()
    answer = await identify(ScriptedApi(ApiAnswer(status=200, body=body)))
    assert answer.identity is not None
    assert (answer.identity.role_arn, answer.status_code, answer.message) == (ROLE, 200, "")
    assert answer.response == body.decode()


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (ApiAnswer(status=200, body=b"{}"), 200, "API Gateway IDP authentication failure"),
        (ApiAnswer(status=200, body=b""), 200, "API Gateway IDP authentication failure"),
        (ApiAnswer(status=200, body=b"<html>"), 200, "API Gateway IDP response is malformed: the answer is not JSON"),
        (ApiAnswer(status=200, body=b'{"Role": 7}'), 200, "API Gateway IDP response is malformed: Role must be"),
        (
            ApiAnswer(status=403, body=b'{"Message": "User: x is not authorized to perform: execute-api:Invoke"}'),
            403,
            f"answered 403 (User: x is not authorized to perform: execute-api:Invoke): the invocation role "
            f"{INVOCATION_ROLE} may lack execute-api:Invoke",
        ),
        (
            ApiAnswer(status=500, body=b'{"message": "Internal server error"}'),
            500,
            f"the identity provider {URL} answered 500 (Internal server error): only 200 is an answer",
        ),
        (ApiAnswer(status=502, body=b"<html>a page</html>"), 502, "answered 502: only 200 is an answer"),
        (ApiAnswer(status=404, body=b"[1]"), 404, "answered 404: only"),
        (ApiAnswer(status=302, body=b'{"message": {}}'), 302, "answered 302: only"),
        (ApiUnreachable("it broke off"), 500, f"the identity provider {URL} could not be asked: it broke off"),
    ],
)
async def test_a_failure_vouches_for_nobody_and_says_why(answer, status, words):
    found = await identify(ScriptedApi(answer))
    assert found.identity is None
    assert found.status_code == status
    assert words in found.message


async def test_what_to_change_is_told_where_it_is_known():
    denied = await identify(ScriptedApi(ApiAnswer(status=403, body=b"")))
    assert denied.remedy == f"allow execute-api:Invoke on this API to the invocation role {INVOCATION_ROLE}"
    unreachable = await identify(ScriptedApi(ApiUnreachable("no", remedy="plug it in")))
    assert unreachable.remedy == "plug it in"


async def test_a_url_that_would_send_passwords_in_the_clear_is_not_asked():
    api = ScriptedApi()
    found = await identify(api, server=gateway_server("http://users.example.com"))
    assert found.identity is None
    assert "the URL of the identity provider must begin with https://" in found.message
    assert api.asked == []


@pytest.mark.parametrize(
    ("answer", "is_silent"),
    [
        (ApiUnreachable("it cannot be reached", is_silent=True), True),
        (ApiUnreachable("its certificate is not trusted"), False),
        *((ApiAnswer(status=status, body=b""), status in (502, 503, 504)) for status in (302, 403, 404, 500, 502)),
        *((ApiAnswer(status=status, body=b""), True) for status in (503, 504)),
        (ApiAnswer(status=200, body=b"{}"), False),
    ],
)
async def test_where_nothing_answers_nobody_knows_what_it_would_say(answer, is_silent):
    assert (await identify(ScriptedApi(answer))).is_silent is is_silent


async def test_whoever_is_not_vouched_for_is_looked_for_in_the_providers_log():
    found = await identify(ScriptedApi(ApiAnswer(status=200, body=b"{}")))
    assert found.message == "API Gateway IDP authentication failure"
    assert found.remedy.startswith(f"look into the log of {URL} for why the identity provider returned no Role")
