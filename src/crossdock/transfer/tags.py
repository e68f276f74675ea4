"""TagResource, UntagResource, ListTagsForResource, for servers, users and host keys.

Source: AWS Transfer Family API Reference, the operations of these names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossdock.core.arns import Arn, parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.core.servers import SERVER_ID_TAG
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permission, Permissions, Result
from crossdock.operations.paging import page_key, page_token
from crossdock.ports.state import Transaction
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.faults import invalid_request, unknown_host_key, unknown_server, unknown_user
from crossdock.transfer.host_key_records import HostKeyRecord, host_keys_of, replace_host_key
from crossdock.transfer.server_records import SERVERS, ServerRecord, tags_of
from crossdock.transfer.tag_rules import check_count, server_tags_given, tag_keys, tags_given
from crossdock.transfer.user_records import USERS, UserRecord

_Record = ServerRecord | UserRecord | HostKeyRecord


@dataclass(frozen=True, slots=True)
class Tags:
    """The tag operations. `changes` wakes the gateway, for a server's tag may say where it listens."""

    changes: ServerChanges

    def operations(self) -> dict[str, Operation]:
        return {
            "ListTagsForResource": Operation(handler=list_tags, permissions=_on_tagged("ListTagsForResource")),
            "TagResource": Operation(handler=self.tag, permissions=_on_tagged("TagResource")),
            "UntagResource": Operation(handler=self.untag, permissions=_on_tagged("UntagResource")),
        }

    async def tag(self, call: Call) -> Result:
        tagged = _tagged(call)
        given = server_tags_given(call.params) if tagged.is_server else tags_given(call.params)
        async with call.transaction() as tx:
            record = await _find(tx, call, tagged)
            if tagged.is_server and given.get(SERVER_ID_TAG, tagged.server_id) != tagged.server_id:
                raise invalid_request(f"the tag {SERVER_ID_TAG} chooses the id of a new server, and changes none")
            tags = {**tags_of(record.settings), **given}
            check_count(tags)
            await _keep(tx, tagged, record, tags)
        self.changes.announce()
        return {}

    async def untag(self, call: Call) -> Result:
        """Taking a tag that is not there succeeds."""
        tagged, unwanted = _tagged(call), set(call.params["TagKeys"])
        async with call.transaction() as tx:
            record = await _find(tx, call, tagged)
            tags = {key: value for key, value in tags_of(record.settings).items() if key not in unwanted}
            await _keep(tx, tagged, record, tags)
        self.changes.announce()
        return {}


async def list_tags(call: Call) -> Result:
    """In the order of their keys, so that pages fit together while tags change."""
    tagged = _tagged(call)
    after = page_key(call.params.get("NextToken"), error_code="InvalidNextTokenException")
    limit = call.params.get("MaxResults", 1000)
    async with call.reading() as tx:
        tags = tags_of((await _find(tx, call, tagged)).settings)
    keys = sorted(key for key in tags if after is None or (key,) > after)
    listed = {key: tags[key] for key in keys[:limit]}
    result: dict[str, Any] = {"Arn": call.params["Arn"], "Tags": _as_list(listed)}
    if len(keys) > limit:
        result["NextToken"] = page_token((keys[limit - 1],))
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tagged:
    """What an ARN names: a server, with `user_name` a user of it, with `host_key_id` a host key."""

    arn: Arn
    server_id: str
    user_name: str = ""
    host_key_id: str = ""

    @property
    def is_server(self) -> bool:
        return not (self.user_name or self.host_key_id)

    @property
    def server_key(self) -> tuple[str, str, str]:
        return self.arn.account_id, self.arn.region, self.server_id


def _tagged(call: Call) -> _Tagged:
    """What the call's Arn names. Raises ServiceError InvalidRequestException for what has no tags here."""
    text: str = call.params["Arn"]
    try:
        arn = parse_arn(text)
    except InvalidArn as error:
        raise invalid_request(f"{text} is not an ARN") from error
    match arn.service, arn.resource.split("/"):
        case "transfer", ["server", server_id] if server_id:
            return _Tagged(arn=arn, server_id=server_id)
        case "transfer", ["user", server_id, user_name] if server_id and user_name:
            return _Tagged(arn=arn, server_id=server_id, user_name=user_name)
        case "transfer", ["host-key", server_id, key_id] if server_id and key_id:
            return _Tagged(arn=arn, server_id=server_id, host_key_id=key_id)
    raise invalid_request(
        f"{text} is not the ARN of a Transfer server, user or host key: Crossdock has no tags of anything else"
    )


async def _find(tx: Transaction, call: Call, tagged: _Tagged) -> _Record:
    """In the caller's account and region. Raises ServiceError ResourceNotFoundException."""
    arn = tagged.arn
    is_here = (arn.partition, arn.account_id, arn.region) == ("aws", call.account_id, call.region)
    server = await SERVERS.get(tx, *tagged.server_key) if is_here else None
    if server is None:
        raise unknown_server(tagged.server_id)
    if tagged.is_server:
        return server
    if tagged.host_key_id:
        keys = await host_keys_of(tx, tagged.server_id)
        key = next((key for key in keys if key.key_id == tagged.host_key_id), None)
        if key is None:
            raise unknown_host_key(tagged.host_key_id)
        return key
    user = await USERS.get(tx, *tagged.server_key, tagged.user_name)
    if user is None:
        raise unknown_user(tagged.user_name)
    return user


async def _keep(tx: Transaction, tagged: _Tagged, record: _Record, tags: Mapping[str, str]) -> None:
    settings = {name: value for name, value in record.settings.items() if name != "Tags"}
    if tags:
        settings["Tags"] = _as_list(tags)
    if isinstance(record, ServerRecord):
        await SERVERS.put(tx, replace(record, settings=settings), *tagged.server_key)
    elif isinstance(record, HostKeyRecord):
        await replace_host_key(tx, tagged.server_id, replace(record, settings=settings))
    else:
        await USERS.put(tx, replace(record, settings=settings), *tagged.server_key, record.user_name)


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _on_tagged(action: str) -> Permissions:
    def permissions(call: Call) -> Sequence[Permission]:
        resource = str(_tagged(call).arn)
        return (Permission(action=f"transfer:{action}", resource=resource, context=tag_keys(call.params)),)

    return permissions
