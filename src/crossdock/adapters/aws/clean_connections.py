"""Connections that are used again only when nothing has come on them meanwhile.

What comes on an idle connection, from a server or a proxy that sends more than it was asked for, would be taken for the
answer to the next request, which is another session's. aiohttp looks whether a connection is still there, and not
whether an answer waits on it that nobody asked for.
"""

import ssl
from typing import TYPE_CHECKING, Any

import aiohttp
from aiobotocore.httpsession import AIOHTTPSession  # type: ignore[import-untyped]  # it ships no types
from aiohttp.connector import Connection

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.tracing import Trace


def only_clean(connector: aiohttp.TCPConnector) -> aiohttp.TCPConnector:
    """The same, which closes such a connection and takes the next. `_get` is aiohttp's own; a test holds it there."""
    get = connector._get

    async def get_clean(key: "ConnectionKey", traces: "list[Trace]") -> Connection | None:
        while (found := await get(key, traces)) is not None:
            if found.protocol is not None and not found.protocol.should_close:
                break
            found.close()
        return found

    connector._get = get_clean  # type: ignore[method-assign]
    return connector


class CleanHttpSession(AIOHTTPSession):  # type: ignore[misc]  # it ships no types
    """For botocore's clients: `AioConfig(http_session_cls=...)`.

    They believe this machine's certificate authorities besides those that botocore brings, as our own connections do:
    else a bucket could be written that cannot be listed.
    """

    def _get_ssl_context(self) -> ssl.SSLContext:
        context: ssl.SSLContext = super()._get_ssl_context()
        if self._verify is True:
            context.load_default_certs()
        return context

    async def _create_connector(self, proxy_url: Any) -> aiohttp.TCPConnector:
        return only_clean(await super()._create_connector(proxy_url))
