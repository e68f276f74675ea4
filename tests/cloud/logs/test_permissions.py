"""Who may do what with whose logs, decided by policies as AWS documents them."""

import pytest
from tests.fakes.cloud import call
from tests.fakes.documents import allowing, document, statement, trusting
from tests.fakes.identity import make_identities
from tests.fakes.logs import GROUP, HUB, LogsClient

from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.cloud.logs.table import logs_operations
from crossdock.settings import LogSettings

ARN = f"arn:aws:logs:us-east-1:{HUB}:log-group:{GROUP}"
EVENTS = [{"timestamp": 1773535620000, "message": "m"}]
OF_GROUP = {
    "CreateLogGroup": {},
    "DeleteLogGroup": {},
    "PutRetentionPolicy": {"retentionInDays": 1},
    "DeleteRetentionPolicy": {},
    "DescribeLogStreams": {},
    "FilterLogEvents": {},
}
OF_STREAM = {
    "CreateLogStream": {},
    "DeleteLogStream": {},
    "PutLogEvents": {"logEvents": EVENTS},
    "GetLogEvents": {},
}
OF_TAGS = {"TagResource": {"tags": {"a": "b"}}, "UntagResource": {"tagKeys": ["a"]}, "ListTagsForResource": {}}


async def asked(operation, **params):
    """What is asked of the authoriser, whatever becomes of the call."""
    logs = LogsClient(MemoryLogEvents())
    await logs.attempt(operation, **params)
    return [(permission.action, permission.resource) for permission in logs.authorizer.asked]


@pytest.mark.parametrize("operation", OF_GROUP)
async def test_a_group_is_asked_about_as_its_arn_with_an_empty_stream(operation):
    assert await asked(operation, logGroupName=GROUP, **OF_GROUP[operation]) == [
        (f"logs:{operation}", f"{ARN}:log-stream:")
    ]


@pytest.mark.parametrize("operation", OF_STREAM)
async def test_a_stream_is_asked_about_by_its_own_arn(operation):
    assert await asked(operation, logGroupName=GROUP, logStreamName="s/1", **OF_STREAM[operation]) == [
        (f"logs:{operation}", f"{ARN}:log-stream:s/1")
    ]


@pytest.mark.parametrize("operation", OF_TAGS)
async def test_tags_are_asked_about_by_the_bare_arn(operation):
    assert await asked(operation, resourceArn=ARN, **OF_TAGS[operation]) == [(f"logs:{operation}", ARN)]


async def test_listing_groups_is_asked_of_no_group_and_new_tags_need_an_action_of_their_own():
    assert await asked("DescribeLogGroups", logGroupNamePrefix="/aws") == [
        ("logs:DescribeLogGroups", f"arn:aws:logs:us-east-1:{HUB}:log-group::log-stream:")
    ]
    assert await asked("CreateLogGroup", logGroupName=GROUP, tags={"a": "b"}) == [
        ("logs:CreateLogGroup", f"{ARN}:log-stream:"),
        ("logs:TagResource", ARN),
    ]


async def make_reader(policy):
    """The hub's logs, and a session of a role with this policy."""
    service = logs_operations(events=MemoryLogEvents(), settings=LogSettings())
    house = await make_identities(services=[service])
    for name, tags in ((GROUP, {"team": "a"}), ("other", {"team": "b"})):
        await call(house.operations, house.hub, "logs", "CreateLogGroup", logGroupName=name, tags=tags)
        await call(house.operations, house.hub, "logs", "CreateLogStream", logGroupName=name, logStreamName="s")
    role = await house.role("reader", trusting({"AWS": HUB}))
    await house.iam("PutRolePolicy", RoleName="reader", PolicyName="p", PolicyDocument=policy)
    return house, await house.session(role["Arn"])


async def test_a_policy_with_the_documented_arns_admits_to_its_group_only():
    house, reader = await make_reader(allowing(["logs:FilterLogEvents", "logs:GetLogEvents"], f"{ARN}:*"))
    await call(house.operations, reader, "logs", "FilterLogEvents", logGroupName=GROUP)
    await call(house.operations, reader, "logs", "GetLogEvents", logGroupName=GROUP, logStreamName="s")
    refusal = await house.refused("logs", "FilterLogEvents", by=reader, logGroupName="other")
    assert (refusal.code, refusal.status) == ("AccessDeniedException", 400)
    assert "is not authorized to perform: logs:FilterLogEvents on resource: " in refusal.message
    assert (await house.refused("logs", "DescribeLogGroups", by=reader)).code == "AccessDeniedException"


async def test_a_policy_for_one_stream_does_not_admit_to_another():
    house, reader = await make_reader(allowing("logs:GetLogEvents", f"{ARN}:log-stream:s"))
    await call(house.operations, reader, "logs", "GetLogEvents", logGroupName=GROUP, logStreamName="s")
    refusal = await house.refused("logs", "GetLogEvents", by=reader, logGroupName=GROUP, logStreamName="s2")
    assert refusal.code == "AccessDeniedException"


async def test_who_may_not_read_a_group_does_not_learn_whether_it_is_there():
    house, reader = await make_reader(allowing("logs:FilterLogEvents", f"{ARN}:*"))
    there = await house.refused("logs", "FilterLogEvents", by=reader, logGroupName="other")
    absent = await house.refused("logs", "FilterLogEvents", by=reader, logGroupName="third")
    assert there.message.replace("other", "third") == absent.message


async def test_a_groups_tags_are_a_condition():
    condition = {"StringEquals": {"aws:ResourceTag/team": "a"}}
    policy = document(statement("Allow", "logs:*", "*", condition=condition))
    house, reader = await make_reader(policy)
    await call(house.operations, reader, "logs", "FilterLogEvents", logGroupName=GROUP)
    assert (await house.refused("logs", "FilterLogEvents", by=reader, logGroupName="other")).code == (
        "AccessDeniedException"
    )


async def test_tags_of_a_request_are_a_condition():
    condition = {"StringEquals": {"aws:RequestTag/team": "a"}, "ForAllValues:StringEquals": {"aws:TagKeys": "team"}}
    policy = document(statement("Allow", ["logs:CreateLogGroup", "logs:TagResource"], "*", condition=condition))
    house, reader = await make_reader(policy)
    await call(house.operations, reader, "logs", "CreateLogGroup", logGroupName="new", tags={"team": "a"})
    for tags in ({"team": "b"}, {"team": "a", "more": "x"}):
        refusal = await house.refused("logs", "CreateLogGroup", by=reader, logGroupName="newer", tags=tags)
        assert refusal.code == "AccessDeniedException"


async def test_another_accounts_logs_are_closed_even_to_its_administrator():
    house, _ = await make_reader(allowing("logs:*"))
    refusal = await house.refused("logs", "FilterLogEvents", by=house.partner, logGroupIdentifier=ARN)
    assert refusal.code == "AccessDeniedException"
