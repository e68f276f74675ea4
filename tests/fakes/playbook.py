"""Conversations as they are played: events `>>` go in, effects `<<` must come out, all of them and in order.

    play = Playbook(Conversation()) >> Connected() << reply(220)
    play >> line("NOOP") << reply(200)

A number stands for any reply with that code. Nothing may be left unsaid: the next event, and `end()`, demand that
every effect of the last one was named.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from crossdock.core.logins import Password
from crossdock.files.filesystem import Attributes, FileKind
from crossdock.ftp.control import Conversation
from crossdock.ftp.listing import FACT_NAMES
from crossdock.ftp.words import (
    CheckLogin,
    Connected,
    Effect,
    Event,
    LineReceived,
    LoginAdmitted,
    Offer,
    OpenPassive,
    Options,
    PassiveReady,
    SendReply,
    StartTls,
    StartTransfer,
    TlsStarted,
    TransferKind,
    TransferOpened,
)

FILE = Attributes(kind=FileKind.FILE, size=42, modified_at=datetime(2026, 3, 15, 0, 47, 9, tzinfo=UTC))
BOTH = Offer(allows_tls=True)
FTPS_ONLY = Offer(allows_plain=False, allows_tls=True)
EVERYTHING = Options(allows_append=True, renames_directories=True)
DIRECTORY = Attributes(kind=FileKind.DIRECTORY)
CHECK = CheckLogin("user1", Password("secret"))


@dataclass(frozen=True)
class AnyReply:
    code: int


def reply(code: int) -> AnyReply:
    return AnyReply(code)


def line(text: str) -> LineReceived:
    return LineReceived(text.encode())


class Playbook:
    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self._left: list[Effect] = []
        self._event: Event | None = None

    def __rshift__(self, event: Event | str) -> "Playbook":
        self.end()
        self._event = line(event) if isinstance(event, str) else event
        self._left = list(self.conversation.handle(self._event))
        return self

    def __lshift__(self, expected: Effect | AnyReply | int) -> "Playbook":
        assert self._left, f"{self._event} led to nothing more, not to {expected}"
        effect = self._left.pop(0)
        if isinstance(expected, int):
            expected = AnyReply(expected)
        if isinstance(expected, AnyReply):
            assert isinstance(effect, SendReply), f"{self._event} led to {effect}"
            assert effect.reply.code == expected.code, f"{self._event} led to {effect}"
        else:
            assert effect == expected, f"{self._event} led to {effect}"
        return self

    def end(self) -> None:
        assert not self._left, f"{self._event} also led to {self._left}"


def stranger(**options: object) -> Playbook:
    play = Playbook(Conversation(**options))  # type: ignore[arg-type]
    play >> Connected() << 220
    return play


def secured(text: str = "AUTH TLS", *, offer: Offer = FTPS_ONLY, **options: object) -> Playbook:
    """A stranger under TLS."""
    play = stranger(offer=offer, **options)
    play >> text << 234 << StartTls()
    play >> TlsStarted()
    return play


def user(play: Playbook | None = None, **options: object) -> Playbook:
    """Logged in, in /home."""
    play = play or stranger(**options)
    play >> "USER user1" << 331
    play >> "PASS secret" << CHECK
    play >> LoginAdmitted("/home") << 230
    return play


def ready(play: Playbook | None = None, **options: object) -> Playbook:
    """Logged in, with a data connection expected."""
    play = user(play, **options)
    play >> "EPSV" << OpenPassive(is_extended=True)
    play >> PassiveReady("", 8192) << 229
    return play


def transferring(kind: TransferKind = TransferKind.STORE, verb: str = "STOR") -> Playbook:
    play = ready()
    play >> f"{verb} a.txt" << StartTransfer(kind, "/home/a.txt", FACT_NAMES)
    play >> TransferOpened() << 150
    return play
