"""Groups, and the streams that were made before they had an event, as rows. Any other stream is what its events say."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossdock.core.arns import Arn
from crossdock.operations.records import Records
from crossdock.ports.logs import LogGroupId
from crossdock.ports.state import TableSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroupRecord:
    """`retention_days` None is the house's default, where AWS keeps events for ever."""

    account_id: str
    region: str
    name: str
    created_ms: int
    retention_days: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def group(self) -> LogGroupId:
        return LogGroupId(account_id=self.account_id, region=self.region, name=self.name)

    def kept_days(self, default_days: int) -> int:
        return default_days if self.retention_days is None else self.retention_days


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredStream:
    """A stream that CreateLogStream made: it is there with or without events."""

    name: str
    created_ms: int


GROUPS = Records(TableSpec(name="log_groups"), LogGroupRecord)
"""Key: account, region, name."""

STREAMS = Records(TableSpec(name="log_streams"), DeclaredStream)
"""Key: account, region, group, stream."""


def group_key(group: LogGroupId) -> tuple[str, str, str]:
    return (group.account_id, group.region, group.name)


def group_arn(group: LogGroupId) -> str:
    """Without the `:*` that policies and DescribeLogGroups' `arn` have behind it."""
    return str(
        Arn(service="logs", region=group.region, account_id=group.account_id, resource=f"log-group:{group.name}")
    )


def stream_arn(group: LogGroupId, stream: str) -> str:
    return f"{group_arn(group)}:log-stream:{stream}"
