"""Where what functions print goes: `/aws/lambda/NAME` of the function's account and region.

On AWS the execution role must allow it; here every function has its log.
"""

from collections.abc import Sequence

from crossdock.cloud.lambda_.describing import LOG_GROUP_PREFIX
from crossdock.cloud.logs.writer import LogWriter
from crossdock.ports.functions import FunctionSpec
from crossdock.ports.logs import LogGroupId


def function_log_group(function: FunctionSpec) -> LogGroupId:
    return LogGroupId(account_id=function.account_id, region=function.region, name=LOG_GROUP_PREFIX + function.name)


class EmbeddedFunctionLog:
    """Implements `ports.functions.FunctionLog`."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

    def write(self, function: FunctionSpec, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        self._writer.write(function_log_group(function), stream, lines)
