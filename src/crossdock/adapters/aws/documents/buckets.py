"""Whose a bucket is, its policy, Block Public Access, and how it encrypts what says nothing of that.

S3 tells nobody whose a bucket is. But GetBucketPolicy is answered to the owner's account alone (to others with 403 or
405), and ListBuckets has an account's own.

Source: S3 API Reference, GetBucketPolicy, ListBuckets, GetBucketLocation, GetPublicAccessBlock, GetBucketEncryption.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crossdock.adapters.aws.documents.accounts import Account, Accounts, is_of_aws
from crossdock.adapters.aws.documents.parsing import parsed, unread
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.core.errors import NotFound
from crossdock.core.object_writing import KMS, ObjectWriting
from crossdock.policy.document import PolicyKind
from crossdock.policy.evaluate import Layer, NamedPolicy, PublicAccessBlock, UnreadLayer
from crossdock.policy.public_access import is_public

_NO_POLICY = "NoSuchBucketPolicy"
_NOT_THE_OWNER = "MethodNotAllowed"
_NO_BLOCK = frozenset({"NoSuchPublicAccessBlockConfiguration", "NotImplemented"})
_NO_ENCRYPTION = frozenset({"ServerSideEncryptionConfigurationNotFoundError", "NotImplemented"})
"""Where S3 is somebody else's, it may not have this at all."""
_WITHOUT_ACLS = "BucketOwnerEnforced"
_OLD_REGIONS: Mapping[str, str] = {"": "us-east-1", "EU": "eu-west-1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketDocuments:
    """A bucket as far as it could be read.

    `owner` is empty where none of the accounts is known to be it; `may_be_of` are those that may be. `region` is empty
    where nobody told it. `encryption` is the default; None where it could not be read, as `encryption_unread` says.
    """

    name: str
    owner: str = ""
    region: str = ""
    may_be_of: frozenset[str] = frozenset()
    policy: NamedPolicy | None = None
    public_access: PublicAccessBlock | None = None
    unread: tuple[UnreadLayer, ...] = ()
    encryption: ObjectWriting | None = None
    encryption_unread: NotRead | None = None


class BucketReader:
    """Reads buckets, each once."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._known: dict[str, BucketDocuments] = {}

    async def find(self, name: str) -> BucketDocuments:
        """Raises NotFound, of the file errors, for a bucket that does not exist."""
        if name not in self._known:
            self._known[name] = await self._find(name)
        return self._known[name]

    async def refuses_acls(self, bucket: BucketDocuments) -> bool:
        """Of a bucket with an owner; False where that may not be read."""
        account = self._accounts.of(bucket.owner, "s3:GetBucketOwnershipControls")
        try:
            told = await account.read("s3", "GetBucketOwnershipControls", Bucket=bucket.name)
        except NotRead:
            return False
        rules = told["OwnershipControls"].get("Rules", ())
        return any(rule["ObjectOwnership"] == _WITHOUT_ACLS for rule in rules)

    async def _find(self, name: str) -> BucketDocuments:
        may_be_of: set[str] = set()
        whys: list[NotRead] = []
        for account in self._accounts.listed:
            try:
                text = (await account.read("s3", "GetBucketPolicy", Bucket=name))["Policy"]
            except NotRead as error:
                if error.code == "NoSuchBucket":
                    raise NotFound(f"there is no bucket {name}") from error
                if error.code == _NO_POLICY:
                    return await _owned(account, name, None)
                owns = False if error.code == _NOT_THE_OWNER else await _lists(account, name, whys)
                if owns:
                    return await _owned(account, name, error)
                if owns is None:
                    may_be_of.add(account.account_id)
                    whys.append(error)
            else:
                return await _owned(account, name, text)
        return _ownerless(name, frozenset(may_be_of), whys)


async def _lists(account: Account, name: str, whys: list[NotRead]) -> bool | None:
    """Whether the bucket is among the account's own; None, with the reason noted, when that cannot be known."""
    try:
        listed = await account.pages("s3", "ListBuckets", "Buckets", Prefix=name)
    except NotRead as error:
        whys.append(error)
        return None
    return any(bucket["Name"] == name for bucket in listed)


async def _owned(account: Account, name: str, policy: str | NotRead | None) -> BucketDocuments:
    """The bucket of this account, with the text of its policy, or why that could not be read, or without a policy."""
    whys: list[UnreadLayer] = []
    found: NamedPolicy | None = None
    if isinstance(policy, NotRead):
        whys.append(unread(Layer.RESOURCE, policy))
    elif policy is not None:
        try:
            found = parsed(f"bucket policy of {name}", policy, PolicyKind.RESOURCE)
        except NotRead as error:
            whys.append(unread(Layer.RESOURCE, error))
    block: PublicAccessBlock | None = None
    # Of a policy that is not public it says nothing, and one that could not be read leaves enough in the dark.
    if found is not None and is_public(found.policy):
        try:
            block = await _public_access(account, name)
        except NotRead as error:
            whys.append(unread(Layer.PUBLIC_ACCESS, error))
    encryption, encryption_unread = await _encryption(account, name)
    return BucketDocuments(
        name=name,
        owner=account.account_id,
        region=await _region(account, name),
        policy=found,
        public_access=block,
        unread=tuple(whys),
        encryption=encryption,
        encryption_unread=encryption_unread,
    )


def _ownerless(name: str, may_be_of: frozenset[str], whys: list[NotRead]) -> BucketDocuments:
    remedies = [error.remedy for error in whys if error.remedy]
    why = f"it is not known whose bucket {name} is"
    if not may_be_of:
        why = f"no profile is given for the account whose bucket {name} is"
        remedies = [f"give --profile ACCOUNT=PROFILE for that of bucket {name}, of somebody who may s3:GetBucketPolicy"]
    why += "".join(f", and {error}" for error in whys)
    remedy = "; ".join(dict.fromkeys(remedies))
    layer = UnreadLayer(layer=Layer.RESOURCE, why=why, remedy=remedy)
    return BucketDocuments(
        name=name, may_be_of=may_be_of, unread=(layer,), encryption_unread=NotRead(why, remedy=remedy)
    )


async def _region(account: Account, name: str) -> str:
    try:
        constraint = (await account.read("s3", "GetBucketLocation", Bucket=name)).get("LocationConstraint") or ""
    except NotRead:
        return ""
    return _OLD_REGIONS.get(constraint, constraint)


async def _public_access(account: Account, name: str) -> PublicAccessBlock | None:
    """What the bucket's settings and its account's say together; None where neither are there. Raises NotRead."""
    found = [await _block(account, "s3", Bucket=name)]
    if is_of_aws(await account.host("s3")):
        found.append(await _block(account, "s3control", AccountId=account.account_id))
    told = [one for one in found if one is not None]
    if not told:
        return None
    return PublicAccessBlock(
        block_public_acls=any(one.get("BlockPublicAcls", False) for one in told),
        ignore_public_acls=any(one.get("IgnorePublicAcls", False) for one in told),
        block_public_policy=any(one.get("BlockPublicPolicy", False) for one in told),
        restrict_public_buckets=any(one.get("RestrictPublicBuckets", False) for one in told),
    )


async def _block(account: Account, service: str, **params: str) -> Mapping[str, Any] | None:
    try:
        told = await account.read(service, "GetPublicAccessBlock", **params)
    except NotRead as error:
        if error.code in _NO_BLOCK:
            return None
        raise
    block: Mapping[str, Any] = told["PublicAccessBlockConfiguration"]
    return block


async def _encryption(account: Account, name: str) -> tuple[ObjectWriting | None, NotRead | None]:
    """By default; without a rule, and at an S3 that has none, no key of KMS has a say.

    Whether bucket keys are used counts for writes that name a key of KMS themselves too, whatever the default is.
    """
    try:
        told = await account.read("s3", "GetBucketEncryption", Bucket=name)
    except NotRead as error:
        return (ObjectWriting(), None) if error.code in _NO_ENCRYPTION else (None, error)
    found = ObjectWriting()
    for rule in told["ServerSideEncryptionConfiguration"].get("Rules", ()):
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        found = ObjectWriting(bucket_key=rule.get("BucketKeyEnabled", False))
        if (sse := default.get("SSEAlgorithm")) in KMS:
            return replace(found, sse=sse, kms_key_id=default.get("KMSMasterKeyID", "")), None
    return found, None
