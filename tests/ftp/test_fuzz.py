"""Whatever a client sends and whatever comes of it: only replies, in order, and never an exception."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.core.errors import Denied, FileError, NotADirectory, NotFound, Unavailable
from crossdock.files.filesystem import Attributes, FileKind
from crossdock.ftp.commands import VERBS
from crossdock.ftp.control import Conversation
from crossdock.ftp.lines import LineBuffer, TooLong
from crossdock.ftp.replies import DataFailure
from crossdock.ftp.words import (
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
    SendReply,
    SendText,
    StartTls,
    StartTransfer,
    TlsStarted,
    TransferCompleted,
    TransferFailed,
    TransferKind,
    TransferOpened,
)

REPLIES = re.compile(rb"(([1-5]\d\d)(-[^\r\n]*\r\n( [^\r\n]*\r\n)*\2)? [^\r\n]*\r\n)*")
UNFINISHED = re.compile(rb"21[23]-[^\r\n]*\r\n( [^\r\n]*\r\n)*\Z")
"""A listing in a reply that was going on when the connection was lost."""
CODE = re.compile(rb"^([1-5]\d\d) ", re.MULTILINE)

WORDS = st.sampled_from([*VERBS, "XPWD", "noop", "GET", "\xff\xf4\xff\xf2ABOR", ""])
ARGUMENTS = st.one_of(
    st.just(""),
    st.sampled_from(
        [" a", " /", " ..", " A", " I", " S", " F", " 1", " 2", " ALL", " UTF8 ON", " MLST size;", " -la x", " TLS"]
    ),
    st.sampled_from(
        [" SSL", " P", " C", " 0", " 7 R 7", " *.txt", " sub/[a", " HELP", " en", " b.example", " 20260315004709 a"]
    ),
    st.text(max_size=10).map(lambda text: " " + text),
)
LINES = st.one_of(
    st.tuples(WORDS, ARGUMENTS).map(lambda pair: "".join(pair).encode("latin-1", "replace")),
    st.binary(max_size=30),
    st.sampled_from(
        [b"USER user1", b"PASS secret", b"EPSV", b"PASV", b"LIST", b"RETR a", b"STOR a", b"ABOR", b"STAT a"]
    ),
    st.sampled_from(
        [b"AUTH TLS", b"PBSZ 0", b"PROT P", b"PROT C", b"REST 7", b"ALLO 7", b"APPE a", b"NLST *", b"REIN", b"HOST a"]
    ),
)
BANNER = "Welcome,\r\n220 and\n\nbe nice."
OFFERS = [
    Offer(allows_plain=plain, allows_tls=tls, pre_login_banner=banner, post_login_banner=banner, setstat_is_no_op=no_op)
    for plain, tls in ((True, False), (True, True), (False, True))
    for banner in ("", BANNER)
    for no_op in (False, True)
]
OPTIONS = [
    Options(allows_restart=restart, allows_append=append, renames_directories=append)
    for restart in (False, True)
    for append in (False, True)
]
FAILURES: list[FileError | DataFailure] = [NotFound(), Denied(), NotADirectory(), Unavailable(), *DataFailure]


class Driver:
    """Answers what a conversation begins, as chance has it, and checks what it says."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        offer = chance.choice(OFFERS)
        self.conversation = Conversation(
            offer,
            is_ipv6=chance.random() < 0.2,
            is_secure=offer.allows_tls and chance.random() < 0.1,
            options=chance.choice(OPTIONS),
        )
        self.must_secure = not (offer.allows_plain or self.conversation.is_secure)
        self.activity: Activity | None = None
        self.is_opened = False
        self.is_closed = False
        self.is_lost = False
        self.sent = b""
        self.tell(Connected())

    def log_in(self) -> None:
        if self.must_secure:
            self.tell(LineReceived(b"AUTH TLS"))
            self.activity = None
            self.tell(TlsStarted())
        while not self.conversation.is_admitted:
            self.tell(LineReceived(b"USER user1"))
            self.tell(LineReceived(b"PASS secret"))
            self.activity = None
            self.tell(LoginAdmitted("/home"))

    @property
    def final_replies(self) -> int:
        return sum(not code.startswith(b"1") for code in CODE.findall(self.sent))

    def tell(self, event: Event) -> None:
        for effect in self.conversation.handle(event):
            self.perform(effect)

    def perform(self, effect: Effect) -> None:
        assert not self.is_closed, f"{effect} after the end"
        match effect:
            case SendReply(reply):
                self.sent += reply.encode()
            case SendText(text):
                self.sent += text
            case StartTls() | ChooseHost() | CheckLogin() | OpenPassive() | AskFile() | StartTransfer():
                assert self.activity is None, "one thing at a time"
                self.activity, self.is_opened = effect, False
            case CloseControl():
                self.is_closed = True
            case _:
                pass

    def answer(self) -> None:
        """Let what is under way go one step on."""
        activity, chance = self.activity, self.chance
        if activity is None:
            return
        if isinstance(activity, StartTransfer) and not self.is_opened and chance.random() < 0.8:
            self.is_opened = True
            self.tell(TransferOpened("f00d", is_directory=chance.random() < 0.5))
            if activity.kind is TransferKind.STATUS and not self.is_closed:
                self.sent += b" a line\r\n"
            return
        self.activity = None
        self.tell(self.end_of(activity))

    def end_of(self, activity: Activity) -> Event:
        is_well = self.chance.random() < 0.7
        match activity:
            case StartTls():
                return TlsStarted()
            case ChooseHost():
                return HostChosen(self.chance.choice(OFFERS)) if is_well else HostUnknown()
            case CheckLogin():
                return LoginAdmitted("/home") if is_well else LoginRefused()
            case OpenPassive():
                return PassiveReady("127.0.0.1", 8192) if is_well else PassiveFailed()
            case AskFile():
                kind = self.chance.choice(list(FileKind))
                return FileAnswered(Attributes(kind=kind)) if is_well else FileFailed(NotFound())
            case StartTransfer():
                if self.is_opened and is_well:
                    return TransferCompleted()
                return TransferFailed(self.chance.choice(FAILURES))


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES, max_size=60), st.randoms(use_true_random=False))
def test_any_lines_get_only_well_formed_replies(lines: list[bytes], chance: random.Random) -> None:
    driver = Driver(chance)
    if chance.random() < 0.8:
        driver.log_in()
    for line in lines:
        is_injected = isinstance(driver.activity, StartTls) and chance.random() < 0.1
        while not is_injected and not driver.conversation.is_accepting and driver.activity is not None:
            driver.answer()
        driver.tell(LineReceived(line))
        if chance.random() < 0.5:
            driver.answer()
        if chance.random() < 0.02:
            driver.tell(chance.choice([IdleExpired(), Draining(), LineTooLong()]))
        if chance.random() < 0.01:
            driver.is_lost = True
            driver.tell(chance.choice([PeerClosed(), InputEnded()]))
    while driver.activity is not None:
        driver.answer()
    if driver.is_lost:
        driver.sent = UNFINISHED.sub(b"", driver.sent)
    assert REPLIES.fullmatch(driver.sent), driver.sent
    assert driver.is_closed == driver.conversation.is_over


