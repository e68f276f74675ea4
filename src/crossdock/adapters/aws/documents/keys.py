"""A KMS key as far as it could be read: which one a name stands for, its policy, and whom its grants name.

Sources: KMS API Reference, DescribeKey, GetKeyPolicy, ListGrants; KMS Developer Guide, "Key policies in AWS KMS",
"Grants in AWS KMS", "Resource control policies in AWS KMS" (they do not apply to AWS managed keys).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from crossdock.adapters.aws.documents.accounts import Account, Accounts
from crossdock.adapters.aws.documents.parsing import parsed, unread
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.core.arns import Arn, parse_arn
from crossdock.core.errors import NotFound, Unsupported
from crossdock.policy.document import PolicyKind
from crossdock.policy.requests import Layer, NamedPolicy, UnreadLayer

OF_S3 = "alias/aws/s3"
"""The key that AWS manages for S3, one in each account and region, made when it is first used."""
_MISSING = "NotFoundException"
_IN_USE = "Enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyName:
    """A key: `text` is its ARN, or an alias's ARN or name; in this account and region."""

    text: str
    account_id: str
    region: str

    @property
    def is_of_key(self) -> bool:
        """Whether it tells the key's own ARN, which an alias's does not."""
        return ":key/" in self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDocuments:
    """A key as far as it could be read. Of one that AWS manages (`is_of_aws`) nobody can change the policy."""

    arn: Arn
    policy: NamedPolicy | None = None
    is_of_aws: bool = False
    unread: tuple[UnreadLayer, ...] = ()


class KeyReader:
    """Reads keys, each once."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._known: dict[KeyName, KeyDocuments] = {}

    async def find(self, named: KeyName) -> KeyDocuments:
        """Raises NotRead where it is not known which key that is, FileError where there is none that could be used."""
        if named not in self._known:
            self._known[named] = await self._find(named)
        return self._known[named]

    async def grants(self, key: Arn, principals: Collection[str], operation: str) -> tuple[str, ...]:
        """The ids of its grants that let one of these do the operation, whatever constrains them. Raises NotRead."""
        account = self._accounts.of(key.account_id, "kms:ListGrants").in_region(key.region)
        listed = await account.pages("kms", "ListGrants", "Grants", KeyId=str(key))
        return tuple(
            grant["GrantId"]
            for grant in listed
            if grant.get("GranteePrincipal") in principals and operation in grant.get("Operations", ())
        )

    async def _find(self, named: KeyName) -> KeyDocuments:
        try:
            account = self._accounts.of(named.account_id, "kms:GetKeyPolicy").in_region(named.region)
        except NotRead as error:
            return _unread(named, error)
        described: dict[str, Any] = {}
        try:
            described |= (await account.read("kms", "DescribeKey", KeyId=named.text))["KeyMetadata"]
        except NotRead as error:
            if error.code == _MISSING:
                raise _missing(named) from error
            if not named.is_of_key:
                raise
        arn = parse_arn(described.get("Arn", named.text))
        state = described.get("KeyState", _IN_USE)
        if state != _IN_USE:
            raise Unsupported(f"KMS key {arn} is not in use but {state}")
        return await _with_policy(account, arn, is_of_aws=described.get("KeyManager") == "AWS")


async def _with_policy(account: Account, arn: Arn, *, is_of_aws: bool) -> KeyDocuments:
    try:
        text = (await account.read("kms", "GetKeyPolicy", KeyId=str(arn), PolicyName="default"))["Policy"]
        policy = parsed(f"key policy of {arn.resource}", text, PolicyKind.KEY)
    except NotRead as error:
        return KeyDocuments(arn=arn, is_of_aws=is_of_aws, unread=(unread(Layer.RESOURCE, error),))
    return KeyDocuments(arn=arn, policy=policy, is_of_aws=is_of_aws)


def _unread(named: KeyName, error: NotRead) -> KeyDocuments:
    """Of a key in an account that has no profile. Raises the error where even its ARN is not known."""
    if not named.is_of_key:
        raise error
    return KeyDocuments(arn=parse_arn(named.text), unread=(unread(Layer.RESOURCE, error),))


def _missing(named: KeyName) -> NotRead | NotFound:
    where = f"account {named.account_id} in region {named.region}"
    if named.text == OF_S3:
        return NotRead(f"AWS makes {OF_S3} of {where} when it is first used, and that has not been")
    return NotFound(f"there is no KMS key {named.text} of {where}")
