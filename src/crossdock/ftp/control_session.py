"""One client's conversation carried on: the conversation's effects become action, what comes of them its events."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from crossdock.core.servers import FileProtocol
from crossdock.ftp import replies
from crossdock.ftp.activities import Activities, Hosts, Peer, Place, Surroundings, Work, offer_of
from crossdock.ftp.addresses import is_ipv6
from crossdock.ftp.channel import ControlChannel
from crossdock.ftp.control import Conversation
from crossdock.ftp.idle import IdleWatch
from crossdock.ftp.lines import TooLong
from crossdock.ftp.tls import TlsFailed
from crossdock.ftp.words import (
    AbortTransfer,
    AskFile,
    CheckLogin,
    ChooseHost,
    CloseControl,
    ClosePassive,
    Connected,
    Draining,
    Effect,
    Event,
    FileOperation,
    IdleExpired,
    InputEnded,
    LineReceived,
    LineTooLong,
    LoginAdmitted,
    LoginRefused,
    OpenPassive,
    Options,
    PeerClosed,
    Reinitialise,
    SendReply,
    SendText,
    StartTls,
    StartTransfer,
)

_log = logging.getLogger(__name__)

LINES_PER_TURN = 64
"""Lines that are obeyed before other connections have their turn."""

_LASTING = frozenset({FileOperation.RENAME, FileOperation.RENAME_ANY})
"""Questions that may take as long as a transfer: between two S3s the bytes come through here."""


class ControlSession:
    """`left` is called once, when everything is over: the connection lost, every transfer committed or discarded."""

    def __init__(
        self,
        surroundings: Surroundings,
        hosts: Hosts,
        channel: ControlChannel,
        peer: Peer,
        *,
        cut_off: Callable[[], None],
        left: Callable[[], None],
    ) -> None:
        self._hosts = hosts
        self._channel = channel
        self._peer = peer
        self._cut_off = cut_off
        self._left = left
        self._is_busy = False
        self._is_greeted = not hosts.is_implicit
        self._is_lost = self._has_left = False
        self._question: asyncio.Task[None] | None = None
        self._may_last = False
        self._reason = ""
        self._conversation = Conversation(
            offer_of(surroundings),
            is_ipv6=is_ipv6(peer.local_address),
            is_secure=hosts.is_implicit,
            login_attempts=surroundings.login.attempts_per_connection,
            options=_options_of(surroundings),
        )
        self._activities = Activities(surroundings, hosts, peer, channel)
        if hosts.is_implicit:
            channel.expect_tls()
        limit = partial(_idle_limit, self._conversation, self._activities)
        self._idle = IdleWatch(limit, lambda: self.tell(IdleExpired()))

    @property
    def place(self) -> Place:
        """The server that is spoken for, and by which of its protocols."""
        surroundings = self._activities.surroundings
        is_plain = not self._channel.is_for_tls and FileProtocol.FTP in surroundings.protocols
        return surroundings.server.server_id, FileProtocol.FTP if is_plain else FileProtocol.FTPS

    @property
    def is_over(self) -> bool:
        return self._conversation.is_over

    def begin(self) -> None:
        if self._hosts.is_implicit:
            self._start(self._activities.greet_under_tls)
        else:
            self.tell(Connected())

    def tell(self, event: Event) -> None:
        """Something happened, here or (Draining) to the server."""
        if isinstance(event, IdleExpired) and self._channel.is_securing:
            self.cut("the TLS handshake took too long")
            return
        self._is_greeted = self._is_greeted or isinstance(event, Connected)
        try:
            for effect in self._conversation.handle(event):
                self._perform(effect)
        except Exception as error:
            self._fail(error)

    def pump(self) -> None:
        """Hand over the lines that can be taken now; read no further while some cannot."""
        is_pump_due = is_dry = False
        for _ in range(LINES_PER_TURN):
            if not (self._is_greeted and _can_take(self._conversation, self._channel)):
                break
            line = self._channel.next_line()
            if line is None:
                is_dry = True
                break
            if self._conversation.is_admitted:
                self._idle.heard()
            self.tell(LineTooLong() if isinstance(line, TooLong) else LineReceived(line))
        else:
            is_pump_due = True
            asyncio.get_running_loop().call_soon(self.pump)
        if self._channel.has_ended and (is_dry or self._channel.is_securing or self._conversation.is_transferring):
            self.tell(InputEnded())
        is_behind = is_pump_due or not _can_take(self._conversation, self._channel)
        self._channel.read_on(is_wanted=self._conversation.is_over or not is_behind)
        self._leave_if_over()

    def lost(self, reason: str) -> None:
        """The connection is gone.

        What the client had said before it closed in order is obeyed all the same: its own kernel resets a connection
        on which it is still answered, so that tells nothing.
        """
        self._is_lost = True
        self._idle.stop()
        if self._channel.has_ended:
            self.pump()
        else:
            self._reason = self._reason or reason
            self.tell(PeerClosed())
            if self._may_last:
                _give_up(self._question)
        self._leave_if_over()

    def hurry(self, reason: str) -> None:
        """The time for what is under way is over: a transfer ends, and the client is told so and that this is the end.

        Who was told already has a moment to read it; what else is under way is cut.
        """
        if self._conversation.is_transferring:
            self._reason = self._reason or reason
            self._activities.abort_transfer()
        elif not self._conversation.is_over:
            self.cut(reason)

    def cut(self, reason: str) -> None:
        """Close now: a transfer that is not yet being committed is lost, and a question is given up."""
        self._reason = self._reason or reason
        self._conversation.handle(PeerClosed())  # what waits is not obeyed any more
        self._activities.abort_transfer()
        _give_up(self._question)
        self._cut_off()
        self._leave_if_over()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case SendReply(reply):
                self._channel.outbox.send(reply.encode())
            case SendText(text):
                self._channel.outbox.send(text)
            case StartTls() if not self._channel.expect_tls():
                self.cut("bytes behind AUTH TLS")
            case StartTls():
                self._start(self._activities.begin(effect, self.tell))
                self._leave_if_withdrawn()
            case AskFile():
                self._question = self._start(self._activities.begin(effect, self.tell))
                self._may_last = effect.operation in _LASTING
            case ChooseHost() | CheckLogin() | OpenPassive() | StartTransfer():
                self._start(self._activities.begin(effect, self.tell))
            case AbortTransfer():
                self._activities.abort_transfer()
            case ClosePassive():
                self._activities.close_passive()
            case Reinitialise():
                self._activities.begin_anew()
                self._leave_if_withdrawn()
            case CloseControl(reason):
                self._reason = self._reason or reason
                self._channel.outbox.finish()

    def _leave_if_withdrawn(self) -> None:
        """Whoever comes to a place that is not served any more was told of no drain."""
        if not self._hosts.serves(self.place):
            self.tell(Draining())

    def _start(self, work: Work) -> asyncio.Task[None]:
        self._is_busy = True
        return self._activities.surroundings.tasks.start(self._carry_out(work), name=f"ftp {self._peer.number}")

    async def _carry_out(self, work: Callable[[], Awaitable[Event]]) -> None:
        """The task of one activity, and its boundary: whatever goes wrong in it ends this connection, no other."""
        event: Event | None = None
        try:
            event = await work()
        except TlsFailed as error:
            self.cut(f"TLS failed: {error}")
        except Exception as error:
            self._fail(error)
        finally:
            self._is_busy = False
            self._leave_if_over()
        if event is not None:
            # See `_idle_limit`: a stranger has not been heard because a host was looked for.
            if self._conversation.is_admitted or isinstance(event, Connected | LoginAdmitted | LoginRefused):
                self._idle.heard()
            self.tell(event)
            self.pump()

    def _fail(self, error: Exception) -> None:
        _log.error(
            "ftp connection failed",
            exc_info=error,
            extra={
                "server_id": self.place[0],
                "session_id": self._activities.session_id,
                "source_ip": self._peer.address,
            },
        )
        self._reason = "internal error"
        self._activities.abort_transfer()
        self._conversation.handle(PeerClosed())
        self._channel.outbox.send(replies.INTERNAL_ERROR.encode())
        self._channel.outbox.finish()

    def _leave_if_over(self) -> None:
        if self._is_lost and self._conversation.is_over and not self._is_busy and not self._has_left:
            self._has_left = True
            self._activities.end(self._reason)
            self._left()


def _give_up(question: asyncio.Task[None] | None) -> None:
    """Though not in the middle of what the file system does in one piece."""
    if question is not None:
        # Behind the task's first step: were it cancelled before that, nobody would hear that it ended.
        asyncio.get_running_loop().call_soon(question.cancel)


def _can_take(conversation: Conversation, channel: ControlChannel) -> bool:
    return conversation.is_accepting and channel.outbox.has_room


def _idle_limit(conversation: Conversation, activities: Activities) -> float:
    """A stranger's time runs from the greeting or the last failed login, whatever else it says."""
    surroundings = activities.surroundings
    return surroundings.ftp.idle_timeout_s if conversation.is_admitted else surroundings.login.pre_login_timeout_s


def _options_of(surroundings: Surroundings) -> Options:
    ftp = surroundings.ftp
    return Options(
        allows_restart=ftp.allow_restart,
        allows_append=ftp.allow_append,
        renames_directories=ftp.rename_directories,
    )
