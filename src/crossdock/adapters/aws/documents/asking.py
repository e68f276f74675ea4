"""A question to our own engine, put together from documents that were read of two accounts: who asks, and who is asked.

What nobody but the caller knows (its address, say) is not taken as absent: a decision that hangs on it is UNKNOWN.

Sources: IAM User Guide, "AWS global condition context keys"; S3 User Guide, "Amazon S3 policy keys".
"""

from dataclasses import dataclass, replace
from datetime import datetime

from crossdock.adapters.aws.documents.organization import Control
from crossdock.adapters.aws.documents.principals import PrincipalDocuments
from crossdock.operations.caller import Caller, Context, Origin, global_context
from crossdock.operations.operation import Permission
from crossdock.policy.evaluate import (
    AccessRequest,
    Decision,
    Layer,
    NamedPolicy,
    PolicySet,
    PublicAccessBlock,
    UnreadLayer,
)
from crossdock.policy.public_access import would_keep_out
from crossdock.policy.rewriting import decide_by_its_rule
from crossdock.policy.unsure import UnknownKey, without_knowing

TELL = "give --context {key}=VALUE"
"""What to do about a key that nobody knows; `{key}` is filled with the key as a statement has it."""

_ORIGIN = Origin(is_secure=True, via="explain")
_IN_THE_DARK = tuple(
    UnknownKey(key=key, why="only whoever makes the request knows", remedy=TELL)
    for key in (
        "aws:calledvia",
        "aws:calledviafirst",
        "aws:calledvialast",
        "aws:referer",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:useragent",
        "aws:viaawsservice",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:vpcsourceip",
        "s3:existingobjecttag/",
        "s3:requestobjecttag/",
        "s3:requestobjecttagkeys",
        "s3:x-amz-acl",
        "s3:x-amz-content-sha256",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:x-amz-storage-class",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question.

    Args:
        who: the documents of the caller's role or user; None of a service.
        owner: the account that owns the resource; empty where nobody knows it.
        ours: what binds the caller's account, `theirs` what binds the owner's, its keys as they are called for a
            resource.
        resource: the policy of the resource, if it has one.
        unread: why the resource's documents could not be read, as far as they could not.
        unknown: keys whose values are not known, although `caller` and `permission` may have some.
        absent: keys, in lower case, of which it is known that the request has none.
    """

    caller: Caller
    who: PrincipalDocuments | None
    permission: Permission
    owner: str
    region: str
    ours: Control
    theirs: Control
    resource: NamedPolicy | None = None
    public_access: PublicAccessBlock | None = None
    unread: tuple[UnreadLayer, ...] = ()
    unknown: tuple[UnknownKey, ...] = ()
    absent: frozenset[str] = frozenset()


def decide(asked: Asked, *, told: Context, now: datetime) -> Decision:
    """`told` are condition keys that a person has given, which count more than all others."""
    unknown = _unknown(asked)
    known = {
        **global_context(asked.caller, _ORIGIN, region=asked.region, now=now),
        **asked.ours.keys,
        **asked.theirs.keys,
        **asked.permission.context,
    }
    context = {key: values for key, values in known.items() if not any(one.covers(key) for one in asked.unknown)}
    request = AccessRequest(
        principal=asked.caller.principal,
        action=asked.permission.action,
        resource=asked.permission.resource,
        resource_account=asked.owner,
        context={**_without(context, told), **told},
    )
    policies = _policies(asked)
    if not would_keep_out(request, policies):
        policies = _without_layer(policies, Layer.PUBLIC_ACCESS)
    return without_knowing(decide_by_its_rule(request, policies), unknown)


def unknown_id(role: PrincipalDocuments) -> tuple[UnknownKey, ...]:
    """For a session of this role."""
    if role.unique_id:
        return ()
    return (UnknownKey(key="aws:userid", why="begins with the role's id, which is not known", remedy=TELL),)


def _unknown(asked: Asked) -> tuple[UnknownKey, ...]:
    tags = UnknownKey(key="aws:principaltag/", why="is a tag that could not be read", remedy=TELL)
    is_tagged = asked.who is not None and not asked.who.knows_tags
    dark = (one for one in _IN_THE_DARK if one.key not in asked.absent)
    return (*asked.unknown, *asked.ours.unknown, *asked.theirs.unknown, *((tags,) if is_tagged else ()), *dark)


def _policies(asked: Asked) -> PolicySet:
    who = asked.who
    unread = (
        *(who.unread if who is not None else ()),
        *(one for one in asked.ours.unread if one.layer is Layer.SERVICE_CONTROL and who is not None),
        *(one for one in asked.theirs.unread if one.layer is Layer.RESOURCE_CONTROL),
        *asked.unread,
    )
    return PolicySet(
        identity=who.identity if who is not None else (),
        boundary=who.boundary if who is not None else (),
        session=asked.caller.session_policies,
        resource=asked.resource,
        service_control=asked.ours.service.policies,
        service_control_targets=asked.ours.service.targets,
        resource_control=asked.theirs.resource.policies,
        resource_control_targets=asked.theirs.resource.targets,
        public_access=asked.public_access,
        unreadable=frozenset(one.layer for one in unread),
        unread=unread,
    )


def _without_layer(policies: PolicySet, layer: Layer) -> PolicySet:
    unread = tuple(one for one in policies.unread if one.layer is not layer)
    return replace(policies, unreadable=policies.unreadable - {layer}, unread=unread)


def _without(context: Context, told: Context) -> Context:
    names = {key.lower() for key in told}
    return {key: values for key, values in context.items() if key.lower() not in names}
