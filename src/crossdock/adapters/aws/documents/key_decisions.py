"""What a KMS key decides about a session of a role, which asks it through S3.

A key policy has to allow, or to leave it to the account's own policies by naming the account; a role of another account
needs both. A grant of the key may allow besides, so what would be denied for want of an Allow is looked up among the
grants; whether what constrains a grant is met is not decided.

Sources: KMS Developer Guide, "Key policies in AWS KMS", "Grants in AWS KMS", "AWS KMS condition keys", "Allowing users
in other accounts to use a KMS key"; S3 User Guide, "Using server-side encryption with AWS KMS keys".
"""

from collections.abc import Mapping
from dataclasses import replace

from crossdock.adapters.aws.documents.asking import TELL, Asked, decide, unknown_id
from crossdock.adapters.aws.documents.buckets import BucketDocuments
from crossdock.adapters.aws.documents.keys import KeyDocuments, KeyName
from crossdock.adapters.aws.documents.keys_in_use import encryption_unread, key_in_use, region_unread, uses_bucket_key
from crossdock.adapters.aws.documents.organization import Control, of_resource
from crossdock.adapters.aws.documents.parsing import unread
from crossdock.adapters.aws.documents.principals import PrincipalDocuments
from crossdock.adapters.aws.documents.readers import Readers
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.cloud.iam.control_policies import NO_LEVELS
from crossdock.core.arns import Arn, bucket_arn, object_arn
from crossdock.operations.caller import Caller
from crossdock.operations.operation import Permission
from crossdock.policy.decision import Decision, Verdict
from crossdock.policy.reasons import layers_of
from crossdock.policy.requests import Layer, PolicySet, UnreadLayer
from crossdock.policy.rewriting import decide_again, decide_by_its_rule
from crossdock.policy.unsure import UnknownKey
from crossdock.ports.trials import KeyQuestion

SOME_KEY = "a KMS key that is not known"
"""What stands in the place of its ARN."""
_BY_GRANT = frozenset({Layer.IDENTITY, Layer.RESOURCE})
"""What a grant stands in for. What limits the role, or the organization, limits it with a grant too."""
_CONTEXT = "kms:EncryptionContext:aws:s3:arn"
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
    lack: NotRead | None = None
    named: KeyName | None = None
    try:
        named = key_in_use(readers.writing, bucket, own)
        if named is None:
            return None
        key = await readers.keys.find(named)
    except NotRead as error:
        lack, key = error, KeyDocuments(arn=Arn(service="kms", region=bucket.region, resource="key/*"))
    asked = Asked(
        caller=caller,
        who=role,
        permission=Permission(
            action=question.action, resource=str(key.arn), context=_context(question, key.arn, own, bucket, readers)
        ),
        owner=key.arn.account_id,
        region=key.arn.region,
        ours=await readers.organization.control(own),
        theirs=await _binding(key, own, readers),
        resource=key.policy,
        unread=key.unread,
        unknown=(*_IN_THE_DARK, *unknown_id(role), *_unknown_context(bucket, readers)),
    )
    decision = decide(asked, told=readers.told, now=readers.clock.now())
    if lack is not None:
        return _of_some_key(decision, named, lack)
    if decision.is_allowed:
        return _in_doubt(decision, _doubts(key, bucket))
    if decision.verdict is Verdict.IMPLICIT_DENY and _BY_GRANT.issuperset(decision.withheld_by):
        return await _unless_granted(decision, key.arn, role.arn, readers)
    return decision


def _context(
    question: KeyQuestion, key: Arn, own: str, bucket: BucketDocuments, readers: Readers
) -> Mapping[str, tuple[str, ...]]:
    place = question.place
    about: dict[str, tuple[str, ...]] = {}
    if (is_bucket_key := uses_bucket_key(readers.writing, bucket)) is not None:
        arn = bucket_arn(place.bucket) if is_bucket_key else object_arn(place.bucket, place.key)
        about = {_CONTEXT: (str(arn),)}
    return {
        "aws:ResourceAccount": (key.account_id,),
        "kms:CallerAccount": (own,),
        "kms:EncryptionAlgorithm": ("SYMMETRIC_DEFAULT",),
        **about,
        "kms:EncryptionContextKeys": ("aws:s3:arn",),
        "kms:ViaService": (f"s3.{key.region}.amazonaws.com",),
    }


def _unknown_context(bucket: BucketDocuments, readers: Readers) -> tuple[UnknownKey, ...]:
    if uses_bucket_key(readers.writing, bucket) is not None:
        return ()
    error = encryption_unread(bucket)
    why = f"is the bucket's ARN if it uses bucket keys, else the object's, and {error}"
    remedy = "; or ".join(filter(None, (error.remedy, TELL)))
    return (UnknownKey(key=_CONTEXT.lower(), why=why, remedy=remedy),)


async def _binding(key: KeyDocuments, own: str, readers: Readers) -> Control:
    """What the organization of the key's account says of it."""
    if not key.arn.account_id:
        return Control()
    control = of_resource(await readers.organization.control(key.arn.account_id))
    if key.is_of_aws:
        # Resource control policies do not apply to keys that AWS manages.
        return Control(keys=control.keys, unknown=control.unknown)
    if key.is_of_aws is None and key.arn.account_id == own and control.resource.policies:
        # Of another account it does not matter: no key that AWS manages lets other accounts in.
        why = f"it is not known whether AWS manages KMS key {key.arn}, to which none would apply"
        unsure = UnreadLayer(layer=Layer.RESOURCE_CONTROL, why=why, remedy=key.doubt.remedy if key.doubt else "")
        return replace(control, resource=NO_LEVELS, unread=(*control.unread, unsure))
    return control


def _of_some_key(decision: Decision, named: KeyName | None, lack: NotRead) -> Decision:
    """Where it is not known which key, or whether any: no policy that there is can be said to allow or to deny it.

    What else could not be read is not known either, and has its own reasons.
    """
    policies = decision.policies
    held = {layer for layer, listed in layers_of(decision.request, policies) if listed}
    layers = held | {Layer.IDENTITY, Layer.RESOURCE}
    if named is None or not named.is_of_aws:
        layers.add(Layer.RESOURCE_CONTROL)
    others = tuple(one for one in policies.unread if one.layer not in layers)
    whys = (*others, *(unread(layer, lack) for layer in Layer if layer in layers))
    request = replace(decision.request, resource=SOME_KEY)
    return decide_by_its_rule(request, PolicySet(unreadable=policies.unreadable | layers, unread=whys))


def _doubts(key: KeyDocuments, bucket: BucketDocuments) -> tuple[UnreadLayer, ...]:
    """Why the key may be none that S3 can use, whatever the policies allow."""
    found = () if key.doubt is None else (key.doubt,)
    return found if bucket.region else (*found, unread(Layer.RESOURCE, region_unread(str(key.arn), bucket)))


def _in_doubt(decision: Decision, doubts: tuple[UnreadLayer, ...]) -> Decision:
    """The same, UNKNOWN if there is a doubt."""
    if not doubts:
        return decision
    policies = decision.policies
    layers = policies.unreadable.union(one.layer for one in doubts)
    return decide_again(decision, replace(policies, unreadable=layers, unread=(*policies.unread, *doubts)))


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
    layers = decision.withheld_by
    return _in_doubt(decision, tuple(UnreadLayer(layer=layer, why=why, remedy=remedy) for layer in layers))
