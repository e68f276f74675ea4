"""FilterLogEvents, as itself and as `aws logs tail` uses it."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.logs import GROUP, STREAM, LogsClient, group_id, messages

from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.ports.logs import LogEvent


async def find(logs, **params):
    return await logs("FilterLogEvents", logGroupName=GROUP, **params)


async def all_pages(logs, **params):
    found, token = [], {}
    while True:
        answer = await find(logs, **params, **token)
        found.append(messages(answer))
        if "nextToken" not in answer:
            return found
        token = {"nextToken": answer["nextToken"]}


async def test_events_of_all_streams_are_interleaved_each_with_an_id_of_its_own(logs):
    await logs.make("a", "b")
    await logs.put("1", "3", at=[1, 3], stream="a")
    await logs.put("2", "4", at=[2, 4], stream="b")
    answer = await find(logs)
    assert messages(answer) == ["1", "2", "3", "4"]
    assert answer["searchedLogStreams"] == []
    assert "nextToken" not in answer
    first = answer["events"][0]
    assert {**first, "eventId": ""} == {
        "logStreamName": "a",
        "timestamp": logs.now_ms + 1,
        "message": "1",
        "ingestionTime": logs.now_ms,
        "eventId": "",
    }
    assert len({event["eventId"] for event in answer["events"]}) == 4
    assert (await find(logs))["events"] == answer["events"]


async def test_streams_are_chosen_by_name_or_by_prefix(logs):
    await logs.make("user1.a", "user1.b", "user2.a")
    for name in ("user1.a", "user1.b", "user2.a"):
        await logs.put(name, stream=name)
    assert messages(await find(logs, logStreamNames=["user2.a", "user1.a"])) == ["user1.a", "user2.a"]
    assert messages(await find(logs, logStreamNamePrefix="user1.")) == ["user1.a", "user1.b"]
    assert await find(logs, logStreamNamePrefix="none") == {"events": [], "searchedLogStreams": []}
    both = {"logGroupName": GROUP, "logStreamNames": ["user1.a"], "logStreamNamePrefix": "user1"}
    assert (await logs.refusal("FilterLogEvents", **both))[0] == "InvalidParameterException"
    assert await logs.refusal("FilterLogEvents", logGroupName=GROUP, logStreamNames=["user1.a", "none"]) == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )


async def test_a_prefix_of_very_many_streams_finds_just_their_events(logs):
    await logs.make()
    wanted = [f"user1.{number:03}" for number in range(120)]
    await logs.events.append(
        group_id(),
        [LogEvent(stream=name, timestamp_ms=logs.now_ms, message=name) for name in ["other", *wanted, "user2"]],
    )
    assert messages(await find(logs, logStreamNamePrefix="user1.")) == wanted


async def test_both_ends_of_the_time_count(logs):
    await logs.make(STREAM)
    await logs.put(*"abcd", at=range(4))
    now = logs.now_ms
    assert messages(await find(logs, startTime=now + 1, endTime=now + 2)) == ["b", "c"]
    assert messages(await find(logs, startTime=now + 3, endTime=(1 << 63) - 1)) == ["d"]
    params = {"logGroupName": GROUP, "startTime": now + 1, "endTime": now}
    assert (await logs.refusal("FilterLogEvents", **params))[0] == "InvalidParameterException"


async def test_only_events_that_match_are_given_and_counted(logs):
    await logs.make(STREAM)
    await logs.put(*(f"{'ERROR' if number % 3 == 0 else 'fine'} {number}" for number in range(10)))
    assert await all_pages(logs, filterPattern="ERROR", limit=2) == [["ERROR 0", "ERROR 3"], ["ERROR 6", "ERROR 9"]]
    assert await all_pages(logs, filterPattern="WARN") == [[]]


async def test_a_sessions_errors_are_found_by_their_activity(logs):
    await logs.make(STREAM)
    await logs.put(
        *(json.dumps({"activity-type": kind, "path": "/b/k"}) for kind in ("CONNECTED", "ERROR", "DISCONNECTED"))
    )
    (found,) = messages(await find(logs, filterPattern='{ $.activity-type = "ERROR" }'))
    assert json.loads(found)["activity-type"] == "ERROR"


async def test_the_newest_come_first_when_asked_for_and_the_token_keeps_the_direction(logs):
    await logs.make(STREAM)
    await logs.put(*"abcde", at=range(5))
    assert await all_pages(logs, startFromHead=False, limit=2) == [["e", "d"], ["c", "b"], ["a"]]
    token = (await find(logs, startFromHead=False, limit=2))["nextToken"]
    assert messages(await find(logs, startFromHead=True, limit=2, nextToken=token)) == ["c", "b"]
    before_2024 = {"logGroupName": GROUP, "startFromHead": False, "startTime": 1_704_067_199_999}
    assert (await logs.refusal("FilterLogEvents", **before_2024))[0] == "InvalidParameterException"


async def test_a_search_that_is_too_long_for_one_page_goes_on_behind_its_token():
    logs = LogsClient(MemoryLogEvents())
    await logs.make(STREAM)
    texts = [*["fine"] * 45_000, "ERROR", *["fine"] * 9_000]
    await logs.events.append(
        group_id(), [LogEvent(stream=STREAM, timestamp_ms=logs.now_ms, message=text) for text in texts]
    )
    assert await all_pages(logs, filterPattern="ERROR") == [[], [], ["ERROR"]]


async def test_an_unknown_pattern_is_refused_even_where_there_is_nothing_to_match(logs):
    await logs.make()
    code, message = await logs.refusal("FilterLogEvents", logGroupName=GROUP, filterPattern="[ip, user]")
    assert code == "InvalidParameterException"
    assert "Invalid filter pattern" in message


async def test_following_as_aws_logs_tail_does_shows_every_event_once(logs):
    await logs.make("a", "b")
    params = {"interleaved": True, "startTime": logs.now_ms - 600_000}
    shown, seen = [], set()

    async def poll():
        token = {}
        while True:
            answer = await find(logs, **params, **token)
            for event in answer["events"]:
                if event["eventId"] not in seen:
                    seen.add(event["eventId"])
                    shown.append(event["message"])
                    params["startTime"] = max(params["startTime"], event["timestamp"])
            if "nextToken" not in answer:
                return
            token = {"nextToken": answer["nextToken"]}

    await poll()
    await logs.put("1", stream="a")
    await poll()
    await logs.put("2", stream="b")
    await logs.put("3", at=[1], stream="a")
    await poll()
    await poll()
    assert shown == ["1", "2", "3"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=1, max_size=70))
async def test_any_text_is_a_token_or_refused(token):
    logs = LogsClient(MemoryLogEvents())
    await logs.make(STREAM)
    await logs.put("a")
    for operation in ("FilterLogEvents", "DescribeLogStreams"):
        _, code = await logs.attempt(operation, logGroupName=GROUP, nextToken=token)
        assert code in ("", "InvalidParameterException")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    events=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["ERROR x", "ok"])), max_size=12),
    limit=st.integers(1, 4),
    stream=st.sampled_from(["", "a"]),
    pattern=st.sampled_from(["", "ERROR", "-ERROR"]),
    newest_first=st.booleans(),
)
async def test_pages_agree_with_a_naive_model(events, limit, stream, pattern, newest_first):
    logs = LogsClient(MemoryLogEvents())
    await logs.make("a", "b")
    numbered = [(name, f"{message} {number}") for number, (name, message) in enumerate(events)]
    for number, (name, message) in enumerate(numbered):
        await logs.put(message, at=[number], stream=name)
    expected = [
        message
        for name, message in numbered
        if (not stream or name == stream) and (pattern == "" or ("ERROR" in message) == (pattern == "ERROR"))
    ]
    params = {"limit": limit, "filterPattern": pattern, "startFromHead": not newest_first}
    if stream:
        params["logStreamNames"] = [stream]
    found = await all_pages(logs, **params)
    assert [message for page in found for message in page] == (expected[::-1] if newest_first else expected)
