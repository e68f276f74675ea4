"""What a KMS key decides about a session of a role, which asks it through S3.

A key policy has to allow, or to leave it to the account's own policies by naming the account; a role of another account
needs both. A grant of the key may allow besides, so what would be denied for want of an Allow is looked up among the
grants; whether what constrains a grant is met is not decided.

Sources: KMS Developer Guide, "Key policies in AWS KMS", "Grants in AWS KMS", "AWS KMS condition keys", "Allowing users
in other accounts to use a KMS key"; S3 User Guide, "Using server-side encryption with AWS KMS keys".
"""

from collections.abc import Mapping
from dataclasses import replace

from crossdock.adapters.aws.documents.asking import TELL, Asked, decide
from crossdock.adapters.aws.documents.buckets import BucketDocuments
from crossdock.adapters.aws.documents.keys import KeyDocuments
from crossdock.adapters.aws.documents.keys_in_use import key_in_use, uses_bucket_key
from crossdock.adapters.aws.documents.organization import Control, of_resource
from crossdock.adapters.aws.documents.parsing import unread
from crossdock.adapters.aws.documents.principals import PrincipalDocuments
from crossdock.adapters.aws.documents.readers import Readers
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.core.arns import Arn, bucket_arn, object_arn
from crossdock.operations.caller import Caller
from crossdock.operations.operation import Permission
from crossdock.policy.decision import Decision, Verdict
from crossdock.policy.requests import Layer, UnreadLayer
from crossdock.policy.rewriting import decide_again
from crossdock.policy.unsure import UnknownKey
from crossdock.ports.trials import KeyQuestion

_BY_GRANT = frozenset({Layer.IDENTITY, Layer.RESOURCE})
"""What a grant stands in for. What limits the role, or the organization, limits it with a grant too."""
_IN_THE_DARK = tuple(
    UnknownKey(key=key, why="is not read of the key", remedy=TELL)
    for key in (
        *("aws:resourcetag/", "kms:requestalias", "kms:resourcealiases", "kms:keyorigin", "kms:keyspec"),
        *("kms:keyusage", "kms:multiregion", "kms:multiregionkeytype"),
    )
)


async def decide_about_key(
    question: KeyQuestion, *, caller: Caller, role: PrincipalDocuments, bucket: BucketDocuments, readers: Readers
) -> Decision | None:
    """None where no key has a say. Raises FileError where the key is none that S3 could use."""
    own = role.arn.account_id
    try:
        named = key_in_use(readers.writing, bucket, own)
        if named is None:
            return None
        key = await readers.keys.find(named)
    except NotRead as error:
        key = _some_key(bucket, error)
    asked = Asked(
        caller=caller,
        who=role,
        permission=Permission(
            action=question.action, resource=str(key.arn), context=_context(question, key.arn, own, bucket, readers)
        ),
        owner=key.arn.account_id,
        region=key.arn.region,
        ours=await readers.organization.control(own),
        theirs=await _binding(key, readers),
        resource=key.policy,
        unread=key.unread,
        unknown=_IN_THE_DARK,
    )
    decision = decide(asked, told=readers.told, now=readers.clock.now())
    if decision.verdict is Verdict.IMPLICIT_DENY and _BY_GRANT.issuperset(decision.withheld_by):
        return await _unless_granted(decision, key.arn, role.arn, readers)
    return decision


def _context(
    question: KeyQuestion, key: Arn, own: str, bucket: BucketDocuments, readers: Readers
) -> Mapping[str, tuple[str, ...]]:
    place = question.place
    is_bucket_key = uses_bucket_key(readers.writing, bucket)
    about = bucket_arn(place.bucket) if is_bucket_key else object_arn(place.bucket, place.key)
    return {
        "aws:ResourceAccount": (key.account_id,),
        "kms:CallerAccount": (own,),
        "kms:EncryptionAlgorithm": ("SYMMETRIC_DEFAULT",),
        "kms:EncryptionContext:aws:s3:arn": (str(about),),
        "kms:EncryptionContextKeys": ("aws:s3:arn",),
        "kms:ViaService": (f"s3.{key.region}.amazonaws.com",),
    }


async def _binding(key: KeyDocuments, readers: Readers) -> Control:
    """What the organization of the key's account says of it."""
    if not key.arn.account_id:
        return Control()
    control = of_resource(await readers.organization.control(key.arn.account_id))
    # Resource control policies do not apply to keys that AWS manages.
    return Control(keys=control.keys, unknown=control.unknown) if key.is_of_aws else control


def _some_key(bucket: BucketDocuments, error: NotRead) -> KeyDocuments:
    """Where it is not known which key, or whether any: every policy may allow it, or be the one that denies it."""
    arn = Arn(service="kms", region=bucket.region, account_id="", resource="key/*")
    layers = (Layer.IDENTITY, Layer.RESOURCE)
    return KeyDocuments(arn=arn, unread=tuple(unread(layer, error) for layer in layers))


async def _unless_granted(decision: Decision, key: Arn, role: Arn, readers: Readers) -> Decision:
    """The denial, unless a grant of the key may allow it."""
    request = decision.request
    names = (str(role), request.principal.arn, f"arn:aws:iam::{role.account_id}:root")
    try:
        granted = await readers.keys.grants(key, names, request.action.partition(":")[2])
    except NotRead as error:
        why, remedy = f"a grant of the key may allow it, and {error}", error.remedy
    else:
        if not granted:
            return decision
        why = f"grant {granted[0]} of the key names the role, and whether what constrains it is met is not decided"
        remedy = f"look at it: aws kms list-grants --key-id {key} --grant-id {granted[0]}"
    policies, layers = decision.policies, decision.withheld_by
    further = tuple(UnreadLayer(layer=layer, why=why, remedy=remedy) for layer in layers)
    return decide_again(
        decision,
        replace(policies, unreadable=policies.unreadable.union(layers), unread=(*policies.unread, *further)),
    )
