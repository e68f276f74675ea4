"""Admitting users: the check, its log event, the delay after a failure, and the session that comes of a success."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from crossdock.core.logins import NO_KEY, LoginAttempt, Refusal, factor_of, next_factors, ways_in
from crossdock.core.servers import InterruptedUploads, Server, ServerState
from crossdock.files.blocks import BlockPool
from crossdock.files.login_check import LoginCheck, Vouched
from crossdock.files.object_filesystem import ObjectFileSystem, upload_metadata
from crossdock.files.recorded import RecordedFileSystem
from crossdock.files.renewal import renewed
from crossdock.files.resuming import Resuming
from crossdock.files.session import Session
from crossdock.files.session_limits import Place, SessionPlaces
from crossdock.files.session_log import ERRORS_STREAM, SessionLog, auth_failure
from crossdock.files.unfinished import Unfinished, UnfinishedOfUser, UnfinishedUploads
from crossdock.ports.authority import IdentityAnswer, RoleSession, TransferLog
from crossdock.ports.host import Clock
from crossdock.ports.resumable_uploads import ResumableUploads, UploadOwner
from crossdock.ports.servers import LoginOutcome, ServerDirectory

Sleep = Callable[[float], Awaitable[None]]
"""`asyncio.sleep` in the house."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Admits users of all servers.

    `admit` is what the edges are given that know one credential (`files.session.Admit`). SSH, which asks before it
    proves and may want two, goes the same road in steps: `files.ssh_login` calls `decide`, `refuse` and `delay`.
    """

    servers: ServerDirectory
    check: LoginCheck
    log: TransferLog
    clock: Clock
    blocks: BlockPool
    limits: SessionPlaces
    sleep: Sleep
    failure_delay_s: float
    resumable: ResumableUploads
    unfinished: Unfinished = field(default_factory=UnfinishedUploads)

    async def admit(self, attempt: LoginAttempt) -> Session | Refusal:
        """Admit a user, or say why not, no sooner than `failure_delay_s` after the attempt began.

        Wrong passwords and unknown users so look and last the same. The reason is in the server's log already; the
        client must not hear it.
        """
        began = self.clock.monotonic()
        outcome = await self._admit(attempt)
        if isinstance(outcome, Refusal):
            await self.delay(began)
        return outcome

    async def delay(self, began: float) -> None:
        """Wait until a failure may be answered of what began then, by the monotonic clock."""
        left = self.failure_delay_s - (self.clock.monotonic() - began)
        if left > 0:
            await self.sleep(left)

    async def _admit(self, attempt: LoginAttempt) -> Session | Refusal:
        server = await self.servers.server(attempt.server_id)
        if server is None:
            return Refusal(reason=f"there is no server {attempt.server_id}")
        factor = factor_of(attempt.credential)
        if wanted := next_factors(ways_in(server, attempt.protocol), frozenset({factor})):
            return self.refuse(server, attempt, Refusal(reason=f"beside the {factor}, {' or '.join(wanted)} is needed"))
        return await self.decide(server, attempt)

    async def decide(
        self, server: Server, attempt: LoginAttempt, answer: IdentityAnswer | None = None
    ) -> Session | Refusal:
        """Open the session of a user whose last factor this is, or refuse and log it; without the failure delay.

        `answer` is what the provider said of the attempt, when it was asked just before (`LoginCheck.ask`). Nothing is
        waited for once the session is open, so whoever is cancelled here has none.
        """
        check = self.check
        checked = await (check.run(server, attempt) if answer is None else check.vouch(server, attempt, answer))
        outcome = checked.outcome
        if isinstance(outcome, Refusal):
            return self.refuse(server, attempt, outcome)
        # Only who is admitted is counted, so that nobody can take up the places of others by guessing.
        place = await self.limits.take(server.server_id, attempt.username)
        if isinstance(place, Refusal):
            return self.refuse(server, attempt, place)
        try:
            return self._open(server, attempt, outcome, place)
        except BaseException:
            place.release()
            raise

    def refuse(self, server: Server, attempt: LoginAttempt, refusal: Refusal) -> Refusal:
        """Note a failed attempt in the server's log."""
        self.log.record(server, ERRORS_STREAM, auth_failure(server, attempt, refusal.reason))
        return refusal

    def _open(self, server: Server, attempt: LoginAttempt, vouched: Vouched, place: Place) -> Session:
        identity, role_session = vouched.identity, vouched.role_session
        username = attempt.username  # all that a renewal needs: the attempt, and the password in it, shall not be kept
        log = SessionLog(log=self.log, server=server, username=attempt.username, session_id=vouched.session_id)

        async def assume() -> RoleSession:
            return await self.check.assume(server, username, vouched.session_id, identity, vouched.session_policy)

        store = renewed(role_session, assume=assume, clock=self.clock, refused=log.renewal_refused)
        metadata = upload_metadata(attempt.username, server.server_id)
        resuming = None
        if server.interrupted_uploads is InterruptedUploads.RESUME:
            owner = UploadOwner(server_id=server.server_id, username=username, role_arn=identity.role_arn)
            resuming = Resuming(self.resumable, owner=owner, store=store, metadata=metadata, clock=self.clock)
        files = ObjectFileSystem(
            home=identity.home,
            store=store,
            metadata=metadata,
            blocks=self.blocks,
            kept=server.interrupted_uploads,
            resuming=resuming,
            unfinished=UnfinishedOfUser(self.unfinished, f"{username}@{server.server_id}"),
        )
        log.connected(
            source_ip=attempt.source_ip,
            home=identity.home,
            role_arn=identity.role_arn,
            session_policy=vouched.session_policy,
            ssh=attempt.ssh,
        )
        return Session(
            session_id=vouched.session_id,
            server=server,
            username=attempt.username,
            source_ip=attempt.source_ip,
            protocol=attempt.protocol,
            home=identity.home,
            principal=role_session.principal,
            expires_at=role_session.expires_at,
            filesystem=RecordedFileSystem(files, home=identity.home, log=log),
            log=log,
            place=place,
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """`ports.servers.LoginTrial`: runs the check that a login runs, and keeps nothing open."""

    check: LoginCheck

    async def try_login(self, server: Server, attempt: LoginAttempt) -> LoginOutcome:
        """What a login would come to while the server is online: owners try a provider before they start a server.

        With NO_KEY the provider is asked for the user's keys, and what a login by one of them would come to.
        """
        run = self.check.run_for_keys if attempt.credential == NO_KEY else self.check.run
        checked = await run(replace(server, state=ServerState.ONLINE), attempt)
        refusal = checked.outcome.reason if isinstance(checked.outcome, Refusal) else ""
        return LoginOutcome(answer=checked.answer, refusal=refusal)
