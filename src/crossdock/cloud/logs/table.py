"""CloudWatch Logs as one table."""

from collections.abc import Awaitable, Callable

from crossdock.cloud.logs.archive import Archive
from crossdock.cloud.logs.filtering import filter_log_events
from crossdock.cloud.logs.groups import (
    create_log_group,
    delete_log_group,
    delete_retention_policy,
    describe_log_groups,
    put_retention_policy,
)
from crossdock.cloud.logs.permissions import on_all_groups, on_group, on_new_group, on_stream, on_tagged
from crossdock.cloud.logs.putting import put_log_events
from crossdock.cloud.logs.reading import get_log_events
from crossdock.cloud.logs.streams import create_log_stream, delete_log_stream, describe_log_streams
from crossdock.cloud.logs.tags import list_tags_for_resource, tag_resource, untag_resource
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permissions, Result, ServiceOperations
from crossdock.ports.logs import LogEvents
from crossdock.settings import LogSettings

_Handler = Callable[[Archive, Call], Awaitable[Result]]


def logs_operations(*, events: LogEvents, settings: LogSettings) -> ServiceOperations:
    archive = Archive(events=events, default_days=settings.retention_days)

    def row(handler: _Handler, permissions: Permissions, *, is_data: bool = False) -> Operation:
        async def bound(call: Call) -> Result:
            return await handler(archive, call)

        return Operation(handler=bound, permissions=permissions, is_data=is_data)

    return ServiceOperations(
        service="logs",
        operations={
            "CreateLogGroup": row(create_log_group, on_new_group),
            "DeleteLogGroup": row(delete_log_group, on_group("logs:DeleteLogGroup")),
            "DescribeLogGroups": row(describe_log_groups, on_all_groups),
            "PutRetentionPolicy": row(put_retention_policy, on_group("logs:PutRetentionPolicy")),
            "DeleteRetentionPolicy": row(delete_retention_policy, on_group("logs:DeleteRetentionPolicy")),
            "TagResource": row(tag_resource, on_tagged("logs:TagResource")),
            "UntagResource": row(untag_resource, on_tagged("logs:UntagResource")),
            "ListTagsForResource": row(list_tags_for_resource, on_tagged("logs:ListTagsForResource")),
            "CreateLogStream": row(create_log_stream, on_stream("logs:CreateLogStream")),
            "DeleteLogStream": row(delete_log_stream, on_stream("logs:DeleteLogStream")),
            "DescribeLogStreams": row(describe_log_streams, on_group("logs:DescribeLogStreams")),
            # CloudTrail counts neither among what manages an account.
            "PutLogEvents": row(put_log_events, on_stream("logs:PutLogEvents"), is_data=True),
            "GetLogEvents": row(get_log_events, on_stream("logs:GetLogEvents")),
            "FilterLogEvents": row(filter_log_events, on_group("logs:FilterLogEvents")),
        },
    )
