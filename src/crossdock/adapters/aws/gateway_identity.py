"""Whom AWS takes the gateway for, asked once: what is wrong with its credentials is told before a user comes.

Source: STS API Reference, "Common error types"; IAM User Guide, "Troubleshoot signed requests".
"""

import asyncio
import logging
from collections.abc import Mapping

from botocore.exceptions import (
    ClientError,
    EndpointProviderError,
    NoCredentialsError,
)
from botocore.parsers import ResponseParserError

from crossdock.adapters.aws.clients import ServiceClients, code_of, in_words
from crossdock.adapters.aws.network_words import asked_at, is_of_network, network_words
from crossdock.adapters.aws.parsing import AWS_FAILURES

TIMEOUT_S = 60.0
"""Longer than botocore's own attempts take where nothing answers."""

_log = logging.getLogger(__name__)

_START_AGAIN = "then start Crossdock again"
_UNKNOWN = (
    "AWS does not know the access key: it was deleted or deactivated, is another cloud's, or is a temporary one "
    f"without its session token; give the right one, {_START_AGAIN}"
)
_EXPIRED = (
    "the credentials have expired and nothing renews them: give new ones, or a profile or role that does, "
    f"{_START_AGAIN}"
)
_CLOCK = "this computer's clock is not AWS's: set it right"
_ADVICE: Mapping[str, str] = {
    "InvalidClientTokenId": _UNKNOWN,
    "InvalidAccessKeyId": _UNKNOWN,
    "UnrecognizedClientException": _UNKNOWN,
    "SignatureDoesNotMatch": f"the secret key is not the access key's: give the right one, {_START_AGAIN}",
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
}
_OF_CLOCKS = ("Signature expired", "Signature not yet current")
"""What STS's message of a SignatureDoesNotMatch begins with, whose reason is the time."""
_WHERE = "see aws.endpoint_url, AWS_ENDPOINT_URL and endpoint_url of the profile"
_NO_STS = f"what answers at its address is no STS: {_WHERE}"


async def tell_identity(clients: ServiceClients, region: str, *, timeout_s: float = TIMEOUT_S) -> None:
    """A line of the log, whatever comes of it."""
    try:
        async with asyncio.timeout(timeout_s):
            told = await (await clients.client("sts", region)).get_caller_identity()
    except (*AWS_FAILURES, TimeoutError) as error:
        _warn(_reason(error))
        return
    if told.get("Arn") and told.get("Account"):
        _log.info("AWS knows this gateway as %s (account %s)", told["Arn"], told["Account"])
    else:
        _warn(_NO_STS)


def _warn(reason: str) -> None:
    _log.warning("AWS does not answer this gateway, and until it does no user can log in: %s", reason)


def _reason(error: Exception) -> str:
    if isinstance(error, NoCredentialsError):
        return (
            "no AWS credentials are found: set aws.profile, AWS_PROFILE or AWS_ACCESS_KEY_ID for the user who runs the "
            f"service, or give this machine a role, {_START_AGAIN}"
        )
    if isinstance(error, ClientError):
        is_of_clocks = error.response.get("Error", {}).get("Message", "").startswith(_OF_CLOCKS)
        advice = _CLOCK if is_of_clocks else _ADVICE.get(code_of(error), "")
        return f"{advice}; {in_words(error)}" if advice else in_words(error)
    if isinstance(error, ResponseParserError):
        return _NO_STS
    if isinstance(error, EndpointProviderError):
        return f"{error}: {_WHERE}"
    if isinstance(error, TimeoutError) or is_of_network(error):
        at = asked_at(error)
        return (
            f"STS{f' at {at}' if at else ''} cannot be reached: {network_words(error, 'STS')}; see this machine's "
            "route, DNS and proxy, and the settings aws.endpoint_url and aws.ca_file"
        )
    return f"the credentials cannot be used: {error}; mend that, {_START_AGAIN}"
