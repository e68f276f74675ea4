"""What a login has to pass, in order: gate, identity provider, session policy, role. One road for clients and trials.

A login that is refused anywhere tells why, and never the password; what cannot be decided is refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from crossdock.core.homes import LogicalHome, initial_directory
from crossdock.core.ids import Entropy
from crossdock.core.logins import Credential, Identity, LoginAttempt, Password, PublicKey, Refusal, gate, session_name
from crossdock.core.masking import mask
from crossdock.core.servers import Server
from crossdock.core.ssh_public_keys import BadPublicKey, PublicKeyLine, parse_public_key
from crossdock.files.session_log import MAX_MESSAGE
from crossdock.operations.outages import Outages
from crossdock.policy.refusals import MalformedPolicy
from crossdock.policy.session_template import render_session_policy
from crossdock.ports.authority import (
    AssumeRefused,
    IdentityAnswer,
    IdentityProvider,
    RoleAssumer,
    RoleRequest,
    RoleSession,
)

MAX_KEYS = 1000
"""Keys of one answer that are looked at; a service-managed user can have 50 at AWS."""
MAX_FLAWS = 500
"""Characters that the log is told of what is wrong with a provider's list of keys."""

_T = TypeVar("_T")
_Proof = Callable[[Credential, Identity], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """A user who passed, with the role session that was made for them; `session_policy` has its variables filled."""

    session_id: str
    identity: Identity
    session_policy: str | None
    role_session: RoleSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    answer: IdentityAnswer
    outcome: Vouched | Refusal


class LoginCheck:
    """At most `concurrent` logins are checked at once, each in at most `timeout_s` with its wait for a turn."""

    def __init__(
        self,
        *,
        provider: IdentityProvider,
        assumer: RoleAssumer,
        entropy: Entropy,
        concurrent: int,
        timeout_s: float,
    ) -> None:
        self._provider = provider
        self._assumer = assumer
        self._entropy = entropy
        self._turns = asyncio.Semaphore(concurrent)
        self._timeout_s = timeout_s
        self._outages = Outages("logins are not decided in time", "logins are decided in time again")
        self._silences = Outages("an identity provider does not answer", "an identity provider answers again")

    async def run(self, server: Server, attempt: LoginAttempt) -> Checked:
        """Everything: ask the provider about the attempt, and make the role session of who passes."""
        return await self._run(server, attempt, credential_refusal)

    async def run_for_keys(self, server: Server, attempt: LoginAttempt) -> Checked:
        """What a login by one of the user's keys would come to, whichever it is: for trials, never for clients."""
        return await self._run(server, attempt, keys_refusal)

    async def ask(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer | Refusal:
        """The gate and the provider alone, as SSH asks whether a key would do; `vouch` goes on from its answer."""
        answer = await self._in_turn(server, attempt, lambda: self._identify(server, attempt))
        return answer if isinstance(answer, Refusal) else answer_without_password(answer, attempt.credential)

    async def vouch(self, server: Server, attempt: LoginAttempt, answer: IdentityAnswer) -> Checked:
        """The rest of a login whose provider has answered moments ago. The gate is asked again."""
        found = await self._in_turn(server, attempt, lambda: self._vouch(server, attempt, answer, credential_refusal))
        return _without_password(_checked(found), attempt.credential)

    async def _run(self, server: Server, attempt: LoginAttempt, proof: _Proof) -> Checked:
        async def ask_and_vouch() -> Checked:
            return await self._vouch(server, attempt, await self._identify(server, attempt), proof)

        return _without_password(_checked(await self._in_turn(server, attempt, ask_and_vouch)), attempt.credential)

    async def _identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        answer = await self._provider.identify(server, attempt)
        name = server.server_id
        if answer.is_silent:
            reason = answer_without_password(answer, attempt.credential).message
            self._silences.failed(name, server_id=name, reason=reason)
        else:
            self._silences.worked(name)
        return answer

    async def _in_turn(self, server: Server, attempt: LoginAttempt, step: Callable[[], Awaitable[_T]]) -> _T | Refusal:
        if (refusal := gate(server, attempt)) is not None:
            return refusal
        try:
            async with asyncio.timeout(self._timeout_s), self._turns:
                outcome = await step()
        except TimeoutError:
            # The server's log may lie with the very service that does not answer.
            told = f"{self._timeout_s:g} s, login.timeout_s, were not enough for the identity provider and the role"
            self._outages.failed(server.server_id, server_id=server.server_id, reason=told)
            return Refusal(reason=f"the login took longer than {self._timeout_s:g} s")
        self._outages.worked(server.server_id)
        return outcome

    async def assume(
        self, server: Server, username: str, session_id: str, identity: Identity, policy: str | None
    ) -> RoleSession:
        """Assume the user's role under this session's name, at login and at every renewal. Raises AssumeRefused."""
        return await self._assumer.assume(
            RoleRequest(
                server=server,
                username=username,
                role_arn=identity.role_arn,
                session_name=session_name(username, session_id, server.server_id),
                session_policy=policy,
            )
        )

    async def _vouch(self, server: Server, attempt: LoginAttempt, answer: IdentityAnswer, proof: _Proof) -> Checked:
        identity = answer.identity
        if identity is None:
            return _refused(nobody(answer), answer)
        if reason := proof(attempt.credential, identity):
            return _refused(reason, answer)
        session_id = self._entropy(8).hex()
        try:
            policy = session_policy_of(identity, attempt.username)
        except MalformedPolicy as error:
            return _refused(f"the session policy cannot be used: {error} ({error.detail})", answer)
        try:
            role_session = await self.assume(server, attempt.username, session_id, identity, policy)
        except AssumeRefused as error:
            return _refused(f"the role {identity.role_arn} cannot be assumed: {error}", answer)
        vouched = Vouched(session_id=session_id, identity=identity, session_policy=policy, role_session=role_session)
        return Checked(answer=answer, outcome=vouched)


def credential_refusal(credential: Credential, identity: Identity) -> str:
    """Why the provider's answer does not vouch for this credential; empty when it does.

    AWS requires that the answer to a password holds no public keys. Here it must: many providers take an event without
    a password for the question which keys a user has, and answer it with the role. Admitting that answer would admit
    anybody who sends an empty password.

    Source: AWS Transfer Family User Guide, "Using multiple authentication methods" and "Valid Lambda values".
    """
    if isinstance(credential, Password):
        if not credential.value:
            return "no password was given"
        if identity.public_keys:
            return (
                "the identity provider answered a password with PublicKeys, as if it had been asked for keys: "
                "it must check the password and leave PublicKeys out"
            )
        return ""
    return listed_keys(identity.public_keys).refusal(credential)


def keys_refusal(_: Credential, identity: Identity) -> str:
    """Why no key at all could log in with this answer; empty when one could."""
    listed = listed_keys(identity.public_keys)
    return "" if listed.usable else f"the identity provider returned no key that can be used{listed.flaws}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKeys:
    """The keys of a provider's answer, read once, each with its number in it, from 1.

    `flaws` says which of its lines are none, for the log.
    """

    usable: Mapping[PublicKeyLine, int]
    count: int
    flaws: str = ""

    def refusal(self, credential: Credential) -> str:
        """Why the key is not among them; empty when it is. Type and body count, the comment does not."""
        if not isinstance(credential, PublicKey):
            return "no key was shown"
        try:
            offered = parse_public_key(credential.openssh)
        except BadPublicKey as error:
            return f"the key cannot be used, and is none of the {self.count} that the user has: {error}"
        if offered in self.usable:
            return ""
        return f"the key {offered.fingerprint} is none of the {self.count} that the user has{self.flaws}"


def listed_keys(lines: tuple[str, ...]) -> ListedKeys:
    """Lines that are no keys are left out: one slip in a list must not lock out who has another key."""
    usable, flaws = dict[PublicKeyLine, int](), list[str]()
    if len(lines) > MAX_KEYS:
        flaws.append(f"only the first {MAX_KEYS} are looked at")
    for number, line in enumerate(lines[:MAX_KEYS], 1):
        try:
            usable.setdefault(parse_public_key(line), number)
        except BadPublicKey as error:
            flaws.append(f"number {number}: {error}")
    told = f" ({'; '.join(flaws)})"[:MAX_FLAWS] if flaws else ""
    return ListedKeys(usable=usable, count=len(lines), flaws=told)


def nobody(answer: IdentityAnswer) -> str:
    """Why an answer without an identity admits nobody."""
    return answer.message or "the identity provider vouches for nobody"


def session_policy_of(identity: Identity, username: str) -> str | None:
    """The user's session policy with its variables filled. Raises MalformedPolicy."""
    if identity.session_policy is None:
        return None
    home = identity.home
    home_root = None if isinstance(home, LogicalHome) else initial_directory(home)
    return render_session_policy(identity.session_policy, home_root=home_root, username=username)


def _checked(found: Checked | Refusal) -> Checked:
    return _refused(found.reason) if isinstance(found, Refusal) else found


def _refused(reason: str, answer: IdentityAnswer | None = None) -> Checked:
    # Without an answer nobody was asked; TestIdentityProvider then shows the reason as its message.
    nothing = IdentityAnswer(identity=None, response="", status_code=200, message="")
    return Checked(answer=answer or nothing, outcome=Refusal(reason=reason))


def _without_password(checked: Checked, credential: Credential) -> Checked:
    """Whoever wrote the provider may have put the password in an error, a role's name or anything else it says."""
    outcome = checked.outcome
    if isinstance(outcome, Refusal):
        outcome = Refusal(reason=_sentence(outcome.reason, credential))
    return Checked(answer=answer_without_password(checked.answer, credential), outcome=outcome)


def answer_without_password(answer: IdentityAnswer, credential: Credential) -> IdentityAnswer:
    """The answer as it may be told. What vouches for somebody is shown as it came, as AWS shows it."""
    response = answer.response if answer.identity else _masked(answer.response, credential)
    return replace(answer, response=response, message=_sentence(answer.message, credential))


def _sentence(text: str, credential: Credential) -> str:
    # Cut only now: half a password would no longer be found.
    return _masked(text, credential)[:MAX_MESSAGE]


def _masked(text: str, credential: Credential) -> str:
    return mask(text, credential.value) if isinstance(credential, Password) else text