@settings(max_examples=30, deadline=None)
@given(st.lists(LINES, max_size=40), st.randoms(use_true_random=False))
def test_pipelined_commands_get_the_replies_they_get_one_by_one(lines: list[bytes], chance: random.Random) -> None:
    """Answered at once or only when it must be: each command gets the same final replies, in the same order."""
    # NOOP, STAT and ABOR are those that may be told apart by when they come; nothing may come behind AUTH.
    lines = [line for line in lines if not re.search(rb"(?i)noop|stat|abor|auth", line)]
    seed = chance.random()
    one_by_one, pipelined = Driver(random.Random(seed)), Driver(random.Random(seed))
    one_by_one.log_in()
    pipelined.log_in()
    for line in lines:
        one_by_one.tell(LineReceived(line))
        while one_by_one.activity is not None:
            one_by_one.answer()
    for line in lines:
        while not pipelined.conversation.is_accepting and pipelined.activity is not None:
            pipelined.answer()
        pipelined.tell(LineReceived(line))
    while pipelined.activity is not None:
        pipelined.answer()
    assert pipelined.sent == one_by_one.sent


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES, max_size=40), st.randoms(use_true_random=False), st.floats(0, 1))
def test_each_command_gets_exactly_one_final_reply(lines: list[bytes], chance: random.Random, patience: float) -> None:
    driver = Driver(chance)
    if chance.random() < 0.9:
        driver.log_in()
    replies = driver.final_replies
    count = 0
    for line in lines:
        while not driver.conversation.is_accepting and driver.activity is not None:
            driver.answer()
        if driver.conversation.is_over:
            break
        driver.tell(LineReceived(line))
        count += 1
        while driver.activity is not None and chance.random() < patience:
            driver.answer()
    while driver.activity is not None:
        driver.answer()
    if driver.conversation.is_over:  # by a farewell, or without a word and with commands unanswered
        assert driver.final_replies <= replies + count + 1
    else:
        assert driver.final_replies == replies + count


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=20_000), st.randoms(use_true_random=False))
def test_any_bytes_get_only_well_formed_replies(data: bytes, chance: random.Random) -> None:
    driver, lines = Driver(chance), LineBuffer()
    lines.feed(data)
    while (line := lines.next_line()) is not None:
        while not driver.conversation.is_accepting and driver.activity is not None:
            driver.answer()
        driver.tell(LineTooLong() if isinstance(line, TooLong) else LineReceived(line))
    assert REPLIES.fullmatch(driver.sent)


