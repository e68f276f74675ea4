"""What a login has to pass, in order: gate, identity provider, session policy, role. One road for clients and trials.

A login that is refused anywhere tells why, and never the password; what cannot be decided is refused.
"""

import asyncio
from dataclasses import dataclass, replace

from crossdock.core.homes import LogicalHome, initial_directory
from crossdock.core.ids import Entropy
from crossdock.core.logins import Credential, Identity, LoginAttempt, Password, PublicKey, Refusal, gate, session_name
from crossdock.core.masking import mask
from crossdock.core.servers import Server
from crossdock.files.session_log import MAX_MESSAGE
from crossdock.policy.refusals import MalformedPolicy
from crossdock.policy.session_template import render_session_policy
from crossdock.ports.authority import AssumeRefused, IdentityAnswer, IdentityProvider, RoleAssumer, RoleSession


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

    async def run(self, server: Server, attempt: LoginAttempt) -> Checked:
        return _without_password(await self._check(server, attempt), attempt.credential)

    async def _check(self, server: Server, attempt: LoginAttempt) -> Checked:
        if (refusal := gate(server, attempt)) is not None:
            return _refused(refusal.reason)
        try:
            async with asyncio.timeout(self._timeout_s), self._turns:
                return await self._vouch(server, attempt)
        except TimeoutError:
            return _refused(f"the login took longer than {self._timeout_s:g} s")

    async def assume(
        self, server: Server, username: str, session_id: str, identity: Identity, policy: str | None
    ) -> RoleSession:
        """Assume the user's role under this session's name, at login and at every renewal. Raises AssumeRefused."""
        return await self._assumer.assume(
            server=server,
            username=username,
            role_arn=identity.role_arn,
            session_name=session_name(username, session_id, server.server_id),
            session_policy=policy,
        )

    async def _vouch(self, server: Server, attempt: LoginAttempt) -> Checked:
        answer = await self._provider.identify(server, attempt)
        identity = answer.identity
        if identity is None:
            return _refused(answer.message or "the identity provider vouches for nobody", answer)
        if reason := credential_refusal(attempt.credential, identity):
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
    if any(_is_same_key(credential, listed) for listed in identity.public_keys):
        return ""
    return f"the key is none of the {len(identity.public_keys)} that the identity provider returned"


def _is_same_key(key: PublicKey, listed: str) -> bool:
    """Type and body count, the comment does not."""
    offered = key.openssh.split()[:2]
    return len(offered) == 2 and offered == listed.split()[:2]


def session_policy_of(identity: Identity, username: str) -> str | None:
    """The user's session policy with its variables filled. Raises MalformedPolicy."""
    if identity.session_policy is None:
        return None
    home = identity.home
    home_root = None if isinstance(home, LogicalHome) else initial_directory(home)
    return render_session_policy(identity.session_policy, home_root=home_root, username=username)


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
