"""Why a user's command would be refused, or that it would not: every step that it takes, in order, with its reason.

It walks the road of a login and of an operation: the same gate, provider, session policy and role, the same table of
calls, each decided by the authority's own rules, the same lookups. Nothing is written, and no file is opened.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from crossdock.core.errors import FileError, NotADirectory, Unavailable
from crossdock.core.homes import ObjectPlace, initial_directory, normalise
from crossdock.core.ids import Entropy, ServerId
from crossdock.core.logins import Identity, LoginAttempt, Password, gate, nothing_shown, session_name
from crossdock.core.masking import mask
from crossdock.core.servers import FileProtocol, Server, ServerState
from crossdock.files.explanations import Explanation, Outcome, Step, covering, decided
from crossdock.files.login_check import answer_without_password, credential_refusal, session_policy_of
from crossdock.files.places import Places
from crossdock.files.presence import look, sought
from crossdock.files.verbs import VERBS, FileVerb, Need, On, S3Call
from crossdock.policy.decision import Decision, Verdict
from crossdock.policy.document import PolicyKind, parse_policy
from crossdock.policy.fixes import find_fixes, ids_that_conditions_name
from crossdock.policy.refusals import MalformedPolicy
from crossdock.ports.authority import IdentityProvider
from crossdock.ports.servers import ServerFinder
from crossdock.ports.trials import ObjectQuestion, RoleTrial, TrialSession

COMMANDS: Mapping[str, FileVerb] = {
    "put": FileVerb.WRITE,
    "append": FileVerb.APPEND,
    "get": FileVerb.READ,
    "ls": FileVerb.LIST,
    "cd": FileVerb.ENTER,
    "rm": FileVerb.REMOVE,
    "mkdir": FileVerb.MAKE_DIRECTORY,
    "rmdir": FileVerb.REMOVE_DIRECTORY,
    "mv": FileVerb.RENAME,
}
_OF_FILES_ALONE = (FileVerb.READ, FileVerb.WRITE, FileVerb.APPEND, FileVerb.REMOVE)
_LISTING_LIMITS = {FileVerb.LIST: 1000, FileVerb.REMOVE_DIRECTORY: 2}
"""Keys that a listing asks for, which policies can limit; every other verb only asks whether there is one."""
_TO_READ_IT = (
    "replace the policy that cannot be read, which the service's log names; until then whatever depends on it is denied"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who wants to do what.

    `password` is given to the identity provider; where it is None, `identity` is what the provider would have answered.
    A `target` belongs to `mv` alone. Relative paths begin where the session does.
    """

    server_id: ServerId
    username: str
    command: str
    path: str
    target: str = ""
    protocol: FileProtocol | None = None
    source_ip: str = "127.0.0.1"
    password: Password | None = None
    identity: Identity | None = None


