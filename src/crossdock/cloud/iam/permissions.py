"""What IAM's operations need: the action on the role, policy or user that is meant, by its full ARN.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity and Access
Management (IAM)".
"""

from collections.abc import Mapping, Sequence

from crossdock.cloud.iam.library import policy_arn_or_none
from crossdock.cloud.iam.records import find_policy_by_arn, find_role, find_role_by_arn, find_user
from crossdock.cloud.iam.simulated_callers import entity_arn
from crossdock.core.arns import Arn
from crossdock.operations.call import Call
from crossdock.operations.caller import Context
from crossdock.operations.operation import Permission, Permissions


def on_role(action: str) -> Permissions:
    """On the role that `RoleName` names, its path included; on the bare name when there is none."""

    async def permissions(call: Call) -> Sequence[Permission]:
        name: str = call.params["RoleName"]
        async with call.reading() as tx:
            role = await find_role(tx, call.account_id, name)
        context: dict[str, tuple[str, ...]] = dict(_request_context(call))
        if role is None:
            arn = str(Arn(service="iam", account_id=call.account_id, resource=f"role/{name}"))
        else:
            arn = role.arn
            context |= _resource_tags(role.tags)
            if role.boundary:
                context.setdefault("iam:PermissionsBoundary", (role.boundary,))
        return [Permission(action=action, resource=arn, context=context)]

    return permissions


def on_new(kind: str, *, action: str, tag_action: str) -> Permissions:
    """On a role or policy that is about to be made; tags that come with it need their own action too."""

    def permissions(call: Call) -> Sequence[Permission]:
        name = call.params["RoleName" if kind == "role" else "PolicyName"]
        path = call.params.get("Path", "/")
        arn = str(Arn(service="iam", account_id=call.account_id, resource=f"{kind}{path}{name}"))
        context = _request_context(call)
        needed = [Permission(action=action, resource=arn, context=context)]
        if call.params.get("Tags"):
            needed.append(Permission(action=tag_action, resource=arn, context=context))
        return needed

    return permissions


def on_policy(action: str) -> Permissions:
    """On the managed policy that `PolicyArn` names."""

    async def permissions(call: Call) -> Sequence[Permission]:
        text: str = call.params["PolicyArn"]
        arn = policy_arn_or_none(text)
        context: dict[str, tuple[str, ...]] = dict(_request_context(call))
        context.pop("iam:PolicyARN", None)
        if arn is not None and arn.account_id == call.account_id:
            async with call.reading() as tx:
                policy = await find_policy_by_arn(tx, arn)
            context |= _resource_tags(policy.tags if policy else {})
        return [Permission(action=action, resource=text, context=context)]

    return permissions


def on_user(action: str) -> Permissions:
    """On the user that `UserName` names, or on the caller itself."""

    async def permissions(call: Call) -> Sequence[Permission]:
        name = call.params.get("UserName")
        if name is None:
            return [Permission(action=action, resource=call.caller.principal.arn)]
        async with call.reading() as tx:
            user = await find_user(tx, call.account_id, name)
        arn = str(Arn(service="iam", account_id=call.account_id, resource=f"user/{name}"))
        return [Permission(action=action, resource=user.arn if user else arn)]

    return permissions


def on_entity(action: str) -> Permissions:
    """On the user or role that `PolicySourceArn` names, in whichever account, with the tags of a role of this one."""

    async def permissions(call: Call) -> Sequence[Permission]:
        arn = entity_arn(call.params["PolicySourceArn"])
        context: Context = {}
        if arn.account_id == call.account_id:
            async with call.reading() as tx:
                role = await find_role_by_arn(tx, arn)
            context = _resource_tags(role.tags if role else {})
        return [Permission(action=action, resource=str(arn), context=context)]

    return permissions


def on_all(kind: str, *, action: str) -> Permissions:
    """On everything of a kind below `PathPrefix`, as the List operations ask."""

    def permissions(call: Call) -> Sequence[Permission]:
        prefix = call.params.get("PathPrefix", "/")
        arn = str(Arn(service="iam", account_id=call.account_id, resource=f"{kind}{prefix}"))
        return [Permission(action=action, resource=arn)]

    return permissions


def _request_context(call: Call) -> Context:
    context: dict[str, tuple[str, ...]] = {}
    if (boundary := call.params.get("PermissionsBoundary")) is not None:
        context["iam:PermissionsBoundary"] = (boundary,)
    if (policy_arn := call.params.get("PolicyArn")) is not None:
        context["iam:PolicyARN"] = (policy_arn,)
    tags = call.params.get("Tags", ())
    keys = [tag["Key"] for tag in tags] + list(call.params.get("TagKeys", ()))
    if keys:
        context["aws:TagKeys"] = tuple(keys)
    for tag in tags:
        context[f"aws:RequestTag/{tag['Key']}"] = (tag["Value"],)
    return context


def _resource_tags(tags: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {f"{prefix}:ResourceTag/{key}": (value,) for key, value in tags.items() for prefix in ("aws", "iam")}
