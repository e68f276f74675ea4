"""What the gateway is told of a server, out of what its owner said in AWS's words."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from crossdock.core.servers import ServerState
from crossdock.transfer.server_records import ServerRecord, server_of
from crossdock.transfer.server_rules import with_defaults

RECORD = ServerRecord(
    server_id="s-0123456789abcdef0",
    account_id="111111111111",
    region="us-east-1",
    settings=with_defaults({}),
    is_wanted=True,
    state=ServerState.OFFLINE,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("details", "is_needed"),
    [
        ({}, False),
        ({"ProxyConfig": {}}, False),
        ({"ProxyConfig": {"SftpMode": "NONE"}}, False),
        ({"ProxyConfig": {"SftpMode": "PROXY_PROTOCOL_V2_ENFORCED"}}, True),
    ],
)
def test_a_proxy_header_is_needed_only_where_the_owner_enforces_it(details: dict[str, Any], is_needed: bool) -> None:
    record = replace(RECORD, settings=with_defaults({"ProtocolDetails": details}))
    assert server_of(record).needs_proxy_header is is_needed
