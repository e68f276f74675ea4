"""What became of a request that was not answered as AWS answers, in sentences: what is wrong, and what to look at.

The words of botocore, aiohttp and OpenSSL tell the trouble of a library, not of whoever wrote an endpoint's URL.
"""

import errno
import re
import ssl
from urllib.parse import urlsplit

import aiohttp
from botocore.exceptions import BotoCoreError, ConnectionError, HTTPClientError

IS_IT_THE_ENDPOINT = "is the endpoint's URL right, with http:// or https:// and the port?"
"""What is asked of whoever reads of an answer that is no HTTP, or of none."""

_UNTRUSTED = frozenset({18, 19, 20, 21})
"""X.509's verify errors that another file of authorities mends: nobody known has signed the certificate."""
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"})
"""OpenSSL's reasons where the other end has spoken, and no TLS."""
_USERINFO = re.compile(r"://[^/?#\s]*@")
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH})


def is_of_network(error: Exception) -> bool:
    """Whether `network_words` has words for an error of botocore's."""
    return isinstance(error, ConnectionError | HTTPClientError)


def asked_at(error: Exception) -> str:
    """Scheme, host and port that were asked, where an error of botocore's knows them."""
    if not isinstance(error, BotoCoreError):
        return ""
    asked, cause = error.kwargs.get("endpoint_url", ""), error.kwargs.get("error")
    if isinstance(cause, aiohttp.ClientResponseError):
        asked = cause.request_info.real_url
    parts = urlsplit(without_userinfo(str(asked)))
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def without_userinfo(text: str) -> str:
    """Without the names and passwords of the URLs that stand in it. RFC 3986 §3.2.1."""
    return _USERINFO.sub("://", text)


def network_words(error: Exception, whose: str = "S3") -> str:
    """Why `whose` service was not reached. botocore wraps what aiohttp raised."""
    cause = error.kwargs.get("error", error) if isinstance(error, BotoCoreError) else error
    if isinstance(cause, aiohttp.ClientConnectorError):
        return _of_connecting(cause)
    if isinstance(cause, TimeoutError):
        return f"{whose} did not answer in time"
    if isinstance(cause, aiohttp.ClientResponseError):
        return f"what answers is no HTTP server: {IS_IT_THE_ENDPOINT}"
    if isinstance(cause, aiohttp.ServerDisconnectedError | ConnectionResetError | BrokenPipeError):
        # As a port does that wants TLS.
        asks = f": {IS_IT_THE_ENDPOINT}" if asked_at(error).startswith("http:") else ""
        return f"the connection was closed without an answer{asks}"
    return without_userinfo(f"{type(error).__name__}: {error}")


def _of_connecting(error: aiohttp.ClientConnectorError) -> str:
    at = f"{error.host}:{error.port}"
    reason = error.strerror or str(error.os_error)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the host name {error.host} cannot be found ({reason}): see its spelling, and this machine's DNS"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate of {error.host} is not trusted: {_of_certificate(error.certificate_error)}"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        if getattr(error.os_error, "reason", "") in _NO_TLS:
            return f"{at} speaks no TLS: is the endpoint http:// there, or TLS on another port?"
        return f"no TLS connection to {at} comes about: {reason}"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"the proxy {at} does not take connections: {reason}"
    if error.os_error.errno == errno.ECONNREFUSED:
        return f"nobody listens at {at}: is the port right, and does the service run?"
    if error.os_error.errno in _UNREACHABLE:
        return f"there is no route from here to {at}"
    return f"{at} does not take connections: {reason}"


def _of_certificate(error: Exception) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return str(error)
    if error.verify_code in _UNTRUSTED:
        return f"{error.verify_message}; name the file of its authority (ca_file, or AWS_CA_BUNDLE)"
    return error.verify_message
