"""Which log group a request means: by name, or by a `logGroupIdentifier` that is a name or an ARN.

Source: CloudWatch Logs API Reference, FilterLogEvents, logGroupIdentifier; LogGroup, logGroupArn.
"""

from crossdock.cloud.logs.faults import invalid_parameter, no_such_group
from crossdock.cloud.logs.records import GROUPS, LogGroupRecord, group_key
from crossdock.core.arns import parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.operations.call import Call
from crossdock.ports.logs import LogGroupId
from crossdock.ports.state import Transaction


def meant_group(call: Call) -> LogGroupId:
    """The group that `logGroupName` or `logGroupIdentifier` names, whether it is there or not.

    Raises:
        ServiceError: InvalidParameterException for both, neither, or an ARN that is no log group's of this region.
    """
    name: str | None = call.params.get("logGroupName")
    identifier: str | None = call.params.get("logGroupIdentifier")
    if name is not None and identifier is None:
        return LogGroupId(account_id=call.account_id, region=call.region, name=name)
    if identifier is not None and name is None:
        return identified_group(call, identifier)
    raise invalid_parameter("You must include either logGroupName or logGroupIdentifier, but not both.")


def identified_group(call: Call, identifier: str) -> LogGroupId:
    if not identifier.startswith("arn:"):
        return LogGroupId(account_id=call.account_id, region=call.region, name=identifier)
    try:
        arn = parse_arn(identifier)
    except InvalidArn as error:
        raise _invalid_identifier(identifier) from error
    kind, _, name = arn.resource.partition(":")
    # Names have no colon, so this refuses `…:*` and `…:log-stream:…` too, as AWS does.
    if arn.service != "logs" or kind != "log-group" or not name or ":" in name or arn.region != call.region:
        raise _invalid_identifier(identifier)
    return LogGroupId(account_id=arn.account_id, region=arn.region, name=name)


def checked_text(text: str) -> str:
    """A stream's name, or the beginning of one.

    Raises:
        ServiceError: InvalidParameterException for lone surrogates, which JSON can say and which are no text.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise invalid_parameter("The name of a log stream must be valid Unicode text.") from error
    return text


async def find_group(tx: Transaction, call: Call, group: LogGroupId) -> LogGroupRecord:
    """The record of a group. No account is linked to another, so another account's is not found.

    Raises:
        ServiceError: ResourceNotFoundException.
    """
    record = await GROUPS.get(tx, *group_key(group)) if group.account_id == call.account_id else None
    if record is None:
        raise no_such_group()
    return record


def _invalid_identifier(identifier: str) -> Exception:
    return invalid_parameter(f"The log group identifier {identifier} is not valid in this region.")
