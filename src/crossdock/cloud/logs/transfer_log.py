"""Where Transfer's sessions are logged: `/aws/transfer/<server-id>` of the server's account and region.

On AWS that takes a logging role or a structured log destination; here every server has its log.
"""

import json
from collections.abc import Iterable, Mapping

from crossdock.cloud.logs.moments import milliseconds
from crossdock.core.servers import Server
from crossdock.ports.host import Clock
from crossdock.ports.logs import LogGroupId, LogLines
from crossdock.ports.state import JsonValue


def transfer_log_group(server: Server) -> LogGroupId:
    return LogGroupId(account_id=server.account_id, region=server.region, name=f"/aws/transfer/{server.server_id}")


class EmbeddedTransferLog:
    """See `ports.authority.TransferLog`."""

    def __init__(self, *, writer: LogLines, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock

    def record(self, server: Server, stream: str, event: Mapping[str, JsonValue]) -> None:
        self._writer.write(
            transfer_log_group(server), stream, [(milliseconds(self._clock.now()), _ENCODER.encode(event))]
        )


def _plain(value: object) -> JsonValue:
    """What `json` does not take for an object or an array."""
    match value:
        case Mapping():
            return dict(value)
        case Iterable():
            return list(value)
        case _:
            return str(value)


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=_plain)
