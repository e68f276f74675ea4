"""Managed policies by ARN, whether AWS's own or an account's."""

from collections.abc import Mapping

from crossdock.cloud.iam.managed_policies import ManagedPolicy
from crossdock.cloud.iam.records import find_policy_by_arn
from crossdock.core.arns import Arn, parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.ports.state import Transaction

AWS_OWNED = "aws"
"""What stands in the place of the account id in the ARNs of AWS's managed policies."""


class PolicyLibrary:
    def __init__(self, shipped: Mapping[str, ManagedPolicy]) -> None:
        self.shipped = shipped

    async def document(self, tx: Transaction, account_id: str, policy_arn: str) -> str | None:
        """The text of the default version; None when there is no such policy that this account can use."""
        if (policy := self.shipped.get(policy_arn)) is not None:
            return policy.document
        arn = policy_arn_or_none(policy_arn)
        if arn is None or arn.account_id != account_id:
            return None
        record = await find_policy_by_arn(tx, arn)
        return None if record is None else record.default.document


def policy_arn_or_none(text: str) -> Arn | None:
    """The ARN of a managed policy, None when the text is anything else."""
    try:
        arn = parse_arn(text)
    except InvalidArn:
        return None
    return arn if arn.service == "iam" and arn.resource.startswith("policy/") else None
