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
    assert book.arrive(two, HERE) == 2
    assert book.arrive(one, HERE) == 1


def test_a_connection_that_nobody_expects_belongs_to_nobody() -> None:
    book = PassiveBook(PORTS)
    port = book.claim(1, HERE, 0)
    assert port is not None
    assert book.arrive(port, THERE) is None
    assert book.arrive(next(other for other in PORTS if other != port), HERE) is None
    assert book.arrive(port, HERE) == 1
    assert book.arrive(port, HERE) is None


def test_two_addresses_may_expect_on_the_same_port() -> None:
    book = PassiveBook((8192,))
    assert book.claim(1, HERE, 0) == 8192
    assert book.claim(2, THERE, 0) == 8192
    assert book.arrive(8192, THERE) == 2
    assert book.arrive(8192, HERE) == 1


def test_a_slot_is_free_as_soon_as_its_connection_has_come() -> None:
    book = PassiveBook((8192,))
    for session in range(100):
        assert book.claim(session, HERE, 0) == 8192
        assert book.arrive(8192, HERE) == session


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
    assert book.arrive(8192, HERE) is None
    assert book.claim(2, HERE, 1) is None


def test_a_session_may_have_its_own_resting_slot_back_but_takes_a_fresh_one_first() -> None:
    book = PassiveBook((8192, 8193))
    assert book.claim(1, HERE, 0) == 8192
    assert book.claim(1, HERE, 1) == 8193  # a new claim gives the last up
    assert book.arrive(8192, HERE) is None
    assert book.claim(1, HERE, 2) == 8192
    assert book.arrive(8192, HERE) == 1


def test_a_rest_that_was_cut_short_by_its_owner_begins_anew() -> None:
    book = PassiveBook((8192,), rest_s=60)
    book.claim(1, HERE, 0)
    book.withdraw(1, 0)
    assert book.claim(1, HERE, 30) == 8192
    book.withdraw(1, 50)
    assert book.claim(2, HERE, 61) is None
    assert book.claim(2, HERE, 110) == 8192


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
        book.arrive(port, HERE)
    assert used == [*PORTS, *PORTS]


def test_to_withdraw_without_a_claim_is_harmless() -> None:
    book = PassiveBook(PORTS)
    book.withdraw(1, 0)
    port = book.claim(1, HERE, 0)
    assert port is not None
    book.arrive(port, HERE)
    book.withdraw(1, 0)
    assert book.next_rest_end(HERE, 0) is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "arrive", "withdraw", "wait"]),
        st.integers(0, 5),
        st.sampled_from([HERE, THERE]),
        st.sampled_from(PORTS),
        st.integers(0, 40),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_no_connection_ever_reaches_a_session_that_does_not_expect_it(
    steps: list[tuple[str, int, str, int, int]],
) -> None:
    """Against a model: what each session expects, and until when each slot is only its last holder's."""
    book, now = PassiveBook(PORTS, rest_s=60), 0.0
    expected: dict[int, tuple[int, str]] = {}
    reserved: dict[tuple[int, str], tuple[int, float]] = {}
    for step, number, address, port, seconds in steps:
        session = number * 2 + (address == THERE)  # a session has one address
        if step == "wait":
            now += seconds
        elif step == "withdraw" or step == "claim":
            if session in expected:
                reserved[expected.pop(session)] = (session, now + 60)
            if step == "withdraw":
                book.withdraw(session, now)
                continue
            claimed = book.claim(session, address, now)
            taken = {slot for slot in expected.values() if slot[1] == address}
            resting = {
                slot
                for slot, (holder, until) in reserved.items()
                if slot[1] == address and until > now and holder != session
            }
            if claimed is None:
                assert len(taken | resting) == len(PORTS)
            else:
                assert (claimed, address) not in taken | resting
                reserved.pop((claimed, address), None)
                expected[session] = (claimed, address)
        else:
            owner = next((s for s, slot in expected.items() if slot == (port, address)), None)
            assert book.arrive(port, address) == owner
            if owner is not None:
                del expected[owner]


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None)
@given(STEPS)
def test_no_connection_ever_reaches_a_session_that_does_not_expect_it_for_long(
    steps: list[tuple[str, int, str, int, int]],
) -> None:
    test_no_connection_ever_reaches_a_session_that_does_not_expect_it.hypothesis.inner_test(steps)  # type: ignore[attr-defined]
