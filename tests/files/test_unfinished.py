"""What lies where an upload came to nothing is not gone on with."""

import pytest

from crossdock.core.errors import BeyondEnd
from crossdock.core.homes import ObjectPlace
from crossdock.files.unfinished import UnfinishedOfUser, UnfinishedUploads

HERE, THERE = (ObjectPlace(bucket="home", key=key) for key in ("here", "there"))


async def test_a_place_is_refused_until_it_is_forgotten() -> None:
    user = UnfinishedOfUser(UnfinishedUploads(), "user1")
    await user.require_none(HERE)
    user.note(HERE)
    user.note(HERE)
    await user.require_none(THERE)
    with pytest.raises(BeyondEnd, match="home/here"):
        await user.require_none(HERE)
    user.forget(HERE)
    user.forget(THERE)
    await user.require_none(HERE)


async def test_sessions_of_a_user_share_and_other_users_do_not() -> None:
    uploads = UnfinishedUploads()
    UnfinishedOfUser(uploads, "user1").note(HERE)
    await UnfinishedOfUser(uploads, "user2").require_none(HERE)
    with pytest.raises(BeyondEnd):
        await UnfinishedOfUser(uploads, "user1").require_none(HERE)


async def test_the_eldest_is_forgotten_when_there_are_too_many() -> None:
    user = UnfinishedOfUser(UnfinishedUploads(most=2), "user1")
    places = [ObjectPlace(bucket="home", key=str(number)) for number in range(3)]
    for place in (*places[:2], places[0], places[2]):
        user.note(place)
    await user.require_none(places[1])
    for place in (places[0], places[2]):
        with pytest.raises(BeyondEnd):
            await user.require_none(place)
