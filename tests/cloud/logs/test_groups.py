"""Log groups: made, told of, kept for so many days, deleted."""

import asyncio

import pytest
from tests.fakes.logs import GROUP, HUB, PARTNER, STREAM, LogsClient, group_id, messages

from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.cloud.logs.groups import RETENTION_DAYS
from crossdock.operations.audit import AUDIT
from crossdock.ports.logs import LogEvent

ARN = f"arn:aws:logs:us-east-1:{HUB}:log-group:{GROUP}"
NO_GROUP = ("ResourceNotFoundException", "The specified log group does not exist.")


async def names(logs, **params):
    return [group["logGroupName"] for group in (await logs("DescribeLogGroups", **params))["logGroups"]]


async def test_a_group_is_told_of_as_aws_tells_it(logs):
    await logs.make(STREAM)
    await logs.put("four")
    assert (await logs("DescribeLogGroups"))["logGroups"] == [
        {
            "logGroupName": GROUP,
            "creationTime": logs.now_ms,
            "metricFilterCount": 0,
            "arn": f"{ARN}:*",
            "logGroupArn": ARN,
            "storedBytes": 4 + 26,
            "logGroupClass": "STANDARD",
        }
    ]


async def test_a_group_is_made_once_and_belongs_to_its_account_and_region(logs):
    await logs.make()
    assert await logs.refusal("CreateLogGroup", logGroupName=GROUP) == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    await logs("CreateLogGroup", logGroupName=GROUP, account=PARTNER)
    await logs("CreateLogGroup", logGroupName=GROUP, region="eu-west-1")
    await logs("DeleteLogGroup", logGroupName=GROUP)
    assert await names(logs) == []
    assert await names(logs, account=PARTNER) == await names(logs, region="eu-west-1") == [GROUP]


async def test_groups_are_found_by_prefix_by_pattern_and_by_name(logs):
    for name in ("/aws/lambda/idp", "/aws/transfer/s-1", "/aws/transfer/s-2", "IDP"):
        await logs.make(group=name)
    assert await names(logs) == ["/aws/lambda/idp", "/aws/transfer/s-1", "/aws/transfer/s-2", "IDP"]
    assert await names(logs, logGroupNamePrefix="/aws/transfer/") == ["/aws/transfer/s-1", "/aws/transfer/s-2"]
    assert await names(logs, logGroupNamePattern="idp") == ["/aws/lambda/idp"]
    assert await names(logs, logGroupIdentifiers=["IDP", "none"]) == ["IDP"]
    assert await names(logs, logGroupClass="INFREQUENT_ACCESS") == []
    both = {"logGroupNamePrefix": "/aws", "logGroupNamePattern": "idp"}
    assert (await logs.refusal("DescribeLogGroups", **both))[0] == "InvalidParameterException"


async def test_no_account_is_linked_to_another(logs):
    await logs.make()
    await logs("CreateLogGroup", logGroupName=GROUP, account=PARTNER)
    assert await names(logs, includeLinkedAccounts=True) == [GROUP]
    assert await names(logs, includeLinkedAccounts=True, accountIdentifiers=[HUB]) == [GROUP]
    assert await names(logs, includeLinkedAccounts=True, accountIdentifiers=[PARTNER]) == []


async def test_groups_come_in_pages(logs):
    made = [f"g{number:02}" for number in range(7)]
    for name in made:
        await logs.make(group=name)
    found, token = [], {}
    while True:
        answer = await logs("DescribeLogGroups", limit=3, **token)
        found.append([group["logGroupName"] for group in answer["logGroups"]])
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    assert found == [made[:3], made[3:6], made[6:]]


