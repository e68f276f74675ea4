import pickle
from dataclasses import dataclass
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.ftp.passive_book import PassiveBook

HERE, THERE = "10.0.0.1", "10.0.0.2"
PORTS = (8192, 8193, 8194)


def test_a_connection_belongs_to_who_expects_it_on_that_port_from_that_address() -> None:
    book = PassiveBook(PORTS)
    one, two = book.claim(1, HERE, 0), book.claim(2, HERE, 0)
    assert one is not None
    assert two is not None
    assert one != two
    assert book.arrive(two, HERE, 0) == 2
    assert book.arrive(one, HERE, 0) == 1


def test_a_connection_that_nobody_expects_belongs_to_nobody() -> None:
    book = PassiveBook(PORTS)
    port = book.claim(1, HERE, 0)
    assert port is not None
    assert book.arrive(port, THERE, 0) is None
    assert book.arrive(next(other for other in PORTS if other != port), HERE, 0) is None
    assert book.arrive(port, HERE, 0) == 1
    assert book.arrive(port, HERE, 0) is None


def test_two_addresses_may_expect_on_the_same_port() -> None:
    book = PassiveBook((8192,))
    assert book.claim(1, HERE, 0) == 8192
    assert book.claim(2, THERE, 0) == 8192
    assert book.arrive(8192, THERE, 0) == 2
    assert book.arrive(8192, HERE, 0) == 1


def test_a_slot_is_free_as_soon_as_its_connection_has_come() -> None:
    book = PassiveBook((8192,))
    for session in range(100):
        assert book.claim(session, HERE, 0) == 8192
        assert book.arrive(8192, HERE, 0) == session


def test_when_all_slots_of_an_address_are_taken_it_gets_none_and_others_do() -> None:
    book = PassiveBook(PORTS)
    assert {book.claim(session, HERE, 0) for session in range(3)} == set(PORTS)
    assert book.claim(9, HERE, 0) is None
    assert book.claim(10, THERE, 0) in PORTS


def test_a_slot_given_up_unused_rests_before_another_session_may_have_it() -> None:
    book = PassiveBook((8192,), rest_s=60)
    book.claim(1, HERE, 0)
    book.withdraw(1, 100)
    assert book.claim(2, HERE, 159.9) is None
    assert book.next_rest_end(HERE, 159.9) == 160
    assert book.claim(2, HERE, 160) == 8192


def test_a_late_connection_to_a_resting_slot_belongs_to_nobody_and_does_not_end_the_rest() -> None:
    book = PassiveBook((8192,), rest_s=60)
    book.claim(1, HERE, 0)
    book.withdraw(1, 0)
    assert book.arrive(8192, HERE, 0) is None
    assert book.claim(2, HERE, 1) is None


def test_a_session_that_asks_again_gets_its_own_slot_and_leaves_the_others_alone() -> None:
    book = PassiveBook(PORTS)
    assert {book.claim(1, HERE, now) for now in range(100)} == {8192}
    assert {book.claim(2, HERE, 100), book.claim(3, HERE, 100)} == {8193, 8194}
    assert book.arrive(8192, HERE, 100) == 1


def test_a_session_that_gave_up_long_ago_has_no_slot_of_its_own() -> None:
    book = PassiveBook((8192,), rest_s=60)
    book.claim(1, HERE, 0)
    book.withdraw(1, 0)
    assert book.resting_port(1, HERE, 59) == 8192
    assert book.resting_port(2, HERE, 59) is None
    assert book.resting_port(1, THERE, 59) is None
    assert book.resting_port(1, HERE, 60) is None


def test_a_slot_taken_back_rests_after_its_connection_because_another_may_be_on_its_way() -> None:
    book = PassiveBook((8192,), rest_s=60)
    book.claim(1, HERE, 0)
    book.claim(1, HERE, 30)
    assert book.arrive(8192, HERE, 31) == 1  # which of the two that were expected cannot be told
    assert book.claim(2, HERE, 90) is None
    assert book.arrive(8192, HERE, 90) is None
    assert book.claim(2, HERE, 91) == 8192
    assert book.arrive(8192, HERE, 91) == 2
    assert book.claim(3, HERE, 91) == 8192


def test_a_rest_that_was_cut_short_by_its_owner_begins_anew() -> None:
    book = PassiveBook((8192,), rest_s=60)
    book.claim(1, HERE, 0)
    book.withdraw(1, 0)
    assert book.claim(1, HERE, 30) == 8192
    book.withdraw(1, 50)
    assert book.claim(2, HERE, 61) is None
    assert book.claim(2, HERE, 110) == 8192


