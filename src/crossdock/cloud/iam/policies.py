"""Managed policies: those an account makes, and, to be looked at, AWS's own."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.iam.documents import check_document
from crossdock.cloud.iam.errors import already_exists, delete_conflict, no_such_policy
from crossdock.cloud.iam.library import AWS_OWNED, PolicyLibrary, policy_arn_or_none
from crossdock.cloud.iam.managed_policies import ManagedPolicy
from crossdock.cloud.iam.names import (
    MAX_POLICY_NAME,
    check_description,
    check_name,
    check_policy_path,
    read_tags,
    tag_list,
)
from crossdock.cloud.iam.pages import listed_page
from crossdock.cloud.iam.records import (
    ATTACHMENTS,
    POLICIES,
    AttachmentKind,
    AttachmentRecord,
    PolicyRecord,
    PolicyVersionRecord,
    find_policy_by_arn,
    fold,
)
from crossdock.core.errors import ServiceError
from crossdock.core.ids import iam_id
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.policy.document import PolicyKind
from crossdock.ports.host import Epoch
from crossdock.ports.state import Transaction


async def require_own_policy(tx: Transaction, call: Call, *, is_write: bool) -> PolicyRecord:
    """The account's own policy that `PolicyArn` names.

    Raises:
        ServiceError: NoSuchEntity; AccessDenied for an attempt to change a policy that belongs to AWS.
    """
    text: str = call.params["PolicyArn"]
    arn = policy_arn_or_none(text)
    if is_write and arn is not None and arn.account_id == AWS_OWNED:
        raise ServiceError("AccessDenied", "Policy is outside your own account.", status=403)
    policy = None
    if arn is not None and arn.account_id == call.account_id:
        policy = await find_policy_by_arn(tx, arn)
    if policy is None:
        raise no_such_policy(text)
    return policy


def shipped_description(policy: ManagedPolicy, *, attachments: int = 0, boundaries: int = 0) -> dict[str, Any]:
    """One of AWS's policies as GetPolicy and ListPolicies show it."""
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.policy_id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.version_id,
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": boundaries,
        "IsAttachable": True,
        "CreateDate": datetime.fromisoformat(policy.created_at),
        "UpdateDate": datetime.fromisoformat(policy.updated_at),
    }


def own_description(policy: PolicyRecord, *, attachments: int = 0, boundaries: int = 0) -> dict[str, Any]:
    """One of the account's policies as ListPolicies shows it: without description and tags."""
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.policy_id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default.version_id,
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": boundaries,
        "IsAttachable": True,
        "CreateDate": policy.created_at,
        "UpdateDate": policy.updated_at,
    }


def _count(uses: Iterable[AttachmentRecord]) -> dict[str, int]:
    """How often a policy is attached and how often it is a boundary, as keyword arguments of the descriptions."""
    kinds = [use.kind for use in uses]
    boundaries = kinds.count(AttachmentKind.BOUNDARY)
    return {"attachments": len(kinds) - boundaries, "boundaries": boundaries}


def _is_asked_for(answer: Mapping[str, Any], params: Params) -> bool:
    """Whether a policy passes the filters of ListPolicies."""
    usage = params.get("PolicyUsageFilter")
    is_attached = answer["AttachmentCount"] > 0
    is_boundary = answer["PermissionsBoundaryUsageCount"] > 0
    return (
        answer["Path"].startswith(params.get("PathPrefix", "/"))
        and (not params.get("OnlyAttached") or is_attached)
        and (usage != "PermissionsPolicy" or is_attached)
        and (usage != "PermissionsBoundary" or is_boundary)
    )


class Policies:
    """The operations on managed policies as a whole; their versions are in `policy_versions`."""

    def __init__(self, *, epoch: Epoch, library: PolicyLibrary) -> None:
        self._epoch = epoch
        self._library = library

    async def create(self, call: Call) -> Result:
        params = call.params
        name: str = params["PolicyName"]
        path: str = params.get("Path", "/")
        check_name("policyName", name, max_chars=MAX_POLICY_NAME)
        check_policy_path(path)
        check_description(params.get("Description", ""))
        check_document(params["PolicyDocument"], PolicyKind.MANAGED)
        now = call.now.replace(microsecond=0)
        policy = PolicyRecord(
            account_id=call.account_id,
            name=name,
            path=path,
            policy_id=iam_id("ANPA", call.house.entropy),
            created_at=now,
            updated_at=now,
            versions=(PolicyVersionRecord(number=1, document=params["PolicyDocument"], created_at=now),),
            description=params.get("Description", ""),
            tags=read_tags(params.get("Tags", ())),
        )
        async with policy_transaction(call, self._epoch) as tx:
            if await POLICIES.get(tx, call.account_id, fold(name)) is not None:
                raise already_exists(f"A policy called {name} already exists. Duplicate names are not allowed.")
            await POLICIES.put(tx, policy, call.account_id, fold(name))
        answer = own_description(policy)
        if policy.tags:
            answer["Tags"] = tag_list(policy.tags)
        return {"Policy": answer}

    async def get(self, call: Call) -> Result:
        policy_arn: str = call.params["PolicyArn"]
        async with call.reading() as tx:
            uses = _count(await ATTACHMENTS.everything(tx, call.account_id, policy_arn))
            if (shipped := self._library.shipped.get(policy_arn)) is not None:
                answer = shipped_description(shipped, **uses)
                return {"Policy": answer | {"Description": shipped.description, "Tags": []}}
            policy = await require_own_policy(tx, call, is_write=False)
        answer = own_description(policy, **uses) | {"Tags": tag_list(policy.tags)}
        if policy.description:
            answer["Description"] = policy.description
        return {"Policy": answer}

    async def list(self, call: Call) -> Result:
        params = call.params
        scope: str = params.get("Scope", "All")
        async with call.reading() as tx:
            own = await POLICIES.everything(tx, call.account_id)
            uses: defaultdict[str, list[AttachmentRecord]] = defaultdict(list)
            for use in await ATTACHMENTS.everything(tx, call.account_id):
                uses[use.policy_arn].append(use)
        found: list[dict[str, Any]] = []
        if scope != "Local":
            found += [shipped_description(p, **_count(uses[p.arn])) for p in self._library.shipped.values()]
        if scope != "AWS":
            found += [own_description(p, **_count(uses[p.arn])) for p in own]
        policies, page = listed_page([(p["Arn"], p) for p in found if _is_asked_for(p, params)], params)
        return {"Policies": policies, **page}

    async def delete(self, call: Call) -> Result:
        async with policy_transaction(call, self._epoch) as tx:
            policy = await require_own_policy(tx, call, is_write=True)
            if await ATTACHMENTS.page(tx, policy.account_id, policy.arn, limit=1):
                raise delete_conflict("Cannot delete a policy attached to entities.")
            if len(policy.versions) > 1:
                raise delete_conflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                    "versions. The default version is deleted with the policy."
                )
            await POLICIES.delete(tx, policy.account_id, fold(policy.name))
        return {}
