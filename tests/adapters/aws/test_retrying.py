"""Which answers are worth another attempt, and when."""

import pytest
from botocore.exceptions import ClientError

from crossdock.adapters.aws.refusals import Refusal, read_refusal, refusal_of
from crossdock.adapters.aws.retrying import Patience, is_passing, is_throttling


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
