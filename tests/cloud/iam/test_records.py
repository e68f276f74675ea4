"""Finding records by name and by ARN."""

from datetime import UTC, datetime

import pytest

from crossdock.adapters.memory.state import MemoryState
from crossdock.cloud.iam.records import (
    POLICIES,
    PolicyRecord,
    PolicyVersionRecord,
    RoleRecord,
    find_policy_by_arn,
    find_role,
    find_role_by_arn,
    fold,
    put_role,
)
from crossdock.core.arns import parse_arn

NOW = datetime(2026, 3, 15, tzinfo=UTC)
HUB = "111111111111"
ROLE = RoleRecord(account_id=HUB, name="Upload", role_id="AROA1", created_at=NOW, trust="{}", path="/ftp/")
POLICY = PolicyRecord(
    account_id=HUB,
    name="Files",
    policy_id="ANPA1",
    created_at=NOW,
    updated_at=NOW,
    versions=(
        PolicyVersionRecord(number=1, document="{}", created_at=NOW),
        PolicyVersionRecord(number=4, document="[]", created_at=NOW),
    ),
    default_number=4,
    path="/team/",
)


@pytest.fixture
async def state() -> MemoryState:
    state = MemoryState()
    async with state.transaction() as tx:
        await put_role(tx, ROLE)
        await POLICIES.put(tx, POLICY, HUB, fold("Files"))
    return state


@pytest.mark.parametrize(
    ("arn", "is_found"),
    [
        ("arn:aws:iam::111111111111:role/ftp/Upload", True),
        ("arn:aws:iam::111111111111:role/Upload", False),
        ("arn:aws:iam::111111111111:role/ftp/upload", False),
        ("arn:aws:iam::111111111111:role/other/Upload", False),
        ("arn:aws:iam::222222222222:role/ftp/Upload", False),
        ("arn:aws:iam:us-east-1:111111111111:role/ftp/Upload", False),
        ("arn:aws-cn:iam::111111111111:role/ftp/Upload", False),
        ("arn:aws:iam::111111111111:user/ftp/Upload", False),
        ("arn:aws:sts::111111111111:role/ftp/Upload", False),
        ("arn:aws:iam:::role/ftp/Upload", False),
        ("arn:aws:iam::111111111111:role", False),
    ],
)
async def test_a_role_is_found_by_exactly_its_arn(state: MemoryState, arn: str, is_found: bool) -> None:
    async with state.reading() as tx:
        assert (await find_role_by_arn(tx, parse_arn(arn)) == ROLE) is is_found


async def test_a_role_is_found_by_exactly_its_name(state: MemoryState) -> None:
    async with state.reading() as tx:
        assert await find_role(tx, HUB, "Upload") == ROLE
        assert await find_role(tx, HUB, "UPLOAD") is None


@pytest.mark.parametrize(
    ("arn", "is_found"),
    [
        ("arn:aws:iam::111111111111:policy/team/Files", True),
        ("arn:aws:iam::111111111111:policy/Files", False),
        ("arn:aws:iam::111111111111:role/team/Files", False),
        ("arn:aws:s3:::policy/team/Files", False),
    ],
)
async def test_a_policy_is_found_by_exactly_its_arn(state: MemoryState, arn: str, is_found: bool) -> None:
    async with state.reading() as tx:
        assert (await find_policy_by_arn(tx, parse_arn(arn)) == POLICY) is is_found


def test_the_default_version_is_found_by_its_number() -> None:
    assert (POLICY.default.version_id, POLICY.default.document) == ("v4", "[]")
