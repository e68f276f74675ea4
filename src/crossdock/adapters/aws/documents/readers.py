"""Who reads what of AWS for an explanation, and what a person has told besides."""

from dataclasses import dataclass, field

from crossdock.adapters.aws.documents.buckets import BucketReader
from crossdock.adapters.aws.documents.keys import KeyReader
from crossdock.adapters.aws.documents.organization import OrganizationReader
from crossdock.adapters.aws.documents.principals import PrincipalReader
from crossdock.core.object_writing import CROSS_ACCOUNT, ObjectWriting
from crossdock.operations.caller import Context
from crossdock.ports.host import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """`told` has the condition keys that a person has given, `writing` what Crossdock's settings say of the bucket."""

    principals: PrincipalReader
    buckets: BucketReader
    keys: KeyReader
    organization: OrganizationReader
    clock: Clock
    told: Context
    writing: ObjectWriting = field(default_factory=lambda: ObjectWriting(acl=CROSS_ACCOUNT))
