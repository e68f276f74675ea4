"""What CloudWatch Logs' operations need: the action on the group or the stream that is meant.

AWS asks about a group as `…:log-group:NAME:log-stream:` with no stream behind it: that is why its documentation has
policies end a group's ARN in `:*`. Only the tagging actions ask about the ARN without anything behind it.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudWatch Logs"; API
Reference, LogGroup, arn and logGroupArn.
"""

from collections.abc import Mapping, Sequence

from crossdock.cloud.logs.finding import identified_group, meant_group
from crossdock.cloud.logs.records import GROUPS, group_arn, group_key, stream_arn
from crossdock.operations.call import Call
from crossdock.operations.operation import Permission, Permissions
from crossdock.ports.logs import LogGroupId

Keys = Mapping[str, tuple[str, ...]]


def on_group(action: str) -> Permissions:
    async def permissions(call: Call) -> Sequence[Permission]:
        group = meant_group(call)
        return [Permission(action=action, resource=stream_arn(group, ""), context=await _resource_tags(call, group))]

    return permissions


def on_stream(action: str) -> Permissions:
    async def permissions(call: Call) -> Sequence[Permission]:
        group = meant_group(call)
        resource = stream_arn(group, call.params["logStreamName"])
        return [Permission(action=action, resource=resource, context=await _resource_tags(call, group))]

    return permissions


def on_new_group(call: Call) -> Sequence[Permission]:
    group = meant_group(call)
    keys = _request_tags(call)
    needed = [Permission(action="logs:CreateLogGroup", resource=stream_arn(group, ""), context=keys)]
    if call.params.get("tags"):
        needed.append(Permission(action="logs:TagResource", resource=group_arn(group), context=keys))
    return needed


def on_all_groups(call: Call) -> Sequence[Permission]:
    every = LogGroupId(account_id=call.account_id, region=call.region, name="")
    return [Permission(action="logs:DescribeLogGroups", resource=stream_arn(every, ""))]


def on_tagged(action: str) -> Permissions:
    """On the group that `resourceArn` names."""

    async def permissions(call: Call) -> Sequence[Permission]:
        group = tagged_group(call)
        context = {**await _resource_tags(call, group), **_request_tags(call)}
        return [Permission(action=action, resource=group_arn(group), context=context)]

    return permissions


def tagged_group(call: Call) -> LogGroupId:
    return identified_group(call, call.params["resourceArn"])


async def _resource_tags(call: Call, group: LogGroupId) -> Keys:
    async with call.reading() as tx:
        record = await GROUPS.get(tx, *group_key(group))
    tags = record.tags if record is not None else {}
    return {f"aws:ResourceTag/{key}": (value,) for key, value in tags.items()}


def _request_tags(call: Call) -> Keys:
    tags: Mapping[str, str] = call.params.get("tags") or {}
    names = (*tags, *call.params.get("tagKeys", ()))
    keys: dict[str, tuple[str, ...]] = {f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}
    return {**keys, "aws:TagKeys": names} if names else keys
