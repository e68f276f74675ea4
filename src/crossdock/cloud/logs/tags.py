"""TagResource, UntagResource, ListTagsForResource, and the rules for tags.

Source: CloudWatch Logs API Reference, TagResource.
"""

from collections.abc import Mapping
from dataclasses import replace

from crossdock.cloud.logs.archive import Archive
from crossdock.cloud.logs.faults import invalid_parameter
from crossdock.cloud.logs.finding import find_group
from crossdock.cloud.logs.permissions import tagged_group
from crossdock.cloud.logs.records import GROUPS, group_key
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result

MAX_TAGS = 50


def tags_given(params: Params) -> dict[str, str]:
    """The `tags` of a request. Raises ServiceError InvalidParameterException."""
    tags: Mapping[str, str] = params.get("tags") or {}
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid_parameter("A tag key must not begin with aws:.")
    return dict(tags)


async def tag_resource(_archive: Archive, call: Call) -> Result:
    given = tags_given(call.params)
    group = tagged_group(call)
    async with call.transaction() as tx:
        record = await find_group(tx, call, group)
        tags = {**record.tags, **given}
        if len(tags) > MAX_TAGS:
            raise ServiceError("TooManyTagsException", f"A log group can have at most {MAX_TAGS} tags.")
        await GROUPS.put(tx, replace(record, tags=tags), *group_key(group))
    return {}


async def untag_resource(_archive: Archive, call: Call) -> Result:
    unwanted = set(call.params["tagKeys"])
    group = tagged_group(call)
    async with call.transaction() as tx:
        record = await find_group(tx, call, group)
        tags = {key: value for key, value in record.tags.items() if key not in unwanted}
        await GROUPS.put(tx, replace(record, tags=tags), *group_key(group))
    return {}


async def list_tags_for_resource(_archive: Archive, call: Call) -> Result:
    async with call.reading() as tx:
        record = await find_group(tx, call, tagged_group(call))
    return {"tags": dict(record.tags)}
