"""What a conversation begins, carried out: logins, passive ports, questions and transfers of one control connection."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, assert_never

from crossdock.core.ids import Entropy, ServerId
from crossdock.core.logins import LoginAttempt, Refusal
from crossdock.core.servers import FileProtocol, InterruptedUploads, Server
from crossdock.core.tls_policies import tls_policy
from crossdock.files.session import Admit, Session
from crossdock.ftp.addresses import PassiveOverride, passive_host
from crossdock.ftp.control_tls import ControlTls
from crossdock.ftp.parting import Parting
from crossdock.ftp.passive import Expectation, PassivePorts
from crossdock.ftp.questions import answer
from crossdock.ftp.tls import ConnectionTls, KeyRing
from crossdock.ftp.transfers import Transfer, TransferMeans
from crossdock.ftp.words import (
    Activity,
    AskFile,
    CheckLogin,
    ChooseHost,
    Connected,
    Event,
    HostAnswer,
    HostChosen,
    HostUnknown,
    LoginAdmitted,
    LoginAnswer,
    LoginRefused,
    Offer,
    OpenPassive,
    PassiveAnswer,
    PassiveFailed,
    PassiveReady,
    StartTls,
    StartTransfer,
    TlsStarted,
    TransferKind,
    TransferOpened,
)
from crossdock.operations.tasks import TaskSupervisor
from crossdock.operations.threads import Threads, in_thread
from crossdock.ports.host import Clock
from crossdock.settings import FtpSettings, LoginSettings

Work = Callable[[], Awaitable[Event]]
"""Does something, and says with which event it ended."""

Place = tuple[ServerId, FileProtocol]
"""A server, and one of its protocols."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all control connections of a server share.

    `protocols` are those that this port serves of the server: FTP, FTPS or both. `pool` moves data, `handshakes` are
    the threads for the handshakes of control connections, which must not keep anybody's data waiting.
    """

    server: Server
    protocols: frozenset[FileProtocol]
    admit: Admit
    passive: PassivePorts
    passive_overrides: Sequence[PassiveOverride]
    keys: KeyRing
    pool: Threads
    handshakes: Threads
    tasks: TaskSupervisor
    clock: Clock
    entropy: Entropy
    ftp: FtpSettings
    login: LoginSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Both ends of a control connection, in one spelling (`normal_address`), and its number."""

    number: int
    address: str
    local_address: str


class Hosts(Protocol):
    """The servers that are reached through one port."""

    @property
    def is_implicit(self) -> bool:
        """TLS is spoken from the first byte on."""

    def named(self, hostname: str, address: str) -> Surroundings | None:
        """The one server that has this name here, if it lets a client of this address in."""

    def serves(self, place: Place) -> bool:
        """Whether somebody new may be there."""


class ControlSide(Protocol):
    """What activities need of the control connection."""

    def is_alive(self) -> bool:
        """Whether the client has neither closed it nor its half of it."""

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client is slow to read."""

    async def secured(self, tls: ControlTls) -> None:
        """Speak TLS from now on; returns when the handshake is done."""


def offer_of(surroundings: Surroundings) -> Offer:
    server = surroundings.server
    return Offer(
        allows_plain=FileProtocol.FTP in surroundings.protocols,
        allows_tls=FileProtocol.FTPS in surroundings.protocols,
        pre_login_banner=server.pre_login_banner,
        post_login_banner=server.post_login_banner,
        setstat_is_no_op=server.setstat_is_no_op,
        resumes_uploads=server.interrupted_uploads is InterruptedUploads.RESUME,
    )


class Activities:
    """Carries out one activity after the other."""

    def __init__(self, surroundings: Surroundings, hosts: Hosts, peer: Peer, control: ControlSide) -> None:
        self._first = self._surroundings = surroundings
        self._hosts = hosts
        self._peer = peer
        self._control = control
        self._session: Session | None = None
        self._expectation: Expectation | None = None
        self._transfer: Transfer | None = None
        self._parting = Parting(surroundings.tasks)
        self._tls: ConnectionTls | None = None

    @property
    def surroundings(self) -> Surroundings:
        """Those of the server that is spoken for."""
        return self._surroundings

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
            case StartTls():
                return self.start_tls
            case ChooseHost(name):
                return partial(self._choose_host, name)
            case AskFile():
                return partial(answer, self._logged_in().filesystem, activity)
            case StartTransfer():
                self._parting.end()
                self._transfer = self._make_transfer(activity, tell_opened)
                return self._transfer.run
            case _:
                assert_never(activity)

    async def start_tls(self) -> TlsStarted:
        surroundings = self._surroundings
        server = surroundings.server
        key_file = await surroundings.keys.current(server)
        policy, resumption = tls_policy(server.security_policy), server.tls_session_resumption
        self._tls = await in_thread(surroundings.handshakes, ConnectionTls, key_file, policy, resumption)
        await self._control.secured(ControlTls(self._tls.control_stream(), surroundings.handshakes))
        return TlsStarted()

    async def greet_under_tls(self) -> Connected:
        """TLS before a word is said: implicit FTPS."""
        await self.start_tls()
        return Connected()

    def abort_transfer(self) -> None:
        if self._transfer is not None:
            self._transfer.abort()

    def close_passive(self) -> None:
        if self._expectation is not None:
            self._expectation.withdraw()
            self._expectation = None

    def begin_anew(self) -> None:
        """As if the client had just come."""
        self.end("the client began anew")
        self._surroundings = self._first

    def end(self, reason: str) -> None:
        """The user is gone and nothing is being carried out any more."""
        self.close_passive()
        self._parting.end()
        if self._session is not None:
            self._session.disconnected(reason)
            self._session = None

    async def _choose_host(self, name: str) -> HostAnswer:
        chosen = self._hosts.named(name, self._peer.address)
        if chosen is None:
            return HostUnknown()
        self._surroundings = chosen
        return HostChosen(offer_of(chosen))

    async def _check_login(self, login: CheckLogin) -> LoginAnswer:
        outcome = await self._surroundings.admit(
            LoginAttempt(
                server_id=self._surroundings.server.server_id,
                username=login.username,
                credential=login.password,
                protocol=FileProtocol.FTP if self._tls is None else FileProtocol.FTPS,
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
        host = passive_host(
            self._surroundings.server.passive_ip,
            self._peer.local_address,
            client_address=self._peer.address,
            overrides=self._surroundings.passive_overrides,
        )
        return PassiveReady(host, self._expectation.port)

    def _make_transfer(self, order: StartTransfer, tell_opened: Callable[[TransferOpened], None]) -> Transfer:
        expectation: Expectation | None = None
        if order.kind is not TransferKind.STATUS:
            expectation, self._expectation = self._expectation, None
        surroundings = self._surroundings
        means = TransferMeans(
            filesystem=self._logged_in().filesystem,
            pool=surroundings.pool,
            tls=self._tls,
            must_close_tls=surroundings.ftp.strict_tls_eof,
            stall_s=surroundings.ftp.stalled_timeout_s,
            connect_s=surroundings.ftp.data_connect_timeout_s,
            now=surroundings.clock.now,
            unique_name=lambda: surroundings.entropy(8).hex(),
            tell_opened=tell_opened,
            is_control_alive=self._control.is_alive,
            write_control=self._control.write,
            part_from=self._parting.begin,
        )
        return Transfer(order, expectation, means)

    def _logged_in(self) -> Session:
        if self._session is None:
            raise RuntimeError("the conversation let a stranger through")
        return self._session
