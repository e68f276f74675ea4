"""A login over SSH: keys are asked about before they are proved, and two factors may be wanted. No sockets here.

The road is that of every login (`files/login.py`): gate, identity provider, credential, session policy, role. SSH only
walks it in steps, and this is what holds between them:

- A key proves nothing until a signature by it was verified; a session is opened when all factors of one way in are
  shown, by one user name, on one connection. Another user name begins anew (RFC 4252 §5).
- The provider is asked once for a user's keys, however many the client tries, and its answer serves the proof that
  follows; after KEYS_LAST_S it is asked again. AWS does not say how often it asks.
- With both factors wanted, the provider is asked twice, as at AWS: without the password, when keys are tried, and with
  it. Both must vouch for the user. AWS does not say whose role and home count if they differ; here the password's do,
  which is the last answer and the one that the session is opened on.

What a client can learn by failing: nothing of who exists. Every failure is the same answer. The first of a user name
comes no sooner than `login.failure_delay` after that name was first asked about; further keys of the same name are
answered at once, because the answer is remembered for unknown users and failing providers just as for known ones, and
the keys in it are read before the delay is over. So a client with many keys waits once, and one that counts
milliseconds finds the same for every name. A provider that takes longer than the delay shows its own time, as it does
to passwords: the delay must be set above it. Each failed password waits for itself.

Source: RFC 4252 §5, §7, §8; AWS Transfer Family User Guide, "Using multiple authentication methods".
"""

from dataclasses import dataclass, field, replace

from crossdock.core.logins import (
    Credential,
    Factor,
    LoginAttempt,
    Password,
    PublicKey,
    Refusal,
    SshFacts,
    next_factors,
    ways_in,
)
from crossdock.core.servers import FileProtocol, Server
from crossdock.files.login import Admission
from crossdock.files.login_check import ListedKeys, listed_keys, nobody
from crossdock.files.session import Session
from crossdock.ports.authority import IdentityAnswer

