"""The FTP conversation as a pure machine: events in, effects out.

The driver reads lines, carries effects out and tells what came of them. At any time the conversation has at most one
activity under way, and `handle` is the table of what may happen then:

    (none)         waits for a command; obeying one may begin one of the next six
    StartTls       the client said AUTH TLS and begins its handshake
    ChooseHost     the server of a host name is being looked for
    CheckLogin     a user name and a password are being judged
    OpenPassive    a port for a data connection is being found
    AskFile        the file system was asked a question
    StartTransfer  data flows, or is about to

until it is over: the connection is closed, or will be as soon as the last reply is sent.

RFC 959 §5.4: every command gets its replies before the next one is looked at. So a command that comes while
something is being done waits its turn, at most `MAX_WAITING` of them; `is_accepting` tells the driver when to stop
reading. Three verbs do not wait for the end of a transfer. NOOP and STAT are answered at once when they come after its
150 and no other command waits: so they were meant for the middle of it, and replies keep their order. ABOR ends the
transfer at once and is answered in its turn, after the transfer's own 426.

A client may close when it has said everything: what came before is obeyed in its turn. But a transfer ends with the
client's side of the connection, for nobody is left who could say ABOR, or be told how it ended.

Nothing may wait behind AUTH TLS: it came in the clear, and somebody on the way could have put it there to be obeyed as
if it had come under TLS (RFC 3207 §6 has the same of mail). Such a connection ends without a word.
"""

from collections import deque
from functools import partial

from crossdock.core.errors import FileError, NotADirectory
from crossdock.ftp import replies
from crossdock.ftp.commands import Access, BadCommand, Command, Verb, parse_line
from crossdock.ftp.obey import CONCLUDE, OBEY, status_reply
from crossdock.ftp.protection import under_tls
from crossdock.ftp.replies import DataFailure, Reply, reply_for, reply_to_upload
from crossdock.ftp.standing import Standing
from crossdock.ftp.words import (
    AbortTransfer,
    Activity,
    AskFile,
    CheckLogin,
    ChooseHost,
    CloseControl,
    Connected,
    Draining,
    Effect,
    Event,
    FileAnswered,
    FileFailed,
    HostChosen,
    HostUnknown,
    IdleExpired,
    InputEnded,
    LineReceived,
    LineTooLong,
    LoginAdmitted,
    LoginRefused,
    Offer,
    OpenPassive,
    Options,
    PassiveFailed,
    PassiveReady,
    PeerClosed,
    Reinitialise,
    SendReply,
    SendText,
    StartTls,
    StartTransfer,
    TlsStarted,
    TransferCompleted,
    TransferFailed,
    TransferKind,
    TransferLeft,
    TransferOpened,
)

MAX_WAITING = 16
"""Commands that may wait behind one that is being carried out."""

INJECTED = "bytes behind AUTH TLS"
"""Why a connection was closed on which something waited behind AUTH TLS; for the log."""


class OutOfTurn(RuntimeError):
    """The driver told of something that cannot have happened: a mistake in the driver, never in the client."""


