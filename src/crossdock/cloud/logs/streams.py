"""CreateLogStream, DeleteLogStream and DescribeLogStreams.

A stream that was not made by CreateLogStream, a session's or a function's, is there while one of its events is.

Source: CloudWatch Logs API Reference, the operations of these names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crossdock.cloud.logs.archive import STREAMS_AT_ONCE, Archive
from crossdock.cloud.logs.faults import invalid_parameter, invalid_token, stream_exists
from crossdock.cloud.logs.finding import checked_text, find_group, meant_group
from crossdock.cloud.logs.moments import milliseconds
from crossdock.cloud.logs.records import STREAMS, DeclaredStream, group_key, stream_arn
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.operations.paging import page_key, page_token
from crossdock.ports.logs import LogGroupId, LogStream
from crossdock.ports.state import Key, Transaction

DEFAULT_STREAMS = 50
BY_NAME = "LogStreamName"
BY_TIME = "LastEventTime"
SEQUENCE_TOKEN = f"{1:056d}"
"""PutLogEvents takes any; clients of before 2023 expect one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stream:
    """A declared stream, one with events, or both."""

    name: str
    declared: DeclaredStream | None = None
    held: LogStream | None = None

    @property
    def last_event_ms(self) -> int:
        return self.held.last_event_ms if self.held is not None else 0


async def create_log_stream(archive: Archive, call: Call) -> Result:
    group = meant_group(call)
    name: str = call.params["logStreamName"]
    async with call.reading() as tx:
        await find_group(tx, call, group)
    if await archive.has_stream(call, group, name):
        raise stream_exists()
    async with call.transaction() as tx:
        await find_group(tx, call, group)
        if await STREAMS.get(tx, *group_key(group), name) is not None:
            raise stream_exists()
        declared = DeclaredStream(name=name, created_ms=milliseconds(call.now))
        await STREAMS.put(tx, declared, *group_key(group), name)
    return {}


async def delete_log_stream(archive: Archive, call: Call) -> Result:
    group = meant_group(call)
    name: str = call.params["logStreamName"]
    async with call.reading() as tx:
        await find_group(tx, call, group)
    await archive.require_streams(call, group, [name])
    async with call.transaction() as tx:
        await STREAMS.delete(tx, *group_key(group), name)
    await archive.events.delete(group, stream=name)
    return {}


async def describe_log_streams(archive: Archive, call: Call) -> Result:
    params = call.params
    group = meant_group(call)
    prefix = checked_text(params.get("logStreamNamePrefix", ""))
    order: str = params.get("orderBy", BY_NAME)
    is_descending = bool(params.get("descending"))
    if order == BY_TIME and prefix:
        raise invalid_parameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
    limit: int = params.get("limit", DEFAULT_STREAMS)
    after = _place_of(params.get("nextToken"), order)
    async with call.reading() as tx:
        await find_group(tx, call, group)
    if order == BY_NAME and not is_descending:
        found = await _named(archive, call, group, prefix, after[-1] if after else "", limit + 1)
    else:
        found = await _first(
            archive, call, group, prefix, order=order, is_descending=is_descending, after=after, limit=limit + 1
        )
    answer: dict[str, Any] = {"logStreams": [_described(group, stream) for stream in found[:limit]]}
    if len(found) > limit:
        answer["nextToken"] = page_token((order, *_place(found[limit - 1], order)))
    return answer


def _place(stream: _Stream, order: str) -> tuple[str, ...]:
    return (stream.name,) if order == BY_NAME else (f"{stream.last_event_ms:020d}", stream.name)


def _place_of(token: str | None, order: str) -> Key | None:
    key = page_key(token, error_code="InvalidParameterException")
    if key is None:
        return None
    if key[0] != order or len(key) != (2 if order == BY_NAME else 3):
        raise invalid_token()
    checked_text(key[-1])
    return key[1:]


async def _first(
    archive: Archive,
    call: Call,
    group: LogGroupId,
    prefix: str,
    *,
    order: str,
    is_descending: bool,
    after: Key | None,
    limit: int,
) -> list[_Stream]:
    """The first in an order that is not the keepers' own: all streams are looked at, few are held."""
    best: list[_Stream] = []
    name = ""
    while page := await _named(archive, call, group, prefix, name, STREAMS_AT_ONCE):
        name = page[-1].name
        best += [
            stream
            for stream in page
            if after is None or (_place(stream, order) < after if is_descending else _place(stream, order) > after)
        ]
        best.sort(key=lambda stream: _place(stream, order), reverse=is_descending)
        del best[limit:]
    return best


async def _named(archive: Archive, call: Call, group: LogGroupId, prefix: str, after: str, limit: int) -> list[_Stream]:
    """At most so many streams behind a name, in the order of their names."""
    async with call.reading() as tx:
        declared = await _declared(tx, group, prefix, after, limit)
    held = await archive.events.streams(group, prefix=prefix, after=after, limit=limit)
    known = {stream.name: _Stream(name=stream.name, declared=stream) for stream in declared}
    for stream in held:
        before = known.get(stream.name)
        known[stream.name] = _Stream(name=stream.name, declared=before.declared if before else None, held=stream)
    return [known[name] for name in sorted(known)][:limit]


async def _declared(
    tx: Transaction, group: LogGroupId, prefix: str, after: str, limit: int
) -> Sequence[DeclaredStream]:
    key = group_key(group)
    found: list[DeclaredStream] = []
    if prefix > after:
        # Rows are found behind a key, so what is called just like the prefix is asked for by itself.
        if (exact := await STREAMS.get(tx, *key, prefix)) is not None:
            found.append(exact)
        after = prefix
    page = await STREAMS.page(tx, *key, after=(*key, after) if after else None, limit=limit)
    return [*found, *(stream for stream in page if stream.name.startswith(prefix))][:limit]


def _described(group: LogGroupId, stream: _Stream) -> dict[str, Any]:
    created = [made.created_ms for made in (stream.declared, stream.held) if made is not None]
    answer: dict[str, Any] = {
        "logStreamName": stream.name,
        "creationTime": min(created),
        "arn": stream_arn(group, stream.name),
        # "This parameter is no longer supported for log streams, and is always reported as zero."
        "storedBytes": 0,
    }
    if stream.held is not None:
        answer |= {
            "firstEventTimestamp": stream.held.first_event_ms,
            "lastEventTimestamp": stream.held.last_event_ms,
            "lastIngestionTime": stream.held.last_ingested_ms,
            "uploadSequenceToken": SEQUENCE_TOKEN,
        }
    return answer
