"""S3's errors in the words of file protocols."""

import pytest

from crossdock.adapters.embedded.file_errors import file_errors, from_service_error
from crossdock.cloud.s3 import failures
from crossdock.core.errors import (
    Denied,
    Exists,
    FileError,
    NameTooLong,
    NotFound,
    OutOfSpace,
    ServiceError,
    Unavailable,
    Unsupported,
)
from crossdock.wire.sigv4_errors import expired_token, unknown_access_key


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (failures.access_denied(), Denied),
        (expired_token("s3"), Denied),
        (unknown_access_key("s3", "ASIA"), Denied),
        (failures.no_such_bucket("box"), NotFound),
        (failures.invalid_bucket_name("Box"), NotFound),
        (failures.no_such_key("key"), NotFound),
        (failures.no_such_upload("upload"), NotFound),
        (ServiceError("KeyTooLongError", "…"), NameTooLong),
        (failures.entity_too_large(2, 1), OutOfSpace),
        (failures.precondition_failed("If-Match"), Unavailable),
        (failures.precondition_failed("If-None-Match"), Exists),
        (failures.service_unavailable(), Unavailable),
        (failures.not_implemented("x-amz-tagging"), Unsupported),
        (failures.invalid_request("no"), Unsupported),
        (failures.entity_too_small(number=1, etag="e", proposed=1, limit=2), Unsupported),
    ],
)
def test_every_error_means_something(error: ServiceError, meaning: type[FileError]):
    with pytest.raises(FileError) as translated, file_errors():
        raise error
    assert type(translated.value) is meaning
    assert translated.value.__cause__ is error
    assert error.code in str(translated.value)


def test_a_missing_object_is_told_as_explain_tells_it_with_the_request():
    error = failures.no_such_key("in/a.csv")
    found = from_service_error(error, {"Bucket": "box", "Key": "in/a.csv"}, request_id="r-1")
    assert str(found) == "there is no object s3://box/in/a.csv (request r-1)"
    # Of a copy it is not known whether the source or the target is meant.
    copied = from_service_error(error, {"Bucket": "box", "Key": "b", "CopySource": "other/in/a.csv"})
    assert str(copied) == "NoSuchKey: The specified key does not exist."


def test_a_denial_tells_the_operator_the_whole_reason():
    error = ServiceError("AccessDenied", "no resource-based policy allows it", reason="because of AROAXXX")
    assert str(from_service_error(error)) == "because of AROAXXX"


def test_a_full_disk_behind_an_answer_is_a_full_disk():
    error = ServiceError("ServiceUnavailable", "The service's disk is full.", status=503)
    error.__cause__ = OutOfSpace("no space left on device")
    translated = from_service_error(error)
    assert type(translated) is OutOfSpace
    assert str(translated) == "no space left on device"


@pytest.mark.parametrize("error", [NotFound("x"), OutOfSpace("x"), ValueError("x")])
def test_other_errors_pass(error: Exception):
    with pytest.raises(type(error)) as passed, file_errors():
        raise error
    assert passed.value is error
