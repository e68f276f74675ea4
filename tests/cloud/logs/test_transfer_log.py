"""Sessions in the log group of their server."""

import json
from dataclasses import replace
from types import MappingProxyType

from tests.fakes.logins import ROLE, SERVER, make_attempt
from tests.fakes.logs import PARTNER, LogsClient, messages

from crossdock.cloud.logs.group_sink import GroupSink
from crossdock.cloud.logs.transfer_log import EmbeddedTransferLog, transfer_log_group
from crossdock.cloud.logs.writer import LogWriter
from crossdock.core.homes import PathHome
from crossdock.core.ids import AccountId
from crossdock.files.session_log import ERRORS_STREAM, Direction, Mode, SessionLog, auth_failure
from crossdock.ports.authority import TransferLog

GROUP = f"/aws/transfer/{SERVER.server_id}"


def make_log(logs: LogsClient) -> tuple[LogWriter, TransferLog]:
    writer = LogWriter(sink=GroupSink(events=logs.events, state=logs.house.state, clock=logs.clock), clock=logs.clock)
    return writer, EmbeddedTransferLog(writer=writer, clock=logs.clock)


async def test_a_session_is_a_stream_of_json_lines_in_its_order(events):
    logs = LogsClient(events)
    writer, log = make_log(logs)
    session = SessionLog(log=log, server=SERVER, username="user1", session_id="9ca9a0e1cec6ad9d")
    session.connected(source_ip="192.0.2.1", home=PathHome(root="/b"), role_arn=ROLE, session_policy=None)
    session.opened("/b/é", Mode.WRITE)
    session.closed("/b/é", Direction.IN, 121)
    logs.clock.advance(1)
    session.disconnected()
    await writer.close()
    found = await logs("GetLogEvents", logGroupName=GROUP, logStreamName=session.stream, startFromHead=True)
    lines = [json.loads(message) for message in messages(found)]
    assert [line["activity-type"] for line in lines] == ["CONNECTED", "OPEN", "CLOSE", "DISCONNECTED"]
    assert lines[2] == {
        "activity-type": "CLOSE",
        "resource-arn": str(SERVER.arn),
        "session-id": "9ca9a0e1cec6ad9d",
        "path": "/b/é",
        "bytes-in": "121",
    }
    assert [logs.now_ms - event["timestamp"] for event in found["events"]] == [1000, 1000, 1000, 0]
    assert "\n" not in messages(found)[0]
    assert '"path":"/b/é"' in messages(found)[1]


async def test_refused_logins_are_found_as_an_operator_looks_for_them(events):
    logs = LogsClient(events)
    writer, log = make_log(logs)
    log.record(SERVER, ERRORS_STREAM, auth_failure(SERVER, make_attempt("user9"), "no such user"))
    log.record(SERVER, "user1.1", {"activity-type": "CONNECTED"})
    await writer.close()
    (found,) = (
        await logs("FilterLogEvents", logGroupName=GROUP, filterPattern='{ $.activity-type = "AUTH_FAILURE" }')
    )["events"]
    assert found["logStreamName"] == "ERRORS"
    assert json.loads(found["message"])["message"] == "no such user"


async def test_the_log_lies_in_the_account_and_region_of_the_server(events):
    logs = LogsClient(events)
    writer, log = make_log(logs)
    log.record(replace(SERVER, account_id=AccountId(PARTNER), region="eu-west-1"), "s", {"activity-type": "CONNECTED"})
    await writer.close()
    assert (await logs("DescribeLogGroups"))["logGroups"] == []
    answer = await logs("FilterLogEvents", logGroupName=GROUP, account=PARTNER, region="eu-west-1")
    assert messages(answer) == ['{"activity-type":"CONNECTED"}']


async def test_nothing_that_an_event_holds_makes_it_fail(events):
    logs = LogsClient(events)
    writer, log = make_log(logs)
    inner = MappingProxyType({"n": (1, range(2)), "o": object})
    log.record(SERVER, "s", {"user": "a\udcff\x00", "inner": inner})  # type: ignore[dict-item]
    await writer.close()
    (line,) = messages(await logs("FilterLogEvents", logGroupName=GROUP))
    assert json.loads(line) == {"user": "a?\x00", "inner": {"n": [1, [0, 1]], "o": "<class 'object'>"}}


def test_a_server_has_the_group_that_aws_gives_it():
    assert transfer_log_group(SERVER).name == f"/aws/transfer/{SERVER.server_id}"
