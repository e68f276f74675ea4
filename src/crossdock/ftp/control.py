"""The FTP conversation as a pure machine: events in, effects out.

The driver reads lines, carries effects out and tells what came of them. At any time the conversation is doing one
thing, and `handle` is the table of what may happen then:

    NOTHING   waits for a command; obeying one may begin one of the next four
    LOGIN     a user name and a password are being judged
    PASSIVE   a port for a data connection is being found
    FILE      the file system was asked a question
    TRANSFER  data flows, or is about to
    GONE      the connection is closed, or will be as soon as the last reply is sent

RFC 959 §5.4: every command gets its replies before the next one is looked at. So a command that comes while
something is being done waits its turn, at most `MAX_WAITING` of them; `is_accepting` tells the driver when to stop
reading. Three verbs do not wait for the end of a transfer: NOOP and STAT are answered at once (unless another command
already waits, for replies keep their order), and ABOR ends the transfer at once and is answered in its turn, after
the transfer's own 426.
"""

from collections import deque
from enum import Enum
from typing import assert_never

from crossdock.ftp import replies
from crossdock.ftp.commands import Access, BadCommand, Command, parse_line
from crossdock.ftp.obey import CONCLUDE, OBEY, Standing, status_reply
from crossdock.ftp.replies import DataFailure, Reply, reply_for
from crossdock.ftp.words import (
    AbortTransfer,
    Activity,
    AskFile,
    CheckLogin,
    CloseControl,
    Connected,
    Draining,
    Effect,
    Event,
    FileAnswered,
    FileFailed,
    IdleExpired,
    LineReceived,
    LineTooLong,
    LoginAdmitted,
    LoginRefused,
    OpenPassive,
    PassiveFailed,
    PassiveReady,
    PeerClosed,
    SendReply,
    SendText,
    StartTransfer,
    TransferCompleted,
    TransferFailed,
    TransferKind,
    TransferOpened,
)

MAX_WAITING = 16
"""Commands that may wait behind one that is being carried out."""


class Doing(Enum):
    NOTHING = "nothing"
    LOGIN = "login"
    PASSIVE = "passive"
    FILE = "file"
    TRANSFER = "transfer"
    GONE = "gone"


class OutOfTurn(RuntimeError):
    """The driver told of something that cannot have happened: a mistake in the driver, never in the client."""


