"""asyncssh's server connection with less work for a packet and for a login, where it may rely on asyncssh's inside.

- The answers to what came in one piece leave in one piece, until the login: a system call costs as much as a packet.
- No MSG_IGNORE goes before a packet, but under CBC ciphers, whose defence it is (RFC 4251 §9.3.1).
- What need not wait, most of a key exchange and of a login, is done at once rather than some turns of the loop later.
- The timer for keepalives goes on when a packet comes, and is not made anew.
- Packets are not logged: asyncssh's log is at WARNING, and each would be described before it is seen that nobody reads.

What it relies on is listed in `fast_reliance.py`. Where that does not hold, or `sftp.fast_path` is off, `is_thrifty` is
False and asyncssh goes its own way.
"""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

import asyncssh
from asyncssh.auth import ServerAuth
from asyncssh.constants import MSG_IGNORE
from asyncssh.logging import SSHLogger

from crossdock.operations.eager import start_now


class ThriftyConnection(asyncssh.SSHServerConnection):
    """`is_thrifty` is to be set before the connection is made.

    Once the login is over everything is sent at once, so that the fast path's packets may come between.
    """

    is_thrifty = False
    _gathered: list[bytes] | None = None
    _is_sending = False
    _heard_at = 0.0

    def has_begun(self, auth: ServerAuth) -> None:
        """What answers a request of the login, perhaps before asyncssh could note that."""
        self._auth = auth

    def create_task(self, coro: Any, task_logger: SSHLogger | None = None) -> "asyncio.Task[None]":
        if not self.is_thrifty or self._auth_complete:
            return super().create_task(coro, task_logger)
        task = start_now(_as_coroutine(coro))
        if not task.done() or task.cancelled() or task.exception() is not None:
            task.add_done_callback(partial(self._reap_task, task_logger))
            self._tasks.add(task)
        return task

    async def send_userauth_success(self) -> None:
        await super().send_userauth_success()
        self._send_gathered()

    def send_packet(self, pkttype: int, *args: bytes, handler: Any = None) -> None:
        if not self.is_thrifty:
            super().send_packet(pkttype, *args, handler=handler)
            return
        if pkttype == MSG_IGNORE and self._is_sending and not self._enc_alg_sc.endswith(b"-cbc"):
            return  # asyncssh has just asked for it, before another packet
        was_sending, self._is_sending = self._is_sending, True
        try:
            super().send_packet(pkttype, *args, handler=handler)
        finally:
            self._is_sending = was_sending

    def log_sent_packet(self, *args: Any, **kwargs: Any) -> None:
        if not self.is_thrifty:
            super().log_sent_packet(*args, **kwargs)

    def log_received_packet(self, *args: Any, **kwargs: Any) -> None:
        if not self.is_thrifty:
            super().log_received_packet(*args, **kwargs)

    def _recv_data(self) -> None:
        if self._auth_complete or not self.is_thrifty:
            super()._recv_data()
            return
        self._gathered = []
        try:
            super()._recv_data()
        finally:
            self._send_gathered()

    def _send(self, data: bytes) -> None:
        if self._gathered is None:
            super()._send(data)
        else:
            self._gathered.append(data)

    def _send_gathered(self) -> None:
        gathered, self._gathered = self._gathered, None
        if gathered:
            super()._send(b"".join(gathered))

    def _force_close(self, exc: Exception | None) -> None:
        self._send_gathered()
        super()._force_close(exc)

    def _reset_keepalive_timer(self) -> None:
        if not self.is_thrifty:
            super()._reset_keepalive_timer()
            return
        self._heard_at = self._loop.time()
        if self._keepalive_timer is None and self._auth_complete:
            self._set_keepalive_timer()

    def _keepalive_timer_callback(self) -> None:
        """The time is up since the timer was made, perhaps not since something was heard."""
        rest = self._heard_at + self._keepalive_interval - self._loop.time()
        if self.is_thrifty and rest > 0:
            self._keepalive_timer = self._loop.call_later(rest, self._keepalive_timer_callback)
        else:
            super()._keepalive_timer_callback()


def _as_coroutine(work: Any) -> Coroutine[Any, Any, None]:
    """asyncssh's tasks are all of coroutines, of which its types say less."""
    if not asyncio.iscoroutine(work):
        raise TypeError(f"a task of a {type(work).__name__}")
    return work
