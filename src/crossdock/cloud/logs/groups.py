"""CreateLogGroup, DeleteLogGroup, DescribeLogGroups, PutRetentionPolicy, DeleteRetentionPolicy.

Source: CloudWatch Logs API Reference, the operations of these names.
"""

from dataclasses import replace
from typing import Any

from crossdock.cloud.logs.archive import Archive
from crossdock.cloud.logs.faults import (
    broken_constraint,
    group_exists,
    invalid_parameter,
    invalid_token,
    not_implemented,
)
from crossdock.cloud.logs.finding import find_group, identified_group, meant_group
from crossdock.cloud.logs.moments import milliseconds
from crossdock.cloud.logs.records import GROUPS, STREAMS, LogGroupRecord, group_arn, group_key
from crossdock.cloud.logs.tags import tags_given
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.operations.paging import page_key, page_token
from crossdock.ports.state import VersionConflict

STANDARD = "STANDARD"
DEFAULT_GROUPS = 50
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


async def create_log_group(archive: Archive, call: Call) -> Result:
    _check_supported(call.params)
    group = meant_group(call)
    record = LogGroupRecord(
        account_id=group.account_id,
        region=group.region,
        name=group.name,
        created_ms=milliseconds(call.now),
        tags=tags_given(call.params),
    )
    async with call.reading() as tx:
        if await GROUPS.get(tx, *group_key(group)) is not None:
            raise group_exists()
    # A deletion that a crash interrupted may have left events, which are not the new group's.
    await archive.events.delete(group)
    async with call.transaction() as tx:
        try:
            await GROUPS.put(tx, record, *group_key(group), is_new=True)
        except VersionConflict as error:
            raise group_exists() from error
    return {}


async def delete_log_group(archive: Archive, call: Call) -> Result:
    group = meant_group(call)
    async with call.transaction() as tx:
        await find_group(tx, call, group)
        for stream in await STREAMS.everything(tx, *group_key(group)):
            await STREAMS.delete(tx, *group_key(group), stream.name)
        await GROUPS.delete(tx, *group_key(group))
    await archive.events.delete(group)
    return {}


async def describe_log_groups(archive: Archive, call: Call) -> Result:
    params = call.params
    prefix, pattern = params.get("logGroupNamePrefix", ""), params.get("logGroupNamePattern", "")
    if prefix and pattern:
        raise invalid_parameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    if params.get("logGroupClass", STANDARD) != STANDARD or not _includes_own_account(call):
        return {"logGroups": []}
    wanted = {identified_group(call, identifier).name for identifier in params.get("logGroupIdentifiers", ())}
    after = page_key(params.get("nextToken"), error_code="InvalidParameterException")
    if after is not None and len(after) != 1:
        raise invalid_token()
    async with call.reading() as tx:
        everything = await GROUPS.everything(tx, call.account_id, call.region)
    found = [
        record
        for record in everything
        if record.name.startswith(prefix)
        and pattern in record.name
        and (not wanted or record.name in wanted)
        and (after is None or record.name > after[0])
    ]
    limit: int = params.get("limit", DEFAULT_GROUPS)
    answer: dict[str, Any] = {"logGroups": [await _described(archive, record) for record in found[:limit]]}
    if len(found) > limit:
        answer["nextToken"] = page_token((found[limit - 1].name,))
    return answer


async def put_retention_policy(_archive: Archive, call: Call) -> Result:
    days: int = call.params["retentionInDays"]
    if days not in RETENTION_DAYS:
        known = ", ".join(map(str, RETENTION_DAYS))
        raise broken_constraint("retentionInDays", days, f"satisfy enum value set: [{known}]")
    return await _set_retention(call, days)


async def delete_retention_policy(_archive: Archive, call: Call) -> Result:
    return await _set_retention(call, None)


async def _set_retention(call: Call, days: int | None) -> Result:
    group = meant_group(call)
    async with call.transaction() as tx:
        record = await find_group(tx, call, group)
        await GROUPS.put(tx, replace(record, retention_days=days), *group_key(group))
    return {}


async def _described(archive: Archive, record: LogGroupRecord) -> dict[str, Any]:
    arn = group_arn(record.group)
    answer: dict[str, Any] = {
        "logGroupName": record.name,
        "creationTime": record.created_ms,
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "storedBytes": await archive.stored_bytes(record.group),
        "logGroupClass": STANDARD,
    }
    if record.retention_days is not None:
        answer["retentionInDays"] = record.retention_days
    return answer


def _includes_own_account(call: Call) -> bool:
    """No account is linked to another, so a search of linked accounts finds this one's groups or none."""
    accounts = call.params.get("accountIdentifiers") if call.params.get("includeLinkedAccounts") else None
    return not accounts or call.account_id in accounts


def _check_supported(params: Params) -> None:
    for member in ("kmsKeyId", "deletionProtectionEnabled"):
        if params.get(member):
            raise not_implemented(member)
    if params.get("logGroupClass", STANDARD) != STANDARD:
        raise not_implemented(f"the log group class {params['logGroupClass']}")
