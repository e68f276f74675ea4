"""The identity provider API_GATEWAY: ask the server's URL about a login.

Source: AWS Transfer Family User Guide, "Using Amazon API Gateway to integrate your identity provider", and the
templates that it names: the path, `protocol` and `sourceIp` in the query, a password in the headers `Password` and
`PasswordBase64`, neither of them for the question which keys a user has.
"""

import base64
import json
from collections.abc import Mapping

from crossdock.core.header_text import header_text
from crossdock.core.logins import LoginAttempt, Password
from crossdock.core.provider_urls import login_url, url_flaw
from crossdock.core.servers import IdentityProviderChoice, Server
from crossdock.ports.authority import IdentityAnswer
from crossdock.ports.provider_api import ApiAnswer, ApiUnreachable, ProviderApi
from crossdock.transfer.identity_answers import answered, unasked

OK, FORBIDDEN = 200, 403
_DOWN = (502, 503, 504)
"""What stands before a service that does not answer says so (RFC 9110, sections 15.6.3 to 15.6.5)."""


class ApiGatewayIdentityProvider:
    """See `ports.authority.IdentityProvider`."""

    def __init__(self, api: ProviderApi) -> None:
        self._api = api

    async def identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        choice = server.identity_provider
        # CreateServer refuses such a URL; one may come from an AWS, or from before it did.
        if flaw := url_flaw(choice.url):
            return unasked(f"the URL of the identity provider {flaw}")
        url = login_url(choice.url, attempt)
        try:
            answer = await self._api.get(server, url=url, headers=password_headers(attempt))
        except ApiUnreachable as error:
            said = f"the identity provider {choice.url} could not be asked: {error}"
            return unasked(said, error.remedy, is_silent=error.is_silent)
        if answer.status != OK:
            return _failure(choice, answer)
        log = f"the log of {choice.url}"
        return answered(answer.body, username=attempt.username, provider="API Gateway IDP", log=log)


def password_headers(attempt: LoginAttempt) -> Mapping[str, str]:
    """What tells the provider the password.

    `PasswordBase64` is exact, in UTF-8. `Password` is for older providers, and for those a header can hold: any
    character that it cannot, and white space at its ends, is a `?`. It is never blank, for a blank one is the question
    which keys a user has, and its answer might vouch for whoever sent it.
    """
    if not isinstance(attempt.credential, Password) or not attempt.credential.value:
        return {}
    password = attempt.credential.value
    exact = base64.b64encode(password.encode(errors="surrogatepass")).decode()
    return {"Password": header_text(password), "PasswordBase64": exact}


def _failure(choice: IdentityProviderChoice, answer: ApiAnswer) -> IdentityAnswer:
    words = _words(answer.body)
    said = f"the identity provider {choice.url} answered {answer.status}" + (f" ({words})" if words else "")
    if answer.status == FORBIDDEN:
        role = choice.invocation_role
        remedy = f"allow execute-api:Invoke on this API to the invocation role {role}"
        return unasked(f"{said}: the invocation role {role} may lack execute-api:Invoke", remedy, status_code=FORBIDDEN)
    return unasked(
        f"{said}: only 200 is an answer, also to a login that fails",
        status_code=answer.status,
        is_silent=answer.status in _DOWN,
    )


def _words(body: bytes) -> str:
    """API Gateway's own, in its `message`; of whatever else answers, nothing: it may be a page."""
    try:
        told = json.loads(body)
        message = told.get("message") or told.get("Message")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return message if isinstance(message, str) else ""
