"""Errors as clients read them."""

import pytest
from tests.fakes.aws_models import model_of, parse_response

from crossdock.cloud.s3 import failures
from crossdock.core.errors import Fault
from crossdock.wire.protocols import format_error

# Code, status and members: S3 API Reference, "Error responses".
CASES = [
    (failures.access_denied(), "AccessDenied", 403, {}),
    (failures.no_such_bucket("box"), "NoSuchBucket", 404, {"BucketName": "box"}),
    (failures.no_such_key("a&b"), "NoSuchKey", 404, {"Key": "a&b"}),
    (failures.no_such_version("k", "v"), "NoSuchVersion", 404, {"Key": "k", "VersionId": "v"}),
    (failures.no_such_upload("u"), "NoSuchUpload", 404, {"UploadId": "u"}),
    (failures.no_such_bucket_policy("box"), "NoSuchBucketPolicy", 404, {"BucketName": "box"}),
    (failures.bucket_already_exists("box"), "BucketAlreadyExists", 409, {"BucketName": "box"}),
    (failures.invalid_bucket_name("X"), "InvalidBucketName", 400, {"BucketName": "X"}),
    (failures.invalid_argument("no", "n", 7), "InvalidArgument", 400, {"ArgumentName": "n", "ArgumentValue": "7"}),
    (failures.invalid_request("no"), "InvalidRequest", 400, {}),
    (failures.malformed_xml(), "MalformedXML", 400, {}),
    (failures.not_implemented("x-h"), "NotImplemented", 501, {"Header": "x-h"}),
    (failures.service_unavailable(), "ServiceUnavailable", 503, {}),
    (failures.acl_not_supported(), "AccessControlListNotSupported", 400, {}),
    (failures.method_not_allowed("B", "PUT"), "MethodNotAllowed", 405, {"Method": "PUT", "ResourceType": "B"}),
    (failures.precondition_failed("If-Match"), "PreconditionFailed", 412, {"Condition": "If-Match"}),
    (failures.invalid_range("bytes=9-", 5), "InvalidRange", 416, {"ActualObjectSize": "5"}),
    (failures.entity_too_large(9, 5), "EntityTooLarge", 400, {"ProposedSize": "9", "MaxSizeAllowed": "5"}),
    (
        failures.entity_too_small(number=2, etag="e", proposed=4, limit=5),
        "EntityTooSmall",
        400,
        {"ProposedSize": "4", "MinSizeAllowed": "5", "PartNumber": "2", "ETag": "e"},
    ),
    (failures.invalid_part(upload_id="u", number=2, etag="e"), "InvalidPart", 400, {"PartNumber": "2", "ETag": "e"}),
    (failures.invalid_part_order("u"), "InvalidPartOrder", 400, {"UploadId": "u"}),
]


@pytest.mark.parametrize(("error", "code", "status", "members"), CASES, ids=[case[1] for case in CASES])
def test_an_error_is_read_by_clients_as_it_was_meant(error, code, status, members):
    response = format_error(model_of("s3"), error, request_id="id")
    assert response.status == status
    read = parse_response(model_of("s3"), "GetObject", response)
    assert read["Error"]["Code"] == code
    assert read["Error"]["Message"] == error.message
    assert {name: read["Error"][name] for name in members} == members
    assert (error.fault is Fault.RECEIVER) == (status >= 500)


def test_not_modified_has_headers_and_no_body():
    response = format_error(model_of("s3"), failures.not_modified({"ETag": '"x"'}), request_id="id")
    assert (response.status, response.body) == (304, b"")
    assert ("ETag", '"x"') in response.headers


def test_a_range_that_does_not_exist_tells_the_size_in_a_header():
    response = format_error(model_of("s3"), failures.invalid_range("bytes=9-", 5), request_id="id")
    assert ("Content-Range", "bytes */5") in response.headers


def test_long_values_are_not_thrown_back_whole():
    assert len(failures.invalid_argument("no", "n", "x" * 5000).members["ArgumentValue"]) == 1024


def test_a_sentence_may_say_what_crossdock_does_instead():
    assert failures.not_implemented("x-h", "Encrypt the disk.").message.endswith("not implemented. Encrypt the disk.")
