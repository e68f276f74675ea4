"""Streams: declared or born with their first event, by name and by time."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.logs import GROUP, HUB, STREAM, LogsClient, group_id, messages

from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.ports.logs import LogEvent

NO_STREAM = ("ResourceNotFoundException", "The specified log stream does not exist.")


async def pages(logs, **params):
    """The names, page by page."""
    found, token = [], {}
    while True:
        answer = await logs("DescribeLogStreams", logGroupName=GROUP, **params, **token)
        found.append([stream["logStreamName"] for stream in answer["logStreams"]])
        if "nextToken" not in answer:
            return found
        token = {"nextToken": answer["nextToken"]}


async def names(logs, **params):
    return [name for page in await pages(logs, **params) for name in page]


async def born(logs, *streams):
    """Streams that nobody declared, as sessions and functions have them; each a millisecond later than the last."""
    now = logs.now_ms
    await logs.events.append(
        group_id(),
        [
            LogEvent(stream=name, timestamp_ms=now + number, message="m", ingested_ms=now)
            for number, name in enumerate(streams)
        ],
    )


async def test_a_stream_is_told_of_as_aws_tells_it(logs):
    await logs.make(STREAM, "empty")
    made = logs.now_ms
    logs.clock.advance(10)
    await logs.put("a", "b", at=[-3, 4])
    empty, stream = (await logs("DescribeLogStreams", logGroupName=GROUP))["logStreams"]
    arn = f"arn:aws:logs:us-east-1:{HUB}:log-group:{GROUP}:log-stream"
    assert empty == {"logStreamName": "empty", "creationTime": made, "arn": f"{arn}:empty", "storedBytes": 0}
    assert stream == {
        "logStreamName": STREAM,
        "creationTime": made,
        "arn": f"{arn}:{STREAM}",
        "storedBytes": 0,
        "firstEventTimestamp": logs.now_ms - 3,
        "lastEventTimestamp": logs.now_ms + 4,
        "lastIngestionTime": logs.now_ms,
        "uploadSequenceToken": stream["uploadSequenceToken"],
    }


async def test_a_stream_is_made_once_declared_or_not(logs):
    await logs.make("declared")
    await born(logs, "born")
    for name in ("declared", "born"):
        assert await logs.refusal("CreateLogStream", logGroupName=GROUP, logStreamName=name) == (
            "ResourceAlreadyExistsException",
            "The specified log stream already exists",
        )
    await logs("CreateLogStream", logGroupName=GROUP, logStreamName="bor")
    assert await names(logs) == ["bor", "born", "declared"]


async def test_a_deleted_stream_takes_its_events_along_and_no_others(logs):
    await logs.make(STREAM, "other")
    await logs.put("gone")
    await logs.put("stays", stream="other")
    await born(logs, "born")
    await logs("DeleteLogStream", logGroupName=GROUP, logStreamName=STREAM)
    await logs("DeleteLogStream", logGroupName=GROUP, logStreamName="born")
    assert await names(logs) == ["other"]
    assert messages(await logs("FilterLogEvents", logGroupName=GROUP)) == ["stays"]
    assert await logs.refusal("DeleteLogStream", logGroupName=GROUP, logStreamName=STREAM) == NO_STREAM
    assert await logs.refusal("GetLogEvents", logGroupName=GROUP, logStreamName=STREAM) == NO_STREAM


async def test_the_latest_stream_comes_first_when_that_is_asked_for(logs):
    await logs.make("empty")
    await born(logs, "c", "a", "b")
    assert await names(logs, orderBy="LastEventTime", descending=True) == ["b", "a", "c", "empty"]
    assert await pages(logs, orderBy="LastEventTime", descending=True, limit=3) == [["b", "a", "c"], ["empty"]]
    assert await names(logs, orderBy="LastEventTime") == ["empty", "c", "a", "b"]
    assert await names(logs, descending=True) == ["empty", "c", "b", "a"]


async def test_by_time_no_prefix_may_be_given(logs):
    await logs.make()
    params = {"logGroupName": GROUP, "orderBy": "LastEventTime", "logStreamNamePrefix": "a"}
    assert (await logs.refusal("DescribeLogStreams", **params))[0] == "InvalidParameterException"


async def test_a_prefix_finds_declared_and_born_streams_and_the_one_called_just_so(logs):
    await logs.make("user1", "user1.b", "user2.a", "user0", "user1.d")
    await born(logs, "user1.c", "user1.a", "other", "user1.b")
    expected = ["user1", "user1.a", "user1.b", "user1.c", "user1.d"]
    assert await names(logs, logStreamNamePrefix="user1") == expected
    assert await pages(logs, logStreamNamePrefix="user1", limit=2) == [expected[:2], expected[2:4], expected[4:]]
    assert await names(logs, logStreamNamePrefix="user1", descending=True, limit=2) == expected[::-1]
    assert await names(logs, logStreamNamePrefix="none") == []


async def test_a_token_of_another_order_is_refused(logs):
    await logs.make("a", "b")
    token = (await logs("DescribeLogStreams", logGroupName=GROUP, limit=1))["nextToken"]
    params = {"logGroupName": GROUP, "orderBy": "LastEventTime", "nextToken": token}
    assert (await logs.refusal("DescribeLogStreams", **params))[0] == "InvalidParameterException"


@pytest.mark.parametrize("token", ["x", "W10=", "é", "WzFd", "WyJmIl0=", "bnVsbA=="])
async def test_what_is_no_token_is_refused(logs, token):
    await logs.make(STREAM)
    for operation in ("DescribeLogStreams", "FilterLogEvents"):
        code, _ = await logs.refusal(operation, logGroupName=GROUP, nextToken=token)
        assert code == "InvalidParameterException"
    code, _ = await logs.refusal("GetLogEvents", logGroupName=GROUP, logStreamName=STREAM, nextToken=token)
    assert code == "InvalidParameterException"


async def test_a_name_that_is_no_text_is_refused(logs):
    await logs.make()
    for operation in ("CreateLogStream", "DeleteLogStream", "GetLogEvents"):
        code, _ = await logs.refusal(operation, logGroupName=GROUP, logStreamName="a\ud800")
        assert code == "InvalidParameterException"
    for operation in ("DescribeLogStreams", "FilterLogEvents"):
        code, _ = await logs.refusal(operation, logGroupName=GROUP, logStreamNamePrefix="a\ud800")
        assert code == "InvalidParameterException"


@pytest.mark.parametrize("name", ["", "a:b", "a*", "x" * 513])
async def test_a_name_that_aws_refuses_is_refused(logs, name):
    await logs.make()
    code, message = await logs.refusal("CreateLogStream", logGroupName=GROUP, logStreamName=name)
    assert code == "InvalidParameterException"
    assert "logStreamName" in message


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    declared=st.lists(st.text("ab\U00010000\uffff", min_size=1, max_size=3), max_size=6, unique=True),
    born_names=st.lists(st.text("ab\U00010000\uffff", min_size=1, max_size=3), max_size=8),
    prefix=st.text("ab", max_size=2),
    limit=st.integers(1, 4),
    by_time=st.booleans(),
    descending=st.booleans(),
)
async def test_pages_of_streams_agree_with_a_naive_model(declared, born_names, prefix, limit, by_time, descending):
    logs = LogsClient(MemoryLogEvents())
    await logs.make(*declared)
    await born(logs, *born_names)
    times = dict.fromkeys(declared, 0) | {name: number + 1 for number, name in enumerate(born_names)}
    params = {"limit": limit, "descending": descending}
    if by_time:
        params["orderBy"] = "LastEventTime"
        expected = sorted(times, key=lambda name: (times[name], name), reverse=descending)
    else:
        params |= {"logStreamNamePrefix": prefix} if prefix else {}
        expected = sorted((name for name in times if name.startswith(prefix)), reverse=descending)
    found = await pages(logs, **params)
    assert [name for page in found for name in page] == expected
    assert all(len(page) == limit for page in found[:-1])