def test_a_session_that_asks_often_is_remembered_once() -> None:
    book = PassiveBook(PORTS, rest_s=60)
    sizes = []
    for now in range(50):
        book.claim(1, HERE, float(now))
        sizes.append(len(pickle.dumps(book)))
    assert max(sizes[2:]) == sizes[2]


def test_each_slot_rests_for_its_own_time() -> None:
    book = PassiveBook(PORTS, rest_s=60)
    for session in (1, 2, 3):
        book.claim(session, HERE, 0)
    book.withdraw(1, 0)
    book.withdraw(2, 10)
    book.claim(1, HERE, 20)
    book.withdraw(1, 30)
    assert book.next_rest_end(HERE, 30) == 70
    assert book.claim(4, HERE, 70) == 8193
    assert book.next_rest_end(HERE, 70) == 90
    assert book.claim(5, HERE, 89) is None
    assert book.claim(5, HERE, 90) == 8192


def test_a_connection_accepted_before_it_was_expected_is_nobodys() -> None:
    book = PassiveBook((8192,), rest_s=60)
    book.claim(1, HERE, 0)
    book.claim(1, HERE, 10)
    assert book.arrive(8192, HERE, 11, accepted_at=9) is None
    assert book.arrive(8192, HERE, 12, accepted_at=11) == 1


def test_another_address_is_not_held_up_by_a_rest() -> None:
    book = PassiveBook((8192,))
    book.claim(1, HERE, 0)
    book.withdraw(1, 0)
    assert book.claim(2, THERE, 0) == 8192


def test_ports_are_used_in_turn() -> None:
    book = PassiveBook(PORTS)
    used = []
    for session in range(6):
        port = book.claim(session, HERE, 0)
        assert port is not None
        used.append(port)
        book.arrive(port, HERE, 0)
    assert used == [*PORTS, *PORTS]


def test_to_withdraw_without_a_claim_is_harmless() -> None:
    book = PassiveBook(PORTS)
    book.withdraw(1, 0)
    port = book.claim(1, HERE, 0)
    assert port is not None
    book.arrive(port, HERE, 0)
    book.withdraw(1, 0)
    assert book.next_rest_end(HERE, 0) is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "arrive", "withdraw", "wait"]),
        st.integers(0, 5),
        st.sampled_from([HERE, THERE]),
        st.integers(0, 40),
    ),
    max_size=60,
)


@dataclass(slots=True)
class OnItsWay:
    """A connection that a client makes: it comes by `deadline`, which is not known before it is given up."""

    session: int
    port: int
    address: str
    deadline: float = inf


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_no_connection_ever_reaches_another_session(steps: list[tuple[str, int, str, int]]) -> None:
    """Each claim sends a connection on its way, which comes at any time, but within a rest of being given up."""
    book, now = PassiveBook(PORTS, rest_s=60), 0.0
    on_their_way: list[OnItsWay] = []

    def give_up(session: int) -> None:
        for connection in on_their_way:
            if connection.session == session:
                connection.deadline = min(connection.deadline, now + 60)

    for step, number, address, seconds in steps:
        session = number * 2 + (address == THERE)  # a session has one address
        if step == "wait":
            now += seconds
            on_their_way = [connection for connection in on_their_way if now < connection.deadline]
        elif step == "arrive":
            if on_their_way:
                connection = on_their_way.pop(number % len(on_their_way))
                assert book.arrive(connection.port, connection.address, now) in (None, connection.session)
                give_up(connection.session)
        else:
            give_up(session)
            book.withdraw(session, now)
            if step == "claim" and (port := book.claim(session, address, now)) is not None:
                on_their_way.append(OnItsWay(session, port, address))


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_a_session_never_has_more_than_one_slot(steps: list[tuple[str, int, str, int]]) -> None:
    book, now, sessions = PassiveBook(PORTS, rest_s=60), 0.0, {0, 1}
    ports: dict[int, int] = {}
    for step, number, _, seconds in steps:
        session = number % len(sessions)
        if step == "wait":
            now += seconds
        elif step == "withdraw":
            book.withdraw(session, now)
        elif step == "arrive" and session in ports:
            book.arrive(ports[session], HERE, now)
        else:
            port = book.claim(session, HERE, now)
            assert port is not None
            ports[session] = port
    assert book.claim(2, HERE, now) is not None  # two sessions cannot hold three ports


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None)
@given(STEPS)
def test_no_connection_ever_reaches_another_session_for_long(steps: list[tuple[str, int, str, int]]) -> None:
    test_no_connection_ever_reaches_another_session.hypothesis.inner_test(steps)  # type: ignore[attr-defined]
