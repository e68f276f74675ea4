"""What a worker notes of an upload that has not become the file counts in every other, and in the parent."""

import pytest
from tests.fakes.worker_lines import joined_to, make_parent

from crossdock.adapters.host.workers.remote_unfinished import RemoteUnfinished
from crossdock.core.errors import BeyondEnd, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.files.unfinished import UnfinishedOfUser, UnfinishedUploads

PLACE, USER = ObjectPlace(bucket="box", key="a/ü"), "user1@s-1"


async def test_what_one_worker_notes_another_refuses_until_it_is_forgotten():
    parent = make_parent(unfinished=UnfinishedUploads())
    async with joined_to(parent) as line, joined_to(parent) as other_line:
        one = UnfinishedOfUser(RemoteUnfinished(line), USER)
        other = UnfinishedOfUser(RemoteUnfinished(other_line), USER)
        one.note(PLACE)
        with pytest.raises(BeyondEnd, match="box/a/ü"):
            await one.require_none(PLACE)  # what is told before is heard before
        with pytest.raises(BeyondEnd):
            await other.require_none(PLACE)
        with pytest.raises(BeyondEnd):
            await UnfinishedOfUser(parent.unfinished, USER).require_none(PLACE)
        await UnfinishedOfUser(RemoteUnfinished(other_line), "user2@s-1").require_none(PLACE)
        other.forget(PLACE)
        await other.require_none(PLACE)
        await one.require_none(PLACE)


async def test_what_a_dead_worker_had_noted_stays():
    parent = make_parent(unfinished=UnfinishedUploads())
    async with joined_to(parent) as line:
        remote = RemoteUnfinished(line)
        remote.note(USER, PLACE)
        assert await remote.has(USER, PLACE)
    assert await parent.unfinished.has(USER, PLACE)


async def test_without_a_parent_nothing_is_gone_on_with():
    async with joined_to(make_parent()) as line:
        pass
    remote = RemoteUnfinished(line)
    remote.note(USER, PLACE)
    remote.forget(USER, PLACE)
    with pytest.raises(Unavailable):
        await UnfinishedOfUser(remote, USER).require_none(PLACE)
