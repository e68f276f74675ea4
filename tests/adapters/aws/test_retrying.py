"""Which answers are worth another attempt, and when."""

import pytest
from botocore.exceptions import ClientError

from crossdock.adapters.aws.refusals import Refusal, read_refusal, refusal_of
from crossdock.adapters.aws.retrying import Attempts, Patience, is_nobody_there, is_passing, is_throttling, patience_of


def refusal(status: int, code: str = "VendorsOwn", **more) -> Refusal:
    return Refusal(code=code, message="", status=status, **more)


@pytest.mark.parametrize(
    ("found", "passes", "throttles"),
    [
        (refusal(500), True, False),
        (refusal(502), True, False),
        (refusal(503), True, True),
        (refusal(504), True, False),
        (refusal(429), True, True),
        (refusal(400, "SlowDown"), True, True),
        (refusal(400, "RequestTimeout"), True, False),
        (refusal(400, "IncompleteBody"), True, False),
        (refusal(400, "BadDigest"), True, False),
        (refusal(400), False, False),
        (refusal(403), False, False),
        (refusal(404), False, False),
        (refusal(412), False, False),
        (refusal(501), False, False),
    ],
)
def test_what_passes_and_what_stays(found, passes, throttles):
    assert (is_passing(found), is_throttling(found)) == (passes, throttles)


def test_pauses_double_up_to_a_bound_and_are_longer_for_who_is_throttled():
    patience = Patience(throttled_s=1.0, failed_s=0.1, most_s=3.0)
    longest = [patience.pause(attempt, None, lambda: 1.0) for attempt in (1, 2, 3, 9)]
    assert longest == pytest.approx([0.1, 0.2, 0.4, 3.0])
    throttled = [patience.pause(attempt, refusal(503), lambda: 1.0) for attempt in (1, 2, 3)]
    assert throttled == pytest.approx([1.0, 2.0, 3.0])


def test_chance_decides_how_much_of_a_pause_is_waited():
    patience = Patience(failed_s=0.1)
    assert patience.pause(1, refusal(500), lambda: 0.0) == 0
    assert patience.pause(1, refusal(500), lambda: 0.5) == pytest.approx(0.05)


def test_a_store_that_wants_to_be_left_alone_is_but_not_for_ever():
    patience = Patience(most_s=20.0)
    assert patience.pause(1, refusal(503, retry_after_s=7.0), lambda: 0.0) == 7
    assert patience.pause(1, refusal(503, retry_after_s=7000.0), lambda: 0.0) == 20


def pauses(patience: Patience, *, is_under_way: bool, took_s: float = 0.0) -> list[float]:
    """Between the attempts of a request that finds nobody, each of which takes so long."""
    attempts, now, found = Attempts(patience, is_under_way=is_under_way), 100.0, list[float]()
    while (pause := attempts.pause(None, is_absent=True, now=now, chance=lambda: 1.0)) is not None:
        found.append(pause)
        now += pause + took_s
    return found


def test_a_transfer_waits_for_a_store_that_is_away_and_nothing_else_does():
    patience = Patience(attempts=4, failed_s=0.1, absent_s=30.0, recheck_s=3.0)
    waited = pauses(patience, is_under_way=True)
    assert waited[:7] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0])
    assert 30 <= sum(waited) < 35
    assert 30 <= sum(pauses(patience, is_under_way=True, took_s=10.0)) + 30 < 75
    assert pauses(patience, is_under_way=False) == pytest.approx([0.1, 0.2, 0.4])
    assert pauses(Patience(attempts=4), is_under_way=True) == pytest.approx([0.1, 0.2, 0.4])


def test_attempts_that_were_answered_count_as_ever_while_a_store_comes_and_goes():
    attempts = Attempts(Patience(attempts=2, absent_s=30.0), is_under_way=True)
    absent = [attempts.pause(None, is_absent=True, now=now, chance=lambda: 1.0) for now in (0.0, 5.0, 10.0)]
    answered = [attempts.pause(refusal(500), is_absent=False, now=11.0, chance=lambda: 1.0) for _ in range(2)]
    assert absent == pytest.approx([0.1, 0.2, 0.4])
    assert answered == [pytest.approx(0.1), None]


def test_a_load_balancer_that_has_nobody_behind_it_is_known_by_its_words():
    assert is_nobody_there(read_refusal(503, {}, b"<html>No server is available</html>"))
    assert not is_nobody_there(read_refusal(503, {}, BODY))
    assert not is_nobody_there(refusal(500, "500"))


def test_a_store_is_waited_for_no_longer_than_the_settings_let_it_be_silent():
    assert patience_of(attempts=4, timeout_s=60.0) == Patience(attempts=4, absent_s=30.0)
    assert patience_of(attempts=4, timeout_s=2.0).absent_s == 2.0
    assert patience_of(attempts=1, timeout_s=60.0).absent_s == 0


# What is read of an answer.

BODY = b"<Error><Code>SlowDown</Code><Message>wait</Message><RequestId>R1</RequestId><Region>eu-west-1</Region></Error>"


def test_a_refusal_is_read_from_the_body_and_the_headers():
    found = read_refusal(503, {"Retry-After": "3", "Date": "today"}, BODY)
    assert found == Refusal(
        code="SlowDown",
        message="wait",
        status=503,
        request_id="R1",
        region="eu-west-1",
        answered_at="today",
        retry_after_s=3.0,
    )


@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", b"no xml", b"\xff", b"<Error/>"])
def test_an_answer_that_is_none_of_s3s_has_the_status_for_a_code(body):
    found = read_refusal(502, {"x-amz-request-id": "R2", "x-amz-bucket-region": "eu-west-1"}, body)
    assert (found.code, found.request_id, found.region) == ("502", "R2", "eu-west-1")


@pytest.mark.parametrize("text", ["Sun, 15 Mar 2026 00:47:00 GMT", "-1", "", "²"])
def test_a_time_to_come_back_that_is_no_number_is_not_waited_for(text):
    assert read_refusal(503, {"Retry-After": text}, b"").retry_after_s == 0


def test_what_botocore_raised_tells_the_same():
    error = ClientError(
        {
            "Error": {"Code": "SlowDown", "Message": "wait", "Region": "eu-west-1"},
            "ResponseMetadata": {
                "HTTPStatusCode": 503,
                "RequestId": "R1",
                "HTTPHeaders": {"date": "today", "retry-after": "3"},
            },
        },
        "GetObject",
    )
    assert refusal_of(error) == read_refusal(503, {"Retry-After": "3", "Date": "today"}, BODY)
    assert refusal_of(ClientError({}, "GetObject")).status == 0


def test_a_store_that_starts_may_hang_up_a_while_before_it_serves():
    attempts = Attempts(Patience(attempts=2, absent_s=30.0), is_under_way=True)

    def pause(now: float, *, is_absent: bool) -> float | None:
        return attempts.pause(None, is_absent=is_absent, now=now, chance=lambda: 1.0)

    assert pause(0.0, is_absent=True) is not None
    assert [pause(now, is_absent=False) is None for now in (1.0, 2.0, 29.0)] == [False] * 3
    assert [pause(now, is_absent=False) is None for now in (31.0, 32.0)] == [False, True]
