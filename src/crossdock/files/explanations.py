"""What `explain` is asked, what it finds, step by step, and what it comes to. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from crossdock.core.homes import HomeDirectory, LogicalHome, MappingType, ObjectPlace, initial_directory
from crossdock.core.ids import ServerId
from crossdock.core.logins import Identity, Password
from crossdock.core.servers import FileProtocol
from crossdock.core.ssh_public_keys import PublicKeyLine
from crossdock.policy.decision import Decision, Verdict
from crossdock.policy.fix_order import in_order
from crossdock.policy.fixes import Fix, literal, merge_fixes


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who wants to do what.

    `public_key` and `password` are what the user shows; where there is neither, `identity` is what the identity
    provider would have answered or, where it `is_kept`, what the server's own record of the user says.
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
    public_key: PublicKeyLine | None = None
    identity: Identity | None = None
    is_kept: bool = False


class Outcome(StrEnum):
    """UNKNOWN is what could not be found out: it is no permission."""

    ALLOWED = "Allowed"
    DENIED = "Denied"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that has to go well.

    `subject` is what an S3 action is about, or a key's fingerprint. What is not `is_needed` is only tried: the command
    goes on without it. `remedy` says what to change where no policy is in the way, `fixes` where one is.
    """

    name: str
    outcome: Outcome
    reason: str
    subject: str = ""
    is_needed: bool = True
    remedy: str = ""
    decision: Decision | None = None
    fixes: tuple[Fix, ...] = ()

    @property
    def stands_in_the_way(self) -> bool:
        return self.is_needed and self.outcome is not Outcome.ALLOWED


def decided(
    name: str,
    decision: Decision,
    fixes: tuple[Fix, ...],
    *,
    subject: str = "",
    is_needed: bool = True,
) -> Step:
    """The step of a decision."""
    outcome = {Verdict.ALLOW: Outcome.ALLOWED, Verdict.UNKNOWN: Outcome.UNKNOWN}.get(decision.verdict, Outcome.DENIED)
    return Step(
        name=name,
        outcome=outcome,
        reason=decision.explain(),
        subject=subject,
        is_needed=is_needed,
        decision=decision,
        fixes=fixes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`request` is the command in a few words: `put /inbox/a.csv`. `not_seen` may matter besides the steps."""

    username: str
    server_id: str
    request: str
    steps: tuple[Step, ...]
    not_seen: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        found = {step.outcome for step in self.steps if step.stands_in_the_way}
        if Outcome.DENIED in found:
            return Outcome.DENIED
        return Outcome.UNKNOWN if found else Outcome.ALLOWED

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """What would have to change in policies, each change once, in an order in which they can be applied."""
        return in_order(merge_fixes(fix for step in self.steps if step.stands_in_the_way for fix in step.fixes))

    @property
    def conclusion(self) -> str:
        """One sentence, and what to do."""
        if self.outcome is Outcome.ALLOWED:
            return f"{self.username} may {self.request} on {self.server_id}."
        step = next(one for one in self.steps if one.stands_in_the_way and one.outcome is self.outcome)
        is_denied = self.outcome is Outcome.DENIED
        can = "cannot" if is_denied else "may or may not be able to"
        to_do = _to_do(step, self.fixes) if is_denied else self._to_know
        return f"{self.username} {can} {self.request} on {self.server_id}: {step.reason}.{to_do}"

    @property
    def _to_know(self) -> str:
        """What would make every unknown step known, each thing once."""
        remedies = [one.remedy.split("; ") for one in self.steps if one.stands_in_the_way and one.remedy]
        named = "; ".join(dict.fromkeys(part for parts in remedies for part in parts))
        return f" To change that: {named}." if named else ""


def _to_do(step: Step, fixes: Sequence[Fix]) -> str:
    """What undoes this step's denial, and how much else the command needs: of all its `fixes` these may be a part."""
    if step.remedy:
        return f" To change that: {step.remedy}."
    if not step.fixes:
        return ""
    own = in_order(merge_fixes(step.fixes))
    named = "; and ".join(f"in account {fix.account_id}, {fix.sentence}" for fix in own)
    others = len(fixes) - len(own)
    more = f" The rest of the command needs {others} more change{'s' if others > 1 else ''}." if others > 0 else ""
    return f" To change that: {named}.{more}"


def covering(home: HomeDirectory, place: ObjectPlace) -> tuple[str, ...]:
    """The resource that a statement for this user shall name: all that lies in the home directory with it.

    What lies outside, or is a mapped file, is named alone. A wildcard in a name is escaped, for it is no wildcard.
    """
    for root in _roots(home):
        bucket, _, folder = root.lstrip("/").partition("/")
        prefix = f"{folder}/" if folder else ""
        if bucket == place.bucket and place.key.startswith(prefix):
            return (f"arn:aws:s3:::{bucket}/{literal(prefix)}*",)
    return (f"arn:aws:s3:::{place.bucket}/{literal(place.key)}",)


def _roots(home: HomeDirectory) -> Sequence[str]:
    """`/bucket/folder` of every directory, the longest first."""
    if isinstance(home, LogicalHome):
        directories = (one.target for one in home.mappings if one.type is MappingType.DIRECTORY)
        return sorted(directories, key=len, reverse=True)
    return (initial_directory(home),)
