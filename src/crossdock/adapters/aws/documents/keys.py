"""A KMS key as far as it could be read: which one a name stands for, its policy, and whom its grants name.

Sources: KMS API Reference, DescribeKey, GetKeyPolicy, ListGrants; KMS Developer Guide, "Key policies in AWS KMS",
"Grants in AWS KMS", "Resource control policies in AWS KMS" (they do not apply to AWS managed keys), "Key states of AWS
KMS keys"; S3 API Reference, ServerSideEncryptionByDefault ("Amazon S3 only supports symmetric encryption KMS keys").
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
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
_IN_USE = ("Enabled", "Updating")
"""A multi-Region key is Updating while another becomes its primary, and "you can use the keys" meanwhile."""
_SYMMETRIC = "SYMMETRIC_DEFAULT"


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

    @property
    def is_of_aws(self) -> bool:
        """Whether it is the name of the key that AWS manages for S3."""
        return self.text.rpartition(":")[2] == OF_S3


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDocuments:
    """A key as far as it could be read.

    `is_of_aws` is of one that AWS manages; None where that is not known. `unread` says why there is no `policy`, and
    `doubt` why it is not known that the key can be used at all, whatever the policies allow.
    """

    arn: Arn
    policy: NamedPolicy | None = None
    is_of_aws: bool | None = None
    unread: tuple[UnreadLayer, ...] = ()
    doubt: UnreadLayer | None = None


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
        try:
            described = (await account.read("kms", "DescribeKey", KeyId=named.text))["KeyMetadata"]
        except NotRead as error:
            if error.code == _MISSING:
                raise _missing(named) from error
            if not named.is_of_key:
                raise
            return await _with_policy(account, KeyDocuments(arn=parse_arn(named.text), doubt=_doubt(named, error)))
        return await _with_policy(account, _usable(described))


def _usable(described: Mapping[str, Any]) -> KeyDocuments:
    """Raises Unsupported for a key that S3 cannot use."""
    arn = parse_arn(described["Arn"])
    if (state := described.get("KeyState", _IN_USE[0])) not in _IN_USE:
        raise Unsupported(f"KMS key {arn} is not in use but {state}")
    if (spec := described.get("KeySpec", _SYMMETRIC)) != _SYMMETRIC:
        raise Unsupported(f"KMS key {arn} is of the kind {spec}, and S3 uses none but symmetric keys")
    return KeyDocuments(arn=arn, is_of_aws=described.get("KeyManager") == "AWS")


async def _with_policy(account: Account, key: KeyDocuments) -> KeyDocuments:
    arn = key.arn
    try:
        text = (await account.read("kms", "GetKeyPolicy", KeyId=str(arn), PolicyName="default"))["Policy"]
        policy = parsed(f"key policy of {arn.resource}", text, PolicyKind.KEY)
    except NotRead as error:
        return replace(key, unread=(unread(Layer.RESOURCE, error),))
    # Of a key that AWS manages, the policy is AWS's too.
    return replace(key, policy=replace(policy, is_of_aws=bool(key.is_of_aws)))


def _doubt(named: KeyName, error: NotRead) -> UnreadLayer:
    why = f"it is not known whether KMS key {named.text} is enabled: {error}"
    return UnreadLayer(layer=Layer.RESOURCE, why=why, remedy=error.remedy)


def _unread(named: KeyName, error: NotRead) -> KeyDocuments:
    """Of a key in an account that has no profile. Raises the error where even its ARN is not known."""
    if not named.is_of_key:
        raise error
    return KeyDocuments(arn=parse_arn(named.text), unread=(unread(Layer.RESOURCE, error),))


def _missing(named: KeyName) -> NotRead | NotFound:
    where = f"account {named.account_id} in region {named.region}"
    if named.is_of_aws:
        return NotRead(f"AWS makes {OF_S3} of {where} when it is first used, and that has not been")
    return NotFound(f"there is no KMS key {named.text} of {where}")
