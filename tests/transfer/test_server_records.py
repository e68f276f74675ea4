"""What the gateway is told of a server, out of what its owner said in AWS's words."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from crossdock.core.servers import INTERRUPTED_TAG, InterruptedUploads, ServerState
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


@pytest.mark.parametrize(
    ("tag", "default", "wanted"),
    [
        (None, InterruptedUploads.DISCARD, InterruptedUploads.DISCARD),
        (None, InterruptedUploads.KEEP, InterruptedUploads.KEEP),
        ("resume", InterruptedUploads.KEEP, InterruptedUploads.RESUME),
        ("discard", InterruptedUploads.KEEP, InterruptedUploads.DISCARD),
        ("what AWS let somebody write", InterruptedUploads.KEEP, InterruptedUploads.KEEP),
    ],
)
def test_a_tag_says_what_becomes_of_interrupted_uploads_else_the_setting(
    tag: str | None, default: InterruptedUploads, wanted: InterruptedUploads
) -> None:
    tags = [] if tag is None else [{"Key": INTERRUPTED_TAG, "Value": tag}]
    record = replace(RECORD, settings=with_defaults({"Tags": tags}))
    assert server_of(record, interrupted=default).interrupted_uploads is wanted
