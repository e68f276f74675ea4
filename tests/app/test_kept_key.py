"""The key that a data directory is sealed with is known by its id ever after."""

from datetime import UTC, datetime

import pytest

from crossdock.adapters.host.sealing import KeyUnusable
from crossdock.adapters.memory.state import MemoryState
from crossdock.app.kept_key import require_kept_key
from crossdock.cloud.iam.records import ACCESS_KEYS, AccessKeyRecord


async def test_another_key_than_the_first_is_refused_with_both_ids():
    state = MemoryState()
    await require_kept_key(state, "aaaa", place="/etc/key", is_new=False)
    await require_kept_key(state, "aaaa", place="/elsewhere/key", is_new=False)
    with pytest.raises(KeyUnusable, match=r"^the key /etc/key is another one \(id bbbb\) than .* \(id aaaa\)"):
        await require_kept_key(state, "bbbb", place="/etc/key", is_new=False)
    await require_kept_key(state, "aaaa", place="/etc/key", is_new=False)


async def test_of_a_first_start_that_was_cut_off_the_last_key_counts():
    state = MemoryState()
    await require_kept_key(state, "aaaa", place="/etc/key", is_new=True)
    await require_kept_key(state, "bbbb", place="/etc/key", is_new=True)
    with pytest.raises(KeyUnusable, match="id bbbb"):
        await require_kept_key(state, "aaaa", place="/etc/key", is_new=False)


async def test_where_no_id_was_kept_what_is_sealed_tells_it():
    """Directories of earlier releases."""
    state = MemoryState()
    record = AccessKeyRecord(
        access_key_id="AKIA1",
        account_id="111111111111",
        user_name="admin",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        sealed_secret="v1.aaaa.bm9uY2U=",
    )
    async with state.transaction() as tx:
        await ACCESS_KEYS.put(tx, record, record.access_key_id)
    with pytest.raises(KeyUnusable, match="id aaaa"):
        await require_kept_key(state, "bbbb", place="/etc/key", is_new=False)
    await require_kept_key(state, "aaaa", place="/etc/key", is_new=False)