KEYS_LAST_S = 30.0
"""How long a connection remembers which keys its user has: a client with many keys asks about one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """This factor is accepted, and `wanted` has still to be shown: SSH's "partial success" (RFC 4252 §5.1)."""

    wanted: frozenset[Factor]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is known of a user's keys: the provider's answer, if it was asked; `reason` when nobody is vouched for."""

    username: str
    began: float
    until: float
    answer: IdentityAnswer | None
    keys: ListedKeys
    reason: str = ""
    told: set[str] = field(default_factory=set)
    """The failures that are in the log already: a key is asked about, and may then be signed with all the same."""


class SshLogin:
    """The login of one SSH connection. One call at a time; a call that is cancelled has shown nothing.

    The edge limits how often it may be tried, and for how long. A `Refusal` must be answered as every other failure,
    its reason never sent; it is in the server's log. After a `Session` nothing more is admitted. `facts` are for the
    log, once the edge knows them.
    """

    def __init__(self, *, admission: Admission, server: Server, source_ip: str) -> None:
        self._admission = admission
        self._now = admission.clock.monotonic
        self._server = server
        self._source_ip = source_ip
        self._username = ""
        self._shown: frozenset[Factor] = frozenset()
        self._asked: _Asked | None = None
        self._unfit: set[tuple[str, str]] = set()
        self._key_line = ""  # of the key that was proved
        self.facts: SshFacts | None = None
        self._is_over = False

    def methods(self, username: str) -> frozenset[Factor]:
        """What may be tried next, by SSH's names (`publickey`, `password`), whether or not there is such a user.

        Factors are texts: `"password" in login.methods(name)` holds.
        """
        shown = self._shown if username == self._username else frozenset[Factor]()
        return frozenset() if self._is_over else next_factors(ways_in(self._server, FileProtocol.SFTP), shown)

    async def offered(self, username: str, key_line: str) -> bool:
        """Whether this key would be accepted, were it proved (RFC 4252 §7, a request without a signature).

        Args:
            key_line: OpenSSH's one-line form; an RSA key is `ssh-rsa` whatever it signs with. What is no key of the
                admitted types is none that is accepted.
        """
        return isinstance(await self._checked_key(self._attempt(username, PublicKey(key_line))), _Asked)

    def unfit(self, username: str, key_line: str, reason: str) -> None:
        """The edge refuses a key by itself: note it, once for each user and reason. Nothing is learned of the user."""
        if (username, reason) not in self._unfit:
            self._unfit.add((username, reason))
            self._admission.refuse(self._server, self._attempt(username, PublicKey(key_line)), Refusal(reason=reason))

    async def proved(self, username: str, key_line: str) -> Session | Partial | Refusal:
        """The client has signed with this key, and the signature was verified: never call it before."""
        began = self._now()
        attempt = self._attempt(username, PublicKey(key_line))
        asked = await self._checked_key(attempt)
        if isinstance(asked, Refusal):
            return asked
        self._key_line = key_line
        return await self._show(Factor.PUBLIC_KEY, attempt, began, asked.answer)

    async def password(self, username: str, password: Password) -> Session | Partial | Refusal:
        return await self._show(Factor.PASSWORD, self._attempt(username, password), self._now(), None)

    async def _show(
        self, factor: Factor, attempt: LoginAttempt, began: float, answer: IdentityAnswer | None
    ) -> Session | Partial | Refusal:
        outcome = await self._decide(factor, attempt, answer)
        if isinstance(outcome, Refusal):
            await self._admission.delay(began)
        return outcome

    async def _decide(
        self, factor: Factor, attempt: LoginAttempt, answer: IdentityAnswer | None
    ) -> Session | Partial | Refusal:
        server = await self._current_server()
        if server is None:
            return _no_server(attempt)
        self._begin(attempt.username)
        if factor not in self.methods(attempt.username):
            return self._admission.refuse(server, attempt, self._untimely(factor))
        shown = self._shown | {factor}
        # The key of two factors was compared with the provider's list; the session waits for the password's answer.
        if shown not in ways_in(server, attempt.protocol):
            self._shown = shown
            return Partial(wanted=self.methods(attempt.username))
        if self.facts is not None:
            attempt = replace(attempt, ssh=replace(self.facts, key_line=self._key_line))
        outcome = await self._admission.decide(server, attempt, answer)
        self._is_over = isinstance(outcome, Session)
        return outcome

    async def _checked_key(self, attempt: LoginAttempt) -> _Asked | Refusal:
        """What the provider said if the key is in it; else the refusal, logged and delayed."""
        asked = await self._ask(attempt)
        reason = self._key_refusal(asked, attempt)
        if not reason:
            return asked
        if reason not in asked.told:
            asked.told.add(reason)
            self._admission.refuse(self._server, attempt, Refusal(reason=reason))
        await self._admission.delay(asked.began)
        return Refusal(reason=reason)

    def _key_refusal(self, asked: _Asked, attempt: LoginAttempt) -> str:
        # Compared for unknown users too, so that it takes the same time.
        refusal = asked.keys.refusal(attempt.credential)
        if asked.reason:
            return asked.reason
        if Factor.PUBLIC_KEY not in self.methods(attempt.username):
            return self._untimely(Factor.PUBLIC_KEY).reason
        return refusal

    async def _ask(self, attempt: LoginAttempt) -> _Asked:
        now = self._now()
        known = self._asked
        if known is not None and known.username == attempt.username and now < known.until:
            return known
        server = await self._current_server()
        answer = _no_server(attempt) if server is None else await self._admission.check.ask(server, attempt)
        self._begin(attempt.username)
        self._asked = _asked(attempt.username, answer, began=now, until=self._now() + KEYS_LAST_S)
        return self._asked

    def _begin(self, username: str) -> None:
        """What one user has shown is worth nothing to another."""
        if username != self._username:
            self._username = username
            self._shown = frozenset()
            self._key_line = ""

    def _untimely(self, factor: Factor) -> Refusal:
        if self._is_over:
            return Refusal(reason="somebody has logged in on this connection already")
        wanted = " or ".join(sorted(self.methods(self._username))) or "nothing"
        return Refusal(reason=f"the {factor} is not what is wanted now; {wanted} is")

    async def _current_server(self) -> Server | None:
        """The server as it is now: its owner may have changed what it wants since the client connected."""
        server = await self._admission.servers.server(self._server.server_id)
        self._server = server or self._server
        return server

    def _attempt(self, username: str, credential: Credential) -> LoginAttempt:
        return LoginAttempt(
            server_id=self._server.server_id,
            username=username,
            credential=credential,
            protocol=FileProtocol.SFTP,
            source_ip=self._source_ip,
        )


def _no_server(attempt: LoginAttempt) -> Refusal:
    return Refusal(reason=f"there is no server {attempt.server_id}")


def _asked(username: str, answer: IdentityAnswer | Refusal, *, began: float, until: float) -> _Asked:
    said = None if isinstance(answer, Refusal) else answer
    identity = said.identity if said else None
    reason = answer.reason if isinstance(answer, Refusal) else "" if identity else nobody(answer)
    keys = listed_keys(identity.public_keys if identity else ())
    return _Asked(username=username, began=began, until=until, answer=said, keys=keys, reason=reason)
