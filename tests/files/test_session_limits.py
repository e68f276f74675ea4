"""How many sessions a server and its users may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.core.logins import Refusal
from crossdock.files.session_limits import SessionLimits, SessionPlace


def test_sessions_of_a_server_are_limited_each_server_for_itself():
    limits = SessionLimits(per_server=2, per_user=0)
    first = limits.acquire("s-1", "user1")
    limits.acquire("s-1", "user1")
    refused = limits.acquire("s-1", "user2")
    assert isinstance(refused, Refusal)
    assert "login.sessions_per_server" in refused.reason
    assert isinstance(limits.acquire("s-2", "user2"), SessionPlace)
    assert isinstance(first, SessionPlace)
    first.release()
    assert isinstance(limits.acquire("s-1", "user2"), SessionPlace)


def test_sessions_of_a_user_are_limited_on_each_server():
    limits = SessionLimits(per_server=10, per_user=1)
    first = limits.acquire("s-1", "user1")
    refused = limits.acquire("s-1", "user1")
    assert isinstance(refused, Refusal)
    assert "login.sessions_per_user" in refused.reason
    for other in (("s-1", "user2"), ("s-2", "user1")):
        assert isinstance(limits.acquire(*other), SessionPlace)
    assert isinstance(first, SessionPlace)
    first.release()
    assert isinstance(limits.acquire("s-1", "user1"), SessionPlace)


def test_a_session_is_released_once_however_often_it_is_said():
    limits = SessionLimits(per_server=5, per_user=0)
    first, other = limits.acquire("s-1", "user1"), limits.acquire("s-1", "user1")
    assert isinstance(first, SessionPlace)
    assert isinstance(other, SessionPlace)
    first.release()
    first.release()
    assert limits.sessions("s-1") == 1
    other.release()
    assert limits.sessions("s-1") == 0


@pytest.mark.parametrize("per_user", [0, 2])
@given(steps=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), st.booleans()), max_size=60))
def test_nobody_is_forgotten_and_nobody_counted_twice(per_user: int, steps: list[tuple[int, int, bool]]):
    limits = SessionLimits(per_server=4, per_user=per_user)
    held: dict[tuple[str, str], list[SessionPlace]] = {}
    for server, user, comes in steps:
        who = (f"s-{server}", f"user{user}")
        mine = held.setdefault(who, [])
        of_server = sum(len(places) for (server_id, _), places in held.items() if server_id == who[0])
        if comes:
            result = limits.acquire(*who)
            assert isinstance(result, SessionPlace) is (of_server < 4 and (not per_user or len(mine) < per_user))
            if isinstance(result, SessionPlace):
                mine.append(result)
        elif mine:
            mine.pop().release()
    for server_id in ("s-0", "s-1"):
        assert limits.sessions(server_id) == sum(len(places) for (one, _), places in held.items() if one == server_id)
