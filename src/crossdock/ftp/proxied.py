"""Connections that come through a load balancer: for whom, before a byte of theirs is taken."""

import asyncio
import logging
import socket
from collections.abc import Callable

from crossdock.core.proxy_protocol import MAX_BLOCK, BadProxyHeader, NeedMore, ProxyHeader, parse_proxy_header

_log = logging.getLogger(__name__)


class HeaderWait:
    """Takes the header from a non-blocking socket, and nothing behind it; then calls `met`.

    A connection that does not begin with a header, or not in time, is closed.
    """

    def __init__(self, connection: socket.socket, met: Callable[[ProxyHeader], None], *, timeout_s: float) -> None:
        self._connection = connection
        self._met = met
        self._seen = b""
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(timeout_s, self._give_up)
        self._loop.add_reader(connection, self._look)

    def _look(self) -> None:
        try:
            news = self._connection.recv(MAX_BLOCK, socket.MSG_PEEK)
            found = parse_proxy_header(self._seen + news)
        except BlockingIOError:
            return
        except BadProxyHeader as error:
            _log.warning("a load balancer's connection is refused", extra={"reason": str(error)})
            self._give_up()
            return
        except OSError:
            self._give_up()
            return
        if not news:
            self._give_up()
        elif isinstance(found, NeedMore):
            self._seen += self._connection.recv(len(news))  # all of it is header
        else:
            self._connection.recv(found.size - len(self._seen))
            self._stop()
            self._met(found)

    def _give_up(self) -> None:
        self._stop()
        self._connection.close()

    def _stop(self) -> None:
        self._loop.remove_reader(self._connection)
        self._timer.cancel()
