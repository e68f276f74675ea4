"""Why a user's command would be refused, or that it would not: every step that it takes, in order, with its reason.

It walks the road of a login and of an operation: the same gate, provider, session policy and role, the same table of
calls, each decided by the authority's own rules, the same lookups. Nothing is written, and no file is opened.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from crossdock.core.backings import Backing
from crossdock.core.errors import FileError, NotADirectory, Unavailable
from crossdock.core.homes import ObjectPlace, initial_directory, normalise
from crossdock.core.ids import Entropy
from crossdock.core.logins import Identity
from crossdock.files.explained_steps import Steps, Stopped
from crossdock.files.explaining_backing import find_behind
from crossdock.files.explaining_login import LoginWalk
from crossdock.files.explanations import Explanation, Outcome, Question, Step, covering, decided
from crossdock.files.key_calls import KEY_CALLS, LARGE, KeyCall
from crossdock.files.places import Places
from crossdock.files.presence import look, sought
from crossdock.files.verbs import APART, PUT_ACL, VERBS, WRITES, FileVerb, Need, On, S3Call
from crossdock.policy.fixes import find_fixes, ids_that_conditions_name
from crossdock.ports.authority import IdentityProvider
from crossdock.ports.servers import ServerFinder
from crossdock.ports.trials import KeyQuestion, ObjectQuestion, RoleTrial, TrialSession

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
_OF_FILES_ALONE = (FileVerb.READ, FileVerb.WRITE, FileVerb.APPEND, FileVerb.REMOVE, FileVerb.RENAME)
_LISTING_LIMITS = {FileVerb.LIST: 1000, FileVerb.REMOVE_DIRECTORY: 2}
"""Keys that a listing asks for, which policies can limit; every other verb only asks whether there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    servers: ServerFinder
    provider: IdentityProvider
    trial: RoleTrial
    entropy: Entropy

    async def explain(self, question: Question) -> Explanation:
        walk = _Walk(question, self)
        with suppress(Stopped):
            await walk.run()
        return Explanation(
            username=question.username,
            server_id=question.server_id,
            request=" ".join(filter(None, (question.command, question.path, question.target))),
            steps=tuple(walk.steps.noted),
            not_seen=tuple(walk.steps.not_seen),
        )