class Conversation:
    """One control connection, from its first reply to its last.

    `offer` is the listener's own server's, which HOST may change for another's. `login_attempts` is how many times a
    password may be wrong.
    """

    def __init__(
        self,
        offer: Offer | None = None,
        *,
        is_ipv6: bool = False,
        is_secure: bool = False,
        login_attempts: int = 3,
        options: Options | None = None,
    ) -> None:
        self._fresh = partial(
            Standing, offer=offer or Offer(), options=options or Options(), is_ipv6=is_ipv6, is_secure=is_secure
        )
        self._standing = self._fresh()
        self._attempts_left = login_attempts
        self._activity: Activity | None = None
        self._is_over = False
        self._opened: TransferOpened | None = None
        self._is_draining = False
        self._waiting: deque[Command | BadCommand] = deque()

    @property
    def is_over(self) -> bool:
        """Nothing that happens now leads to anything."""
        return self._is_over

    @property
    def is_admitted(self) -> bool:
        return self._standing.is_admitted

    @property
    def is_secure(self) -> bool:
        """Whether the control connection is under TLS."""
        return self._standing.is_secure

    @property
    def is_transferring(self) -> bool:
        return _is_transfer(self._activity)

    @property
    def is_accepting(self) -> bool:
        """Whether another line may be handed over now. None may while TLS begins: those bytes are TLS's."""
        is_busy = isinstance(self._activity, StartTls) or len(self._waiting) >= MAX_WAITING
        return not (self._is_over or is_busy)

    def handle(self, event: Event) -> list[Effect]:
        """Say what is to be done about an event, in order."""
        if self._is_over:
            return []
        match self._activity, event:
            case StartTransfer(), PeerClosed() | InputEnded():
                return [AbortTransfer(), *self._leave()]
            case None | StartTls(), InputEnded():
                return self._leave()
            case _, InputEnded():
                return []  # it is told again when this is done and what waits has been obeyed
            case _, PeerClosed():
                return self._leave()
            case None, Connected():
                return [SendReply(replies.greeting(self._standing.offer.pre_login_banner))]
            case None | ChooseHost(), IdleExpired():  # a name is found at once: nobody is kept waiting by it
                return self._leave(replies.IDLE_TOO_LONG)
            case _, IdleExpired():
                return []  # something is being done for the client, which may wait in silence
            case None, Draining():
                return self._leave(replies.SHUTTING_DOWN)
            case _, Draining():
                self._is_draining = True
                return []
            case StartTls(), LineReceived() | LineTooLong():
                return self._leave(reason=INJECTED)
            case StartTls(), TlsStarted():
                self._standing = under_tls(self._standing)
                return self._conclude()
            case ChooseHost(), HostChosen(offer):
                self._standing.offer = offer
                return self._conclude(replies.greeting(offer.pre_login_banner))
            case ChooseHost(), HostUnknown():
                return self._conclude(replies.HOST_UNKNOWN)
            case _, LineReceived(line):
                return self._take(parse_line(line))
            case _, LineTooLong():
                return self._take(BadCommand(replies.LINE_TOO_LONG))
            case CheckLogin(), LoginAdmitted(directory):
                return self._conclude(_admit(self._standing, directory))
            case CheckLogin(), LoginRefused():
                return self._conclude(replies.LOGIN_REFUSED, farewell=self._attempt_failed())
            case OpenPassive(is_extended), PassiveReady(host, port):
                self._standing.has_passive = True
                return self._conclude(replies.extended_passive(port) if is_extended else replies.passive(host, port))
            case OpenPassive(), PassiveFailed():
                return self._conclude(replies.NO_PASSIVE_PORT)
            case AskFile() as question, FileAnswered() as answer:
                return self._conclude(CONCLUDE[question.operation](self._standing, question, answer))
            case AskFile(), FileFailed(error):
                return self._conclude(reply_for(error))
            case StartTransfer() as transfer, TransferOpened() as opened:
                self._opened = opened
                return [_first_reply(transfer, opened)]
            case StartTransfer(TransferKind.STATUS), TransferCompleted() | TransferFailed() as end if self._opened:
                is_whole = isinstance(end, TransferCompleted)
                return self._conclude(replies.listing_ends(is_directory=self._opened.is_directory, is_whole=is_whole))
            case StartTransfer(TransferKind.FACTS), TransferFailed(NotADirectory()):
                return self._conclude(replies.MLSD_OF_A_FILE)
            case StartTransfer(), TransferCompleted():
                return self._conclude(replies.TRANSFER_COMPLETE)
            case StartTransfer(), TransferLeft():
                return self._leave(replies.CONNECTION_CUT)
            case StartTransfer(), TransferFailed(DataFailure() as failure):
                return self._conclude(failure.reply)
            case StartTransfer(TransferKind.STORE | TransferKind.STORE_UNIQUE), TransferFailed(
                FileError() as error
            ) if self._opened:
                return self._conclude(reply_to_upload(error))
            case StartTransfer(), TransferFailed(FileError() as error):
                return self._conclude(reply_for(error))
            case _:
                raise OutOfTurn(f"{type(event).__name__} while doing {self._activity}")

    def _take(self, command: Command | BadCommand) -> list[Effect]:
        """Obey a command now, or let it wait."""
        if self._activity is None:
            return self._obey(command)
        if not self.is_accepting:
            raise OutOfTurn("a line was handed over while none was accepted")
        if isinstance(self._activity, StartTransfer):
            if not self._waiting and (reply := self._answer_in_transfer(self._activity, command)) is not None:
                return [SendReply(reply)]
            if _is_abort(command):
                self._waiting.append(command)
                return [AbortTransfer()]
        self._waiting.append(command)
        return []

    def _answer_in_transfer(self, transfer: StartTransfer, command: Command | BadCommand) -> Reply | None:
        """RFC 959 §4.1.3 lets STAT come during a transfer; NOOP keeps firewalls from forgetting the connection.

        While STAT with a path sends its listing, everything waits: a reply in the middle of a reply would be none.
        """
        if transfer.kind is TransferKind.STATUS or self._opened is None:
            return None
        match command:
            case Command(Verb(name="NOOP")):
                return replies.NOTHING_DONE
            case Command(Verb(name="STAT"), ""):
                return status_reply(self._standing, is_transferring=True)
            case _:
                return None

    def _obey(self, command: Command | BadCommand) -> list[Effect]:
        # RFC 959 §4.1.1: PASS must come immediately after USER, §4.1.3: RNTO after RNFR; anything else in between,
        # even a mistake, forgets the name.
        offered, self._standing.offered = self._standing.offered, ""
        if command.verb is not None and not self._standing.serves(command.verb):
            return [SendReply(replies.NOT_IMPLEMENTED)]
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
        if verb.name == "REIN":
            return self._start_over()
        effects = OBEY[verb.name](self._standing, command.argument)
        for effect in effects:
            if isinstance(effect, StartTls) and self._waiting:
                return self._leave(reason=INJECTED)
            if isinstance(effect, Activity):
                self._begin(effect)
        return effects

    def _start_over(self) -> list[Effect]:
        """RFC 959 §4.1.1 and RFC 7151 §3: everything is as it was when the connection was new.

        But a connection cannot leave TLS as clients expect then, and guesses at passwords go on being counted.
        """
        if self._standing.is_secure:
            return [SendReply(replies.NOT_IMPLEMENTED)]
        self._standing = self._fresh()
        return [Reinitialise(), SendReply(replies.greeting(self._standing.offer.pre_login_banner))]

    def _begin(self, activity: Activity) -> None:
        self._activity = activity
        self._opened = None
        if isinstance(activity, OpenPassive):
            self._standing.has_passive = False  # the port expected before is given up

    def _conclude(self, *last: Reply, farewell: Reply | None = None) -> list[Effect]:
        """Give the reply that ends an activity, and go on with what waits, or leave with `farewell`."""
        self._activity = None
        effects: list[Effect] = [SendReply(reply) for reply in last]
        if farewell is None and self._is_draining:
            farewell = replies.SHUTTING_DOWN
        if farewell is not None:
            return [*effects, *self._leave(farewell)]
        while self._waiting and self._activity is None:
            effects += self._obey(self._waiting.popleft())
        # An ABOR that came early still counts for the transfer before it in the line, if that has only begun now.
        if _is_transfer(self._activity) and any(_is_abort(command) for command in self._waiting):
            effects.append(AbortTransfer())
        return effects

    def _leave(self, *farewell: Reply, reason: str = "") -> list[Effect]:
        self._is_over = True
        self._waiting.clear()
        reason = next((reply.lines[0] for reply in farewell if reply.code == 421), reason)
        return [*(SendReply(reply) for reply in farewell), CloseControl(reason)]

    def _attempt_failed(self) -> Reply | None:
        self._attempts_left -= 1
        return None if self._attempts_left > 0 else replies.TOO_MANY_ATTEMPTS


def _admit(standing: Standing, directory: str) -> Reply:
    standing.is_admitted = True
    standing.directory = directory
    return replies.logged_in(standing.offer.post_login_banner)


def _is_transfer(activity: Activity | None) -> bool:
    return isinstance(activity, StartTransfer)


def _is_abort(command: Command | BadCommand) -> bool:
    return isinstance(command, Command) and command.verb.name == "ABOR"


def _first_reply(transfer: StartTransfer, opened: TransferOpened) -> Effect:
    """What is said before data flows; of a listing in a reply, its first line."""
    match transfer.kind:
        case TransferKind.STATUS:
            return SendText(replies.listing_begins(transfer.path, is_directory=opened.is_directory))
        case TransferKind.STORE_UNIQUE:
            return SendReply(replies.unique_name(opened.name))
        case _:
            return SendReply(replies.TRANSFER_STARTS)
