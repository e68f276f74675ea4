"""A service of buckets that does nothing but ask for permission, and bucket policies that a test sets."""

from tests.fakes.house import CountedEpoch

from crossdock.cloud.iam.parsed import named_policy
from crossdock.cloud.iam.resource_policies import ResourceGuard
from crossdock.core.arns import Arn
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permission, Result, ServiceOperations
from crossdock.policy.document import PolicyKind
from crossdock.ports.state import TableSpec, Transaction


class BucketPolicies:
    """Implements `ResourcePolicySource`; `put` is what CreateBucket and PutBucketPolicy do, epoch included."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[str, str]] = {}
        self.finds = 0

    def put(self, epoch: CountedEpoch, bucket: str, account_id: str, policy: str = "") -> None:
        self._buckets[bucket] = (account_id, policy)
        epoch.advance()

    def subject_of(self, resource: Arn) -> str:
        return resource.resource.partition("/")[0]

    async def find(self, tx: Transaction, subject: str) -> ResourceGuard | None:
        self.finds += 1
        assert await tx.table(TableSpec(name="buckets")).get((subject,)) is None
        if subject not in self._buckets:
            return None
        account_id, policy = self._buckets[subject]
        named = named_policy(f"bucket policy of {subject}", policy, PolicyKind.RESOURCE) if policy else None
        return ResourceGuard(account_id=account_id, policy=named)


async def _nothing(_call: Call) -> Result:
    return {}


def _on_object(action: str) -> Operation:
    def permissions(call: Call) -> list[Permission]:
        return [Permission(action=action, resource=f"arn:aws:s3:::{call.params['Bucket']}/{call.params['Key']}")]

    return Operation(handler=_nothing, permissions=permissions, is_data=True)


def _on_bucket(action: str) -> Operation:
    def permissions(call: Call) -> list[Permission]:
        return [Permission(action=action, resource=f"arn:aws:s3:::{call.params['Bucket']}")]

    return Operation(handler=_nothing, permissions=permissions)


BUCKETS = ServiceOperations(
    service="s3",
    operations={
        "PutObject": _on_object("s3:PutObject"),
        "GetObject": _on_object("s3:GetObject"),
        "CreateBucket": _on_bucket("s3:CreateBucket"),
    },
    denied_code="AccessDenied",
    denied_status=403,
)
