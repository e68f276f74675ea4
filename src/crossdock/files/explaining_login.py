"""The login's part of `explain`: the gate, the identity provider, what the user shows, the session policy, the role.

What is shown is judged by the functions that a login calls, in the order in which a login over SSH wants it
(`ssh_login.py`). A key is taken for proved: who asks holds its public half alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from crossdock.core.ids import Entropy
from crossdock.core.logins import (
    Credential,
    Factor,
    Identity,
    LoginAttempt,
    Password,
    PublicKey,
    gate,
    next_factors,
    nothing_shown,
    session_name,
    ways_in,
)
from crossdock.core.security_policies import SECURITY_POLICIES
from crossdock.core.servers import FileProtocol, IdentityProviderType, Server, ServerState
from crossdock.core.ssh_public_keys import PublicKeyLine
from crossdock.files.explained_steps import Steps, Stopped
from crossdock.files.explanations import Question, decided
from crossdock.files.login_check import (
    ListedKeys,
    answer_without_password,
    credential_refusal,
    listed_keys,
    nobody,
    session_policy_of,
)
from crossdock.policy.document import PolicyKind, parse_policy
from crossdock.policy.fixes import find_fixes, merge_fixes
from crossdock.policy.refusals import MalformedPolicy
from crossdock.ports.authority import IdentityProvider, RoleRequest
from crossdock.ports.servers import ServerFinder
from crossdock.ports.trials import RoleTrial, TrialSession

MOST_LISTED = 10
"""Keys that the user has, told where the one in question is none of them."""
_OPTIONS: Mapping[Factor, str] = {Factor.PUBLIC_KEY: "--public-key FILE", Factor.PASSWORD: "--password-stdin"}
_BOTH = frozenset(Factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginWalk:
    """Every method notes its step in `steps`, and raises Stopped where a login would end."""

    question: Question
    steps: Steps
    servers: ServerFinder
    provider: IdentityProvider
    trial: RoleTrial
    entropy: Entropy

    async def server(self) -> Server:
        question, steps = self.question, self.steps
        with steps.found_out("server"):
            server = await self.servers.server(question.server_id)
        if server is None:
            steps.refused("server", f"there is no server {question.server_id}", "`crossdock endpoints` lists them")
            raise Stopped
        protocol = self._protocol(server)
        if question.public_key and question.password and _BOTH not in ways_in(server, protocol):
            steps.unknown(
                "server",
                f"{server.server_id} wants no more than one of key and password over {protocol}",
                remedy="leave out --public-key or --password-stdin",
            )
        first: Credential = question.password or nothing_shown(server, protocol)
        if question.public_key is not None:
            first = PublicKey(str(question.public_key))
        if (refusal := gate(server, self._attempt(server, first))) is not None:
            is_stopped = server.state is not ServerState.ONLINE
            remedy = f"aws transfer start-server --server-id {server.server_id}" if is_stopped else ""
            steps.refused("server", refusal.reason, remedy)
        steps.fine("server", f"server {server.server_id} of account {server.account_id} is {server.state}")
        return server

    async def identity(self, server: Server) -> Identity:
        """Who the user is: by what is shown, or as it is given."""
        question, steps = self.question, self.steps
        if question.public_key is not None:
            return await self._by_key(server, question.public_key)
        if question.password is not None:
            if Factor.PASSWORD not in self._next(server, frozenset()):
                self._lacks("identity provider", "the key is wanted before the password", Factor.PUBLIC_KEY)
            return await self._by_password(server, question.password, step="identity provider")
        if question.identity is None:
            steps.unknown(
                "identity provider",
                "who the user is cannot be known without the identity provider's answer",
                remedy="give the password (--password-stdin), the key (--public-key), a logged session (--session) or "
                "the answer itself (--identity, or --role and --home)",
            )
            raise Stopped
        source = f"the server itself keeps {question.username}" if question.is_kept else "given, not asked"
        steps.fine("identity provider", f"{source}: role {question.identity.role_arn}")
        return question.identity

    async def session(self, server: Server, identity: Identity) -> TrialSession:
        username = self.question.username
        try:
            policy = session_policy_of(identity, username)
            if policy is not None:
                # STS would say the same of it, in the name of the role.
                parse_policy(policy, PolicyKind.SESSION)
        except MalformedPolicy as error:
            detail = f" ({error.detail})" if error.detail else ""
            self.steps.refused("session policy", f"the session policy cannot be used: {error}{detail}")
            raise Stopped from error
        name = session_name(username, self.entropy(8).hex(), server.server_id)
        with self.steps.found_out("role"):
            found = await self.trial.assume(
                RoleRequest(
                    server=server,
                    username=username,
                    role_arn=identity.role_arn,
                    session_name=name,
                    session_policy=policy,
                )
            )
        if found.decision is not None:
            fixes = merge_fixes(fix for one in (found.decision, *found.also_denied) for fix in find_fixes(one))
            self.steps.note(decided("role", found.decision, fixes, subject=identity.role_arn))
        if found.session is None:
            if found.decision is None or found.decision.is_allowed:
                self.steps.refused("role", found.refusal)
            raise Stopped
        return found.session

    async def _by_key(self, server: Server, key: PublicKeyLine) -> Identity:
        credential = PublicKey(str(key))
        signatures = self._signatures(server, key)
        identity = await self._answer(server, credential, step="identity provider")
        self.steps.fine("identity provider", f"it knows {self.question.username}: role {identity.role_arn}")
        listed = listed_keys(identity.public_keys)
        if reason := credential_refusal(credential, identity):
            remedy = _to_let_in(server, self.question.username, key, listed)
            self.steps.refused("public key", reason, remedy, subject=key.fingerprint)
        number = listed.usable[key]
        self.steps.fine(
            "public key",
            f"it is number {number} of the user's {listed.count}, and may sign with {signatures}",
            subject=key.fingerprint,
        )
        if Factor.PASSWORD not in self._next(server, frozenset({Factor.PUBLIC_KEY})):
            return identity
        if self.question.password is None:
            self._lacks("password", "the key is accepted, and the password is wanted beside it", Factor.PASSWORD)
            raise Stopped
        return await self._by_password(server, self.question.password, step="password")

    async def _by_password(self, server: Server, password: Password, *, step: str) -> Identity:
        identity = await self._answer(server, password, step=step)
        if reason := credential_refusal(password, identity):
            self.steps.refused(step, reason)
        self.steps.fine(step, f"it vouches for {self.question.username}: role {identity.role_arn}")
        return identity

    async def _answer(self, server: Server, credential: Credential, *, step: str) -> Identity:
        """Of whoever vouches for the server's users, asked as a login asks."""
        with self.steps.found_out(step):
            found = await self.provider.identify(server, self._attempt(server, credential))
        answer = answer_without_password(found, credential)
        if answer.identity is None:
            if answer.is_silent:
                self.steps.unknown(step, answer.message, remedy=answer.remedy)
            self.steps.refused(step, nobody(answer), answer.remedy)
            raise Stopped
        return answer.identity

    def _signatures(self, server: Server, key: PublicKeyLine) -> str:
        """The algorithms with which the key may prove itself: what else it signs with is refused before the key is."""
        policy = SECURITY_POLICIES.get(server.security_policy)
        if policy is None:
            self.steps.unknown("public key", f"the security policy {server.security_policy} is not known here")
            raise Stopped
        signatures = policy.signatures_of(key.algorithm)
        if not signatures:
            self.steps.refused(
                "public key",
                f"the security policy {policy.name} has no signatures of {key.algorithm}",
                f"use a key for one of {', '.join(policy.ssh_host_keys)}, or another security policy",
                subject=key.fingerprint,
            )
        return " or ".join(signatures)

    def _lacks(self, step: str, reason: str, factor: Factor) -> None:
        self.steps.unknown(step, reason, remedy=f"give that too ({_OPTIONS[factor]})")

    def _next(self, server: Server, shown: frozenset[Factor]) -> frozenset[Factor]:
        return next_factors(ways_in(server, self._protocol(server)), shown)

    def _protocol(self, server: Server) -> FileProtocol:
        """The one that is asked about; a key is SFTP's."""
        is_by_key = self.question.public_key is not None and FileProtocol.SFTP in server.protocols
        return self.question.protocol or (FileProtocol.SFTP if is_by_key else server.protocols[0])

    def _attempt(self, server: Server, credential: Credential) -> LoginAttempt:
        return LoginAttempt(
            server_id=server.server_id,
            username=self.question.username,
            credential=credential,
            protocol=self._protocol(server),
            source_ip=self.question.source_ip,
        )


def _to_let_in(server: Server, username: str, key: PublicKeyLine, listed: ListedKeys) -> str:
    """What to do, and which keys there are, so that whoever asks sees which one was meant."""
    there = ", ".join(one.fingerprint for one in list(listed.usable)[:MOST_LISTED])
    others = f" (those that there are: {there})" if there else ""
    if server.identity_provider.kind is IdentityProviderType.SERVICE_MANAGED:
        return (
            f"aws transfer import-ssh-public-key --server-id {server.server_id} --user-name {username} "
            f"--ssh-public-key-body '{key.algorithm} …'{others}"
        )
    return f"let the identity provider return this key in PublicKeys{others}"