class _Stopped(Exception):
    """The step that was noted last ends the walk: nothing behind it would be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    servers: ServerFinder
    provider: IdentityProvider
    trial: RoleTrial
    entropy: Entropy

    async def explain(self, question: Question) -> Explanation:
        walk = _Walk(question, self)
        with suppress(_Stopped):
            await walk.run()
        return Explanation(
            username=question.username,
            server_id=question.server_id,
            request=" ".join(filter(None, (question.command, question.path, question.target))),
            steps=tuple(walk.steps),
        )


class _Walk:
    """One walk; `steps` grow as it goes."""

    def __init__(self, question: Question, explainer: Explainer) -> None:
        self._question = question
        self._explainer = explainer
        self.steps: list[Step] = []

    async def run(self) -> None:
        server = await self._server()
        identity = await self._identity(server)
        session = await self._session(server, identity)
        places = self._places(identity)
        if places is None:
            return
        await self._calls(identity, session, *places)

    def _note(self, step: Step) -> None:
        if self._question.password is not None:
            step = replace(step, reason=mask(step.reason, self._question.password.value))
        if step.decision is not None and step.decision.verdict is Verdict.UNKNOWN:
            step = replace(step, remedy=_to_read(step.decision))
        # What comes from elsewhere may end in a full stop, and the conclusion sets its own.
        self.steps.append(replace(step, reason=step.reason.removesuffix(".")))
        if step.stands_in_the_way and step.decision is None:
            raise _Stopped

    def _fine(self, name: str, reason: str) -> None:
        self._note(Step(name=name, outcome=Outcome.ALLOWED, reason=reason))

    def _refused(self, name: str, reason: str, remedy: str = "") -> None:
        self._note(Step(name=name, outcome=Outcome.DENIED, reason=reason, remedy=remedy))

    def _unknown(self, name: str, reason: str, *, remedy: str = "", is_needed: bool = True) -> None:
        self._note(Step(name=name, outcome=Outcome.UNKNOWN, reason=reason, remedy=remedy, is_needed=is_needed))

    @contextmanager
    def _found_out(self, name: str) -> Iterator[None]:
        """Ends the walk with a step that is unknown where something does not answer."""
        try:
            yield
        except Unavailable as error:
            self._unknown(name, str(error))
            raise _Stopped from error

    async def _server(self) -> Server:
        question = self._question
        with self._found_out("server"):
            server = await self._explainer.servers.server(question.server_id)
        if server is None:
            self._refused("server", f"there is no server {question.server_id}", "`crossdock endpoints` lists them")
            raise _Stopped
        if (refusal := gate(server, self._attempt(server))) is not None:
            is_stopped = server.state is not ServerState.ONLINE
            remedy = f"aws transfer start-server --server-id {server.server_id}" if is_stopped else ""
            self._refused("server", refusal.reason, remedy)
        self._fine("server", f"server {server.server_id} of account {server.account_id} is {server.state}")
        return server

    def _attempt(self, server: Server) -> LoginAttempt:
        question = self._question
        protocol = question.protocol or server.protocols[0]
        return LoginAttempt(
            server_id=server.server_id,
            username=question.username,
            credential=question.password or nothing_shown(server, protocol),
            protocol=protocol,
            source_ip=question.source_ip,
        )

    async def _identity(self, server: Server) -> Identity:
        question = self._question
        if question.password is None:
            if question.identity is None:
                self._unknown(
                    "identity provider",
                    "who the user is cannot be known without the identity provider's answer",
                    remedy="give the password (--password-stdin), a logged session (--session) or the answer itself "
                    "(--identity, or --role and --home)",
                )
                raise _Stopped
            self._fine("identity provider", f"given, not asked: role {question.identity.role_arn}")
            return question.identity
        attempt = self._attempt(server)
        with self._found_out("identity provider"):
            found = await self._explainer.provider.identify(server, attempt)
        answer = answer_without_password(found, attempt.credential)
        if answer.identity is None:
            reason = answer.message or "the identity provider vouches for nobody"
            self._refused("identity provider", reason, answer.remedy)
            raise _Stopped
        if reason := credential_refusal(attempt.credential, answer.identity):
            self._refused("identity provider", reason)
        self._fine("identity provider", f"it vouches for {question.username}: role {answer.identity.role_arn}")
        return answer.identity

    async def _session(self, server: Server, identity: Identity) -> TrialSession:
        username = self._question.username
        try:
            policy = session_policy_of(identity, username)
            if policy is not None:
                # STS would say the same of it, in the name of the role.
                parse_policy(policy, PolicyKind.SESSION)
        except MalformedPolicy as error:
            detail = f" ({error.detail})" if error.detail else ""
            self._refused("session policy", f"the session policy cannot be used: {error}{detail}")
            raise _Stopped from error
        trial = self._explainer.trial
        name = session_name(username, self._explainer.entropy(8).hex(), server.server_id)
        with self._found_out("role"):
            found = await trial.assume(
                server=server,
                username=username,
                role_arn=identity.role_arn,
                session_name=name,
                session_policy=policy,
            )
        if found.decision is not None:
            self._note(decided("role", found.decision, find_fixes(found.decision), subject=identity.role_arn))
        if found.session is None:
            if found.decision is None or found.decision.is_allowed:
                self._refused("role", found.refusal)
            raise _Stopped
        return found.session

    def _places(self, identity: Identity) -> tuple[ObjectPlace, ObjectPlace | None] | None:
        """Where the path leads, and the target of a rename; None where no bucket is asked."""
        question = self._question
        verb, places = COMMANDS[question.command], Places(identity.home)
        if verb in _OF_FILES_ALONE and question.path.endswith("/"):
            self._refused("home directory", f"{question.path} is a directory's path, with its slash at the end")
            raise _Stopped
        try:
            place = _place(verb, places, _absolute(identity, question.path))
            target = places.of_file(_absolute(identity, question.target)) if verb is FileVerb.RENAME else None
        except FileError as error:
            self._refused("home directory", str(error))
            raise _Stopped from error
        if place is None:
            self._fine("home directory", f"{question.path} is a directory of the home directory's layout")
            return None
        shown = f"{question.path} is {_uri(place)}" + (f", {question.target} is {_uri(target)}" if target else "")
        self._fine("home directory", shown)
        return place, target

    async def _calls(
        self, identity: Identity, session: TrialSession, place: ObjectPlace, target: ObjectPlace | None
    ) -> None:
        verb = COMMANDS[self._question.command]
        asked: set[tuple[str, On]] = set()
        for call in VERBS[verb].calls:
            # Several calls may need one permission: an upload in parts, say.
            if (call.action, call.on) not in asked:
                asked.add((call.action, call.on))
                await self._call(identity, session, call, place, target)
        if not any(step.stands_in_the_way for step in self.steps):
            await self._presence(identity, session, place, target)

    async def _presence(
        self, identity: Identity, session: TrialSession, place: ObjectPlace, target: ObjectPlace | None
    ) -> None:
        verb, path = COMMANDS[self._question.command], _absolute(identity, self._question.path)
        if session.store is None:
            return
        try:
            await look(session.store, verb, place, target, is_given=Places(identity.home).is_given(path))
        except Unavailable as error:
            self._unknown(sought(verb), str(error))
        except NotADirectory as error:
            if verb is FileVerb.LIST:
                # A listing of a file shows that file, which takes a look at it.
                await self._call(identity, session, VERBS[FileVerb.INSPECT].calls[0], place, None)
            else:
                self._refused(sought(verb), str(error))
        except FileError as error:
            self._refused(sought(verb), str(error))

    async def _call(
        self,
        identity: Identity,
        session: TrialSession,
        call: S3Call,
        place: ObjectPlace,
        target: ObjectPlace | None,
    ) -> None:
        about = _about(call, place, target)
        source = place if call.operation == "CopyObject" else None
        copied = target if call.operation == "CopyObject" and target is not None else about
        verb, is_needed = COMMANDS[self._question.command], call.need is not Need.IF_ALLOWED
        try:
            decision = await session.decide(
                ObjectQuestion(
                    operation=call.operation,
                    action=call.action,
                    place=copied,
                    source=source,
                    delimiter="/" if verb is FileVerb.LIST else "",
                    limit=_LISTING_LIMITS.get(verb, 1),
                )
            )
            living = await self._explainer.trial.living(ids_that_conditions_name(decision))
        except Unavailable as error:
            self._unknown(call.action, str(error), is_needed=is_needed)
            return
        except FileError as error:
            self._refused(call.action, str(error))
            raise _Stopped from error
        resources = () if call.on is On.BUCKET else covering(identity.home, about)
        self._note(
            decided(
                call.action,
                decision,
                find_fixes(decision, covering=resources, living=living),
                subject=decision.request.resource,
                is_needed=is_needed,
            )
        )


def _to_read(decision: Decision) -> str:
    """What to do so that an unknown decision becomes a known one."""
    unread = decision.policies.unread
    return "; ".join(dict.fromkeys(one.remedy for one in unread if one.remedy)) if unread else _TO_READ_IT


def _absolute(identity: Identity, path: str) -> str:
    return normalise(path, start=initial_directory(identity.home))


def _place(verb: FileVerb, places: Places, path: str) -> ObjectPlace | None:
    """Where a command's path leads; None for a directory that the home itself makes. Raises FileError."""
    match verb:
        case FileVerb.LIST | FileVerb.ENTER | FileVerb.INSPECT:
            location = places.locate(path)
            if verb is not FileVerb.LIST and places.is_given(path):
                return None
            if isinstance(location, ObjectPlace):
                return location
            if not places.names_below(path):
                raise FileError(f"nothing is mapped at {path}")
            return None
        case FileVerb.MAKE_DIRECTORY:
            return places.of_directory_to_make(path)
        case FileVerb.REMOVE_DIRECTORY:
            return places.of_directory_to_remove(path)
    return places.of_file(path)


def _about(call: S3Call, place: ObjectPlace, target: ObjectPlace | None) -> ObjectPlace:
    match call.on:
        case On.MARKER:
            return ObjectPlace(bucket=place.bucket, key=place.directory_prefix)
        case On.TARGET | On.BUCKET if target is not None:
            return target  # also of the bucket it is the target's that is listed
    return place


def _uri(place: ObjectPlace) -> str:
    return f"s3:/{place}"