async def test_retention_is_one_of_awss_numbers_and_can_be_taken_back(logs):
    await logs.make()
    for days in RETENTION_DAYS:
        await logs("PutRetentionPolicy", logGroupName=GROUP, retentionInDays=days)
        assert (await logs("DescribeLogGroups"))["logGroups"][0]["retentionInDays"] == days
    for days in (0, -1, 2, 31, 4000):
        code, message = await logs.refusal("PutRetentionPolicy", logGroupName=GROUP, retentionInDays=days)
        assert code == "InvalidParameterException"
        assert f"Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must" in message
    await logs("DeleteRetentionPolicy", logGroupName=GROUP)
    assert "retentionInDays" not in (await logs("DescribeLogGroups"))["logGroups"][0]


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("DeleteLogGroup", {}),
        ("PutRetentionPolicy", {"retentionInDays": 1}),
        ("DeleteRetentionPolicy", {}),
        ("CreateLogStream", {"logStreamName": "s"}),
        ("DeleteLogStream", {"logStreamName": "s"}),
        ("DescribeLogStreams", {}),
        ("PutLogEvents", {"logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]}),
        ("GetLogEvents", {"logStreamName": "s"}),
        ("FilterLogEvents", {}),
    ],
)
async def test_what_needs_a_group_says_that_there_is_none(logs, operation, params):
    assert await logs.refusal(operation, logGroupName=GROUP, **params) == NO_GROUP


async def test_a_group_that_is_made_anew_has_nothing_of_the_old_one(logs):
    await logs.make(STREAM)
    await logs.put("old")
    await logs("PutRetentionPolicy", logGroupName=GROUP, retentionInDays=1)
    await logs("DeleteLogGroup", logGroupName=GROUP)
    await logs.make()
    assert (await logs("DescribeLogStreams", logGroupName=GROUP))["logStreams"] == []
    assert messages(await logs("FilterLogEvents", logGroupName=GROUP)) == []
    (group,) = (await logs("DescribeLogGroups"))["logGroups"]
    assert group["storedBytes"] == 0
    assert "retentionInDays" not in group


async def test_events_that_an_interrupted_deletion_left_are_not_the_new_groups(logs):
    await logs.events.append(group_id(), [LogEvent(stream=STREAM, timestamp_ms=logs.now_ms, message="old")])
    await logs.make()
    assert messages(await logs("FilterLogEvents", logGroupName=GROUP)) == []


async def test_what_is_not_implemented_is_refused_and_makes_nothing(logs):
    for params in ({"kmsKeyId": "k"}, {"deletionProtectionEnabled": True}, {"logGroupClass": "DELIVERY"}):
        code, message = await logs.refusal("CreateLogGroup", logGroupName=GROUP, **params)
        assert code == "InvalidParameterException"
        assert message.startswith("Crossdock does not implement")
    assert await names(logs) == []


@pytest.mark.parametrize("name", ["", "a b", "a:b", "x" * 513, "ü"])
async def test_a_name_that_aws_refuses_is_refused(logs, name):
    code, message = await logs.refusal("CreateLogGroup", logGroupName=name)
    assert code == "InvalidParameterException"
    assert "logGroupName" in message


async def test_changes_are_audited_and_puts_are_not():
    logs = LogsClient(MemoryLogEvents())
    await logs.make(STREAM)
    await logs.put("one")
    async with logs.house.state.reading() as tx:
        rows = await tx.table(AUDIT).page()
    assert sorted(str(row.value["eventName"]) for row in rows) == ["CreateLogGroup", "CreateLogStream"]


async def test_of_two_who_make_a_group_or_a_stream_at_once_one_is_told_that_it_exists(logs):
    async def both(operation, **params):
        answers = await asyncio.gather(logs.attempt(operation, **params), logs.attempt(operation, **params))
        return sorted(code for _, code in answers)

    expected = ["", "ResourceAlreadyExistsException"]
    assert await both("CreateLogGroup", logGroupName=GROUP) == expected
    assert await both("CreateLogStream", logGroupName=GROUP, logStreamName=STREAM) == expected


async def test_a_token_of_another_operation_is_refused(logs):
    await logs.make("a", "b")
    token = (await logs("DescribeLogStreams", logGroupName=GROUP, limit=1))["nextToken"]
    assert (await logs.refusal("DescribeLogGroups", nextToken=token))[0] == "InvalidParameterException"