class _Walk:
    """One walk; `steps` grow as it goes."""

    def __init__(self, question: Question, explainer: Explainer) -> None:
        self._question = question
        self._explainer = explainer
        self.steps = Steps(secret=question.password)

    async def run(self) -> None:
        explainer = self._explainer
        login = LoginWalk(
            question=self._question,
            steps=self.steps,
            servers=explainer.servers,
            provider=explainer.provider,
            trial=explainer.trial,
            entropy=explainer.entropy,
        )
        server = await login.server()
        identity = await login.identity(server)
        session = await login.session(server, identity)
        places = self._places(identity)
        if places is None:
            return
        await self._calls(identity, session, *places)

    def _places(self, identity: Identity) -> tuple[ObjectPlace, ObjectPlace | None] | None:
        """Where the path leads, and the target of a rename; None where no bucket is asked."""
        question = self._question
        verb, places = COMMANDS[question.command], Places(identity.home)
        if verb in _OF_FILES_ALONE and (path := _with_slash(question.path, question.target)):
            self.steps.refused("home directory", f"{path} is a directory's path, with its slash at the end")
            raise Stopped
        try:
            place = _place(verb, places, _absolute(identity, question.path))
            target = places.of_file(_absolute(identity, question.target)) if verb is FileVerb.RENAME else None
        except FileError as error:
            self.steps.refused("home directory", str(error))
            raise Stopped from error
        if place is None:
            self.steps.fine("home directory", f"{question.path} is a directory of the home directory's layout")
            return None
        shown = f"{question.path} is {_uri(place)}" + (f", {question.target} is {_uri(target)}" if target else "")
        self.steps.fine("home directory", shown)
        return place, target

    async def _calls(
        self, identity: Identity, session: TrialSession, place: ObjectPlace, target: ObjectPlace | None
    ) -> None:
        verb = COMMANDS[self._question.command]
        asked: set[tuple[str, On]] = set()
        parts: S3Call | None = None
        left_out = await _left_out(session, place, target)
        for call in VERBS[verb].calls:
            if left_out(call):
                continue
            if call.action == PUT_ACL and not await self._acl(session, call, _about(call, place, target)):
                continue
            if (
                session.follows_aws_buckets
                and _is_of_part(call)
                and await session.acl_in(_about(call, place, target).bucket)
            ):
                parts = parts or call
                continue
            # Several calls may need one permission: an upload in parts, say.
            if (call.action, call.on) not in asked:
                asked.add((call.action, call.on))
                await self._call(identity, session, call, place, target)
        if parts is not None:
            # What the upload says of its ACL its parts do not say again, and a policy may ask for it.
            await self._call(identity, session, parts, place, target, case=LARGE)
        for key_call in KEY_CALLS.get(verb, ()):
            await self._key(session, key_call, _on(key_call.on, place, target))
        if not any(step.stands_in_the_way for step in self.steps.noted):
            await find_behind(session, self.steps, verb, place, *([] if target is None else [target]))
            await self._presence(identity, session, place, target)

    async def _acl(self, session: TrialSession, call: S3Call, place: ObjectPlace) -> str:
        """Of a write that says one."""
        return await session.acl_in(place.bucket) if call.operation in WRITES else ""

    async def _presence(
        self, identity: Identity, session: TrialSession, place: ObjectPlace, target: ObjectPlace | None
    ) -> None:
        verb, path = COMMANDS[self._question.command], _absolute(identity, self._question.path)
        if session.store is None:
            return
        try:
            await look(session.store, verb, place, target, is_given=Places(identity.home).is_given(path))
        except Unavailable as error:
            self.steps.unknown(sought(verb), str(error))
        except NotADirectory as error:
            if verb is FileVerb.LIST and not self._question.path.endswith("/"):
                # A listing of a file shows that file, which takes a look at it.
                await self._call(identity, session, VERBS[FileVerb.INSPECT].calls[0], place, None)
            else:
                self.steps.refused(sought(verb), str(error))
        except FileError as error:
            self.steps.refused(sought(verb), str(error))

    async def _call(
        self,
        identity: Identity,
        session: TrialSession,
        call: S3Call,
        place: ObjectPlace,
        target: ObjectPlace | None,
        *,
        case: str = "",
    ) -> None:
        """A `case` says what alone takes the call; then it is a step only where it is not allowed."""
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
                    acl=await self._acl(session, call, copied),
                )
            )
            living = await self._explainer.trial.living(ids_that_conditions_name(decision))
        except Unavailable as error:
            self.steps.unknown(call.action, str(error), is_needed=is_needed)
            return
        except FileError as error:
            self.steps.refused(call.action, str(error))
            raise Stopped from error
        resources = () if call.on is On.BUCKET else covering(identity.home, about)
        step = decided(
            call.action,
            decision,
            find_fixes(
                decision,
                covering=resources,
                living=living,
                has_options=session.follows_aws_buckets and call.operation in WRITES,
            ),
            subject=decision.request.resource,
            is_needed=is_needed,
        )
        if not case or step.outcome is not Outcome.ALLOWED:
            self.steps.note(_in_case(step, case))

    async def _key(self, session: TrialSession, call: KeyCall, about: ObjectPlace) -> None:
        try:
            decision = await session.decide_key(KeyQuestion(action=call.action, place=about))
            if decision is None:
                return
            living = await self._explainer.trial.living(ids_that_conditions_name(decision))
        except Unavailable as error:
            self.steps.unknown(call.action, str(error))
            return
        except FileError as error:
            self.steps.refused(call.action, str(error))
            raise Stopped from error
        fixes = find_fixes(decision, living=living)
        self.steps.note(_in_case(decided(call.action, decision, fixes, subject=decision.request.resource), call.case))


def _in_case(step: Step, case: str) -> Step:
    """A step that only some files take: denied, it leaves open whether it is this one, whose size is not known."""
    if not case or step.outcome is not Outcome.DENIED:
        return step
    reason = f"{step.reason}; that is asked for {case}"
    return replace(step, outcome=Outcome.UNKNOWN, reason=reason, remedy=f"allow {step.name} for such a file")


async def _left_out(session: TrialSession, place: ObjectPlace, target: ObjectPlace | None) -> Callable[[S3Call], bool]:
    """Of a rename's calls: an S3 copies, or the bytes are read from one and written to the other."""
    if target is not None and await _are_apart(session, place.bucket, target.bucket):
        return lambda call: call.operation == "CopyObject"
    return lambda call: call.note == APART


async def _are_apart(session: TrialSession, one: str, other: str) -> bool:
    try:
        backings = await session.backing_of(one), await session.backing_of(other)
    except Unavailable:
        return False  # the calls are asked about next, and each says that nothing answers
    match backings:
        case (None, None):
            return False
        case (Backing() as origin, Backing() as goal):
            return not origin.is_beside(goal)
    return True


def _is_of_part(call: S3Call) -> bool:
    return call.action == "s3:PutObject" and call.operation not in WRITES


def _with_slash(*paths: str) -> str:
    """The first that has one at its end; empty for none."""
    return next((path for path in paths if path.endswith("/")), "")


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
    return _on(call.on, place, target)


def _on(on: On, place: ObjectPlace, target: ObjectPlace | None) -> ObjectPlace:
    match on:
        case On.MARKER:
            return ObjectPlace(bucket=place.bucket, key=place.directory_prefix)
        case On.TARGET | On.BUCKET if target is not None:
            return target  # also of the bucket it is the target's that is listed
    return place


def _uri(place: ObjectPlace) -> str:
    return f"s3:/{place}"
