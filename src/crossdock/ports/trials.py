"""What the authority would decide, found out by its own rules and without anything being done: for `explain`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from crossdock.core.backings import Backing
from crossdock.core.homes import ObjectPlace
from crossdock.core.principals import AssumedRole
from crossdock.policy.evaluate import Decision
from crossdock.ports.authority import RoleRequest
from crossdock.ports.objects import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectQuestion:
    """One permission of one of S3's operations.

    `place` is what the operation is about: a listing's directory, a copy's target, whose original is `source`.
    `delimiter` and `limit` are a listing's, as in `ObjectStore.list`. `acl` is the canned ACL that a write says.
    """

    operation: str
    action: str
    place: ObjectPlace
    source: ObjectPlace | None = None
    delimiter: str = "/"
    limit: int = 1000
    acl: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyQuestion:
    """One permission of KMS, of the key with which S3 encrypts the object of this place."""

    action: str
    place: ObjectPlace


class TrialSession(Protocol):
    """A session of the role, as a login would get it."""

    @property
    def principal(self) -> AssumedRole: ...

    @property
    def store(self) -> ObjectStore | None:
        """To be read from only; None where nobody looks at objects, and policies alone are asked."""

    @property
    def follows_aws_buckets(self) -> bool:
        """Whether writes say what `aws.buckets` has them say; a large file comes in parts, which do not say its ACL."""

    async def acl_in(self, bucket: str) -> str:
        """The canned ACL with which a session writes objects there; empty for none."""

    async def decide(self, question: ObjectQuestion) -> Decision:
        """Raises FileError when it cannot come to a decision: there is no such bucket."""

    async def decide_key(self, question: KeyQuestion) -> Decision | None:
        """None where no key has a say. Raises FileError where the key is none that could be used."""

    async def backing_of(self, bucket: str) -> Backing | None:
        """Where the objects of an attached bucket lie; None for every other bucket."""

    async def try_backing(self, bucket: str) -> None:
        """List what lies behind an attached bucket, with the backing's credentials. Raises FileError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """Whether the role would be assumed. `session` is None when it would not; `refusal` says why, if no policy does.

    `also_denied` is what would have to be allowed besides.
    """

    decision: Decision | None
    also_denied: tuple[Decision, ...] = ()
    session: TrialSession | None = None
    refusal: str = ""


class RoleTrial(Protocol):
    async def assume(self, asked: RoleRequest) -> Assumption:
        """As `RoleAssumer.assume`."""

    async def living(self, ids: frozenset[str]) -> Mapping[str, str]:
        """Of these ids of roles and users, those that somebody has, with their ARNs."""