class Conversation:
    """One control connection, from its first reply to its last.

    `login_attempts` is how many times a password may be wrong; the banners are the server's own, before and after the
    login.
    """

    def __init__(
        self, *, is_ipv6: bool = False, login_attempts: int = 3, pre_login_banner: str = "", post_login_banner: str = ""
    ) -> None:
        self._standing = Standing(is_ipv6=is_ipv6)
        self._attempts_left = login_attempts
        self._pre_login_banner = pre_login_banner
        self._post_login_banner = post_login_banner
        self._activity: Activity | None = None
        self._doing = Doing.NOTHING
        self._is_listing_begun = False
        self._is_draining = False
        self._waiting: deque[Command | BadCommand] = deque()

    @property
    def doing(self) -> Doing:
        return self._doing

    @property
    def is_admitted(self) -> bool:
        return self._standing.is_admitted

    @property
    def is_accepting(self) -> bool:
        """Whether another line may be handed over now."""
        return self._doing is not Doing.GONE and len(self._waiting) < MAX_WAITING

    def handle(self, event: Event) -> list[Effect]:
        """Say what is to be done about an event, in order."""
        match self._doing, event:
            case Doing.GONE, _:
                return []
            case doing, PeerClosed():
                aborted: list[Effect] = [AbortTransfer()] if doing is Doing.TRANSFER else []
                return [*aborted, *self._leave()]
            case Doing.NOTHING, Connected():
                return [SendReply(replies.greeting(self._pre_login_banner))]
            case Doing.NOTHING, IdleExpired():
                return self._leave(replies.IDLE_TOO_LONG)
            case _, IdleExpired():
                return []  # something is being done for the client, which may wait in silence
            case Doing.NOTHING, Draining():
                return self._leave(replies.SHUTTING_DOWN)
            case _, Draining():
                self._is_draining = True
                return []
            case _, LineReceived(line):
                return self._take(parse_line(line))
            case _, LineTooLong():
                return self._take(BadCommand(replies.LINE_TOO_LONG))
            case Doing.LOGIN, LoginAdmitted(directory):
                return self._conclude(self._admit(directory))
            case Doing.LOGIN, LoginRefused():
                return self._conclude(replies.LOGIN_REFUSED, self._attempt_failed())
            case Doing.PASSIVE, PassiveReady(host, port):
                self._standing.has_passive = True
                return self._conclude(_passive_reply(self._activity, host, port))
            case Doing.PASSIVE, PassiveFailed():
                return self._conclude(replies.NO_PASSIVE_PORT)
            case Doing.FILE, FileAnswered() as answer:
                return self._conclude(self._file_reply(answer))
            case Doing.FILE, FileFailed(error):
                return self._conclude(reply_for(error))
            case Doing.TRANSFER, TransferOpened(name):
                self._is_listing_begun = _is_status_listing(self._activity)
                return [_first_reply(self._activity, name)]
            case Doing.TRANSFER, TransferCompleted():
                return self._conclude(replies.LISTING_ENDS if self._is_listing_begun else replies.TRANSFER_COMPLETE)
            case Doing.TRANSFER, TransferFailed() if self._is_listing_begun:
                return self._conclude(replies.LISTING_BROKEN)
            case Doing.TRANSFER, TransferFailed(cause):
                return self._conclude(cause.reply if isinstance(cause, DataFailure) else reply_for(cause))
            case _:
                raise OutOfTurn(f"{type(event).__name__} while doing {self._doing.value}")

    def _take(self, command: Command | BadCommand) -> list[Effect]:
        """Obey a command now, or let it wait."""
        if self._doing is Doing.NOTHING:
            return self._obey(command)
        if not self.is_accepting:
            raise OutOfTurn("a line was handed over while none was accepted")
        if self._doing is Doing.TRANSFER and isinstance(command, Command):
            if self._is_answered_in_transfer(command):
                is_status = command.verb.name == "STAT"
                reply = status_reply(self._standing, is_transferring=True) if is_status else replies.NOTHING_DONE
                return [SendReply(reply)]
            if command.verb.name == "ABOR":
                self._waiting.append(command)
                return [AbortTransfer()]
        self._waiting.append(command)
        return []

    def _is_answered_in_transfer(self, command: Command) -> bool:
        """RFC 959 §4.1.3 lets STAT come during a transfer; NOOP keeps firewalls from forgetting the connection.

        A reply in the middle of another, which STAT with a path is, would be no reply.
        """
        is_question = command.verb.is_honoured_in_transfer and not (command.verb.name == "STAT" and command.argument)
        return is_question and not self._waiting and not _is_status_listing(self._activity)

    def _obey(self, command: Command | BadCommand) -> list[Effect]:
        # RFC 959 §4.1.1: PASS must come immediately after USER, §4.1.3: RNTO after RNFR; anything else in between,
        # even a mistake, forgets the name.
        offered, self._standing.offered = self._standing.offered, ""
        if isinstance(command, BadCommand):
            return [SendReply(command.reply)]
        verb = command.verb
        if verb.access is Access.STRANGERS and self._standing.is_admitted:
            return [SendReply(replies.ALREADY_LOGGED_IN)]
        if verb.access is Access.USERS and not self._standing.is_admitted:
            return [SendReply(replies.NOT_LOGGED_IN)]
        if verb.follows and verb.follows != offered:
            return [SendReply(replies.USER_FIRST if verb.follows == "USER" else replies.RENAME_FROM_FIRST)]
        if verb.name == "QUIT":
            return self._leave(replies.GOODBYE)
        effects = OBEY[verb.name](self._standing, command.argument)
        for effect in effects:
            if isinstance(effect, Activity):
                self._begin(effect)
        return effects

    def _begin(self, activity: Activity) -> None:
        self._activity = activity
        self._is_listing_begun = False
        match activity:
            case CheckLogin():
                self._doing = Doing.LOGIN
            case OpenPassive():
                self._standing.has_passive = False  # the port expected before is given up
                self._doing = Doing.PASSIVE
            case AskFile():
                self._doing = Doing.FILE
            case StartTransfer():
                self._doing = Doing.TRANSFER
            case _:
                assert_never(activity)

    def _conclude(self, reply: Reply, farewell: Reply | None = None) -> list[Effect]:
        """Give the reply that ends an activity, and go on with what waits, or leave with `farewell`."""
        self._doing = Doing.NOTHING
        self._activity = None
        effects: list[Effect] = [SendReply(reply)]
        if farewell is None and self._is_draining:
            farewell = replies.SHUTTING_DOWN
        if farewell is not None:
            return [*effects, *self._leave(farewell)]
        while self._waiting and self._doing is Doing.NOTHING:
            effects += self._obey(self._waiting.popleft())
        # An ABOR that came early still counts for the transfer before it in the line, if that has only begun now.
        if self._doing is Doing.TRANSFER and any(_is_abort(command) for command in self._waiting):
            effects.append(AbortTransfer())
        return effects

    def _leave(self, *farewell: Reply) -> list[Effect]:
        self._doing = Doing.GONE
        self._waiting.clear()
        reason = next((reply.lines[0] for reply in farewell if reply.code == 421), "")
        return [*(SendReply(reply) for reply in farewell), CloseControl(reason)]

    def _admit(self, directory: str) -> Reply:
        self._standing.is_admitted = True
        self._standing.directory = directory
        return replies.logged_in(self._post_login_banner)

    def _attempt_failed(self) -> Reply | None:
        self._attempts_left -= 1
        return None if self._attempts_left > 0 else replies.TOO_MANY_ATTEMPTS

    def _file_reply(self, answer: FileAnswered) -> Reply:
        if not isinstance(self._activity, AskFile):
            raise OutOfTurn("an answer without a question")
        return CONCLUDE[self._activity.operation](self._standing, self._activity, answer)


def _is_status_listing(activity: Activity | None) -> bool:
    return isinstance(activity, StartTransfer) and activity.kind is TransferKind.STATUS


def _is_abort(command: Command | BadCommand) -> bool:
    return isinstance(command, Command) and command.verb.name == "ABOR"


def _passive_reply(activity: Activity | None, host: str, port: int) -> Reply:
    is_extended = isinstance(activity, OpenPassive) and activity.is_extended
    return replies.extended_passive(port) if is_extended else replies.passive(host, port)


def _first_reply(activity: Activity | None, name: str) -> Effect:
    """What is said before data flows: a whole reply, or the first line of one that holds the listing itself."""
    match activity:
        case StartTransfer(TransferKind.STATUS, path):
            return SendText(replies.listing_begins(path))
        case StartTransfer(TransferKind.STORE_UNIQUE):
            return SendReply(replies.unique_name(name))
        case _:
            return SendReply(replies.TRANSFER_STARTS)
