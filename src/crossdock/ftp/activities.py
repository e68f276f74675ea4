"""What a conversation begins, carried out: logins, passive ports, questions and transfers of one control connection."""

from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, assert_never

from crossdock.core.ids import Entropy
from crossdock.core.logins import LoginAttempt, Refusal
from crossdock.core.servers import FileProtocol, Server
from crossdock.files.session import Admit, Session
from crossdock.ftp.addresses import passive_host
from crossdock.ftp.passive import Expectation, PassivePorts
from crossdock.ftp.questions import answer
from crossdock.ftp.transfers import Transfer, TransferMeans
from crossdock.ftp.words import (
    Activity,
    AskFile,
    CheckLogin,
    Event,
    LoginAdmitted,
    LoginAnswer,
    LoginRefused,
    OpenPassive,
    PassiveAnswer,
    PassiveFailed,
    PassiveReady,
    StartTransfer,
    TransferKind,
    TransferOpened,
)
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.host import Clock
from crossdock.settings import FtpSettings, LoginSettings

Work = Callable[[], Awaitable[Event]]
"""Does something, and says with which event it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all control connections of a server share.

    `unread_timeout_s` is how long a client may leave so many replies unread that no more can be sent.
    """

    server: Server
    protocol: FileProtocol
    admit: Admit
    passive: PassivePorts
    pool: Executor
    tasks: TaskSupervisor
    clock: Clock
    entropy: Entropy
    ftp: FtpSettings
    login: LoginSettings
    unread_timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Both ends of a control connection, in one spelling (`normal_address`), and its number."""

    number: int
    address: str
    local_address: str


class ControlSide(Protocol):
    """What a transfer needs of the control connection."""

    def is_alive(self) -> bool:
        """Whether the client has neither closed it nor its half of it."""

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client is slow to read."""


class Activities:
    """Carries out one activity after the other."""

    def __init__(self, surroundings: Surroundings, peer: Peer, control: ControlSide) -> None:
        self._surroundings = surroundings
        self._peer = peer
        self._control = control
        self._session: Session | None = None
        self._expectation: Expectation | None = None
        self._transfer: Transfer | None = None

    @property
    def session_id(self) -> str:
        """Empty before the login."""
        return self._session.session_id if self._session else ""

    def begin(self, activity: Activity, tell_opened: Callable[[TransferOpened], None]) -> Work:
        """Make ready, so that an abort finds what it aborts; the work itself is the caller's to await."""
        match activity:
            case CheckLogin():
                return partial(self._check_login, activity)
            case OpenPassive():
                return self._open_passive
            case AskFile():
                return partial(answer, self._logged_in().filesystem, activity)
            case StartTransfer():
                self._transfer = self._make_transfer(activity, tell_opened)
                return self._transfer.run
            case _:
                assert_never(activity)

    def abort_transfer(self) -> None:
        if self._transfer is not None:
            self._transfer.abort()

    def close_passive(self) -> None:
        if self._expectation is not None:
            self._expectation.withdraw()
            self._expectation = None

    def end(self, reason: str) -> None:
        """The connection is gone and nothing is being carried out any more."""
        self.close_passive()
        if self._session is not None:
            self._session.disconnected(reason)
            self._session = None

    async def _check_login(self, login: CheckLogin) -> LoginAnswer:
        outcome = await self._surroundings.admit(
            LoginAttempt(
                server_id=self._surroundings.server.server_id,
                username=login.username,
                credential=login.password,
                protocol=self._surroundings.protocol,
                source_ip=self._peer.address,
            )
        )
        if isinstance(outcome, Refusal):
            return LoginRefused()
        self._session = outcome
        return LoginAdmitted(outcome.initial_directory)

    async def _open_passive(self) -> PassiveAnswer:
        self.close_passive()
        self._expectation = await self._surroundings.passive.expect(self._peer.number, self._peer.address)
        if self._expectation is None:
            return PassiveFailed()
        host = passive_host(self._surroundings.server.passive_ip, self._peer.local_address)
        return PassiveReady(host, self._expectation.port)

    def _make_transfer(self, order: StartTransfer, tell_opened: Callable[[TransferOpened], None]) -> Transfer:
        expectation: Expectation | None = None
        if order.kind is not TransferKind.STATUS:
            expectation, self._expectation = self._expectation, None
        surroundings = self._surroundings
        means = TransferMeans(
            filesystem=self._logged_in().filesystem,
            pool=surroundings.pool,
            stall_s=surroundings.ftp.stalled_timeout_s,
            connect_s=surroundings.ftp.data_connect_timeout_s,
            now=surroundings.clock.now,
            unique_name=self._unique_name,
            tell_opened=tell_opened,
            is_control_alive=self._control.is_alive,
            write_control=self._control.write,
        )
        return Transfer(order, expectation, means)

    def _unique_name(self) -> str:
        return self._surroundings.entropy(8).hex()

    def _logged_in(self) -> Session:
        if self._session is None:
            raise RuntimeError("the conversation let a stranger through")
        return self._session
