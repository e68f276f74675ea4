"""An SSH connection on which somebody logs in: the provider, the roles, the log and the clock that it meets."""

import asyncio
from dataclasses import dataclass, field, replace

from tests.fakes.blocks import make_pool
from tests.fakes.clock import FakeClock
from tests.fakes.filesystems import make_s3
from tests.fakes.house import CountingEntropy
from tests.fakes.logins import IDENTITY, SERVER, MemoryAssumer, MemoryDirectory, MemoryLog, answer
from tests.fakes.public_keys import ed25519_line
from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.core.logins import Identity, LoginAttempt, Password
from crossdock.core.servers import FileProtocol, IdentityProviderChoice, IdentityProviderType, Server
from crossdock.files.login import Admission
from crossdock.files.login_check import LoginCheck
from crossdock.files.session_limits import SessionLimits
from crossdock.files.ssh_login import SshLogin
from crossdock.ports.authority import IdentityAnswer

KEY, WRONG_KEY, OTHERS_KEY = ed25519_line("mine", "laptop"), ed25519_line("wrong"), ed25519_line("others")
GOOD, BAD = Password("open sesame"), Password("open barley")
KEYS = {"user1": (KEY,), "user2": (OTHERS_KEY,)}
OR, AND = "PUBLIC_KEY_OR_PASSWORD", "PUBLIC_KEY_AND_PASSWORD"


def sftp_server(methods: str = "", kind: IdentityProviderType = IdentityProviderType.AWS_LAMBDA) -> Server:
    choice = IdentityProviderChoice(kind=kind, sftp_authentication_methods=methods)
    return replace(SERVER, protocols=(FileProtocol.SFTP,), identity_provider=choice)


@dataclass(slots=True)
class Provider:
    """As AWS's samples: keys for who brings no password, a role without keys for who brings the right one."""

    keys: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(KEYS))
    by_key: Identity = IDENTITY
    by_password: Identity = IDENTITY
    asked: list[LoginAttempt] = field(default_factory=list)
    failure: str = ""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None

    async def identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        self.asked.append(attempt)
        self.reached.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.failure:
            return IdentityAnswer(identity=None, response="", status_code=500, message=self.failure)
        if attempt.username in self.keys:
            if not isinstance(attempt.credential, Password):
                return answer(replace(self.by_key, public_keys=self.keys[attempt.username]))
            if attempt.credential == GOOD:
                return answer(self.by_password)
        return answer(None, "Lambda IDP authentication failure")


class Bench:
    """One connection. The clock stands still, but for who sleeps and for `check_s`, which every provider call takes."""

    def __init__(
        self,
        methods: str = "",
        *,
        kind: IdentityProviderType = IdentityProviderType.AWS_LAMBDA,
        check_s: float = 0.0,
        per_user: int = 0,
    ) -> None:
        self.clock = FakeClock()
        self.log = MemoryLog()
        self.provider = Provider()
        self.assumer = MemoryAssumer(clock=self.clock, s3=make_s3())
        self.check_s = check_s
        self.directory = MemoryDirectory(known=(sftp_server(methods, kind),))
        self.admission = Admission(
            servers=self.directory,
            check=LoginCheck(
                provider=self, assumer=self.assumer, entropy=CountingEntropy(), concurrent=4, timeout_s=30
            ),
            log=self.log,
            clock=self.clock,
            blocks=make_pool(),
            limits=SessionLimits(per_server=100, per_user=per_user),
            sleep=self.sleep,
            failure_delay_s=1.0,
            resumable=resumable_uploads(clock=self.clock),
        )
        self.login = self.connect()

    def connect(self) -> SshLogin:
        return SshLogin(admission=self.admission, server=self.directory.known[0], source_ip="192.0.2.7")

    async def identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        self.clock.advance(self.check_s)
        return await self.provider.identify(server, attempt)

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def lasted(self, began: float) -> float:
        return round(self.clock.monotonic() - began, 6)

    def failures(self) -> list[str]:
        """The reasons of failed attempts in the server's log."""
        return [str(event["message"]) for stream, event in self.log.events if stream == "ERRORS"]
