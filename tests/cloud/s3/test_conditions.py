"""Conditional requests."""

from datetime import UTC, datetime, timedelta

import pytest

from crossdock.cloud.s3.conditions import WriteCondition, check_copy_source, check_read, http_date, write_condition
from crossdock.core.errors import ServiceError
from crossdock.ports.storage import ObjectEntry

MODIFIED = datetime(2026, 3, 15, 0, 47, 11, 500_000, tzinfo=UTC)
SECOND = MODIFIED.replace(microsecond=0)
BEFORE, AFTER = SECOND - timedelta(seconds=1), SECOND + timedelta(seconds=1)
ENTRY = ObjectEntry(size=1, etag="abc", modified_at=MODIFIED, segments=())


def outcome(check, **params):
    try:
        check(params, ENTRY)
    except ServiceError as error:
        return error.status, error.members.get("Condition", "")
    return 200, ""


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, (200, "")),
        ({"IfMatch": '"abc"'}, (200, "")),
        ({"IfMatch": "*"}, (200, "")),
        ({"IfMatch": '"x"'}, (412, "If-Match")),
        ({"IfNoneMatch": '"abc"'}, (304, "")),
        ({"IfNoneMatch": "*"}, (304, "")),
        ({"IfNoneMatch": '"x"'}, (200, "")),
        ({"IfModifiedSince": BEFORE}, (200, "")),
        ({"IfModifiedSince": SECOND}, (304, "")),
        ({"IfModifiedSince": AFTER}, (304, "")),
        ({"IfUnmodifiedSince": BEFORE}, (412, "If-Unmodified-Since")),
        ({"IfUnmodifiedSince": SECOND}, (200, "")),
        # S3: If-Match true and If-Unmodified-Since false is 200; If-None-Match false and If-Modified-Since true is 304.
        ({"IfMatch": '"abc"', "IfUnmodifiedSince": BEFORE}, (200, "")),
        ({"IfMatch": '"x"', "IfUnmodifiedSince": AFTER}, (412, "If-Match")),
        ({"IfNoneMatch": '"abc"', "IfModifiedSince": BEFORE}, (304, "")),
        ({"IfNoneMatch": '"x"', "IfModifiedSince": AFTER}, (200, "")),
        # A failed precondition outweighs what has not changed.
        ({"IfMatch": '"x"', "IfNoneMatch": '"abc"'}, (412, "If-Match")),
    ],
)
def test_reading_conditions_have_s3s_precedence(params, expected):
    assert outcome(check_read, **params) == expected


def test_an_unchanged_object_tells_its_tag_and_date():
    with pytest.raises(ServiceError) as raised:
        check_read({"IfNoneMatch": "*"}, ENTRY)
    assert raised.value.headers == {"ETag": '"abc"', "Last-Modified": "Sun, 15 Mar 2026 00:47:11 GMT"}


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 200),
        ({"CopySourceIfMatch": '"x"'}, 412),
        ({"CopySourceIfNoneMatch": '"abc"'}, 412),
        ({"CopySourceIfModifiedSince": SECOND}, 412),
        ({"CopySourceIfModifiedSince": BEFORE}, 200),
        ({"CopySourceIfUnmodifiedSince": BEFORE}, 412),
        ({"CopySourceIfMatch": '"abc"', "CopySourceIfUnmodifiedSince": BEFORE}, 200),
        ({"CopySourceIfNoneMatch": '"abc"', "CopySourceIfModifiedSince": BEFORE}, 412),
    ],
)
def test_every_condition_on_a_copys_source_that_fails_is_412(params, status):
    assert outcome(check_copy_source, **params)[0] == status


def test_a_write_may_want_a_tag_or_no_object_at_all():
    assert write_condition({}) == WriteCondition()
    assert write_condition({"IfMatch": '"abc"'}) == WriteCondition(if_match="abc")
    assert write_condition({"IfNoneMatch": "*"}) == WriteCondition(if_none_match=True)
    assert write_condition({"IfNoneMatch": "*"}).header == "If-None-Match"


@pytest.mark.parametrize("params", [{"IfNoneMatch": '"abc"'}, {"IfNoneMatch": "*", "IfMatch": "abc"}])
def test_other_write_conditions_are_not_implemented(params):
    with pytest.raises(ServiceError) as refused:
        write_condition(params)
    assert refused.value.status == 501


def test_a_date_is_written_as_http_writes_it():
    assert http_date(MODIFIED) == "Sun, 15 Mar 2026 00:47:11 GMT"