def test_two_thousand_commands_are_answered_in_order_in_bounded_memory() -> None:
    driver = Driver(random.Random(0))
    driver.log_in()
    lines = LineBuffer()
    lines.feed(b"".join(b"NOOP\r\nMKD %d\r\n" % number for number in range(1_000)))
    while (line := lines.next_line()) is not None:
        assert isinstance(line, bytes)
        while not driver.conversation.is_accepting:
            driver.answer()
        driver.tell(LineReceived(line))
    while driver.activity is not None:
        driver.answer()
    codes = CODE.findall(driver.sent)
    assert codes[:3] == [b"220", b"331", b"230"]
    assert codes[3::2] == [b"200"] * 1_000
    assert len(codes[4::2]) == 1_000
    assert set(codes[4::2]) == {b"257", b"550"}


@pytest.mark.soak
@settings(max_examples=50_000, deadline=None)
@given(st.lists(LINES, max_size=100), st.randoms(use_true_random=False))
def test_any_lines_get_only_well_formed_replies_for_long(lines: list[bytes], chance: random.Random) -> None:
    test_any_lines_get_only_well_formed_replies.hypothesis.inner_test(lines, chance)  # type: ignore[attr-defined]


@pytest.mark.soak
@settings(max_examples=10_000, deadline=None)
@given(st.lists(LINES, max_size=60), st.randoms(use_true_random=False))
def test_pipelined_commands_get_the_replies_they_get_one_by_one_for_long(
    lines: list[bytes], chance: random.Random
) -> None:
    test_pipelined_commands_get_the_replies_they_get_one_by_one.hypothesis.inner_test(lines, chance)  # type: ignore[attr-defined]


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None)
@given(st.binary(max_size=20_000), st.randoms(use_true_random=False))
def test_any_bytes_get_only_well_formed_replies_for_long(data: bytes, chance: random.Random) -> None:
    test_any_bytes_get_only_well_formed_replies.hypothesis.inner_test(data, chance)  # type: ignore[attr-defined]


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None)
@given(st.lists(LINES, max_size=60), st.randoms(use_true_random=False), st.floats(0, 1))
def test_each_command_gets_exactly_one_final_reply_for_long(
    lines: list[bytes], chance: random.Random, patience: float
) -> None:
    test_each_command_gets_exactly_one_final_reply.hypothesis.inner_test(lines, chance, patience)  # type: ignore[attr-defined]
