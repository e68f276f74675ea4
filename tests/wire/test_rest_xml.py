from datetime import UTC, datetime

import pytest
from botocore.model import ServiceModel
from tests.fakes.aws_models import model_of, parse_response, request_of

from crossdock.core.errors import ServiceError
from crossdock.wire import rest_xml
from crossdock.wire.http import Headers, HttpRequest
from crossdock.wire.protocols import format_error, format_response

S3 = model_of("s3")
XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def request(line, body=b"", headers=()):
    method, target = line.split(" ", 1)
    path, _, query = target.partition("?")
    return HttpRequest(method=method, path=path, query=query, headers=Headers(headers), body=body)


def parse(line, body=b"", headers=()):
    return rest_xml.parse_request(S3, request(line, body, headers))


def refusal(line, body=b"", headers=()):
    with pytest.raises(ServiceError) as refused:
        parse(line, body, headers)
    return refused.value


def body_of(operation, result):
    response = format_response(S3, operation, result, request_id="rid")
    assert ("Content-Type", "application/xml") in response.headers
    return response.body.decode().removeprefix('<?xml version="1.0" encoding="UTF-8"?>\n')


def test_keys_are_decoded_once_and_left_alone():
    assert parse("GET /b/a%20b/%2Fc+d//../%25").params == {"Bucket": "b", "Key": "a b//c+d//../%"}


def test_query_members_and_headers_are_read():
    headers = [("x-amz-meta-Color", "red"), ("Content-Type", "text/plain"), ("x-amz-tagging", "a=b")]
    assert parse("PUT /b/k", headers=headers).params == {
        "Bucket": "b",
        "Key": "k",
        "ContentType": "text/plain",
        "Tagging": "a=b",
        "Metadata": {"color": "red"},
    }
    listing = parse("GET /b?list-type=2&prefix=a%2Fb+c&max-keys=5&fetch-owner=true")
    assert listing.params == {"Bucket": "b", "Prefix": "a/b c", "MaxKeys": 5, "FetchOwner": True}


def test_headers_hidden_in_a_presigned_query_count_as_headers():
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=d&x-amz-meta-a=b&X-Amz-Copy-Source=%2Fsource%2Fkey"
    parsed = parse(f"PUT /b/k?{query}")
    assert parsed.operation == "CopyObject"
    assert parsed.params == {"Bucket": "b", "Key": "k", "CopySource": "/source/key", "Metadata": {"a": "b"}}


def test_header_given_twice_is_refused():
    assert refusal("PUT /b/k?x-amz-acl=private", headers=[("x-amz-acl", "public-read")]).code == "InvalidArgument"
    assert refusal("PUT /b/k?x-amz-acl=private&X-Amz-Acl=public-read").code == "InvalidArgument"


def test_documents_are_read_whatever_their_namespace():
    body = b"<Delete><Object><Key>a</Key></Object><Object><Key>b</Key><VersionId>v</VersionId></Object></Delete>"
    wanted = {"Objects": [{"Key": "a"}, {"Key": "b", "VersionId": "v"}]}
    assert parse("POST /b?delete", body).params["Delete"] == wanted
    assert parse("POST /b?delete", body.replace(b"<Delete>", f"<Delete {XMLNS}>".encode())).params["Delete"] == wanted


def test_grantees_keep_their_type():
    params = {
        "Bucket": "b",
        "AccessControlPolicy": {
            "Grants": [{"Grantee": {"ID": "i", "Type": "CanonicalUser"}, "Permission": "READ"}],
            "Owner": {"ID": "o"},
        },
    }
    parsed = rest_xml.parse_request(S3, request_of(S3, "PutBucketAcl", params))
    parsed.params.pop("ContentLength", None)
    assert parsed.params == params


def test_policy_is_the_body_itself():
    assert parse("PUT /b?policy", b'{"a": "\xc3\xa9"}').params["Policy"] == '{"a": "é"}'
    assert refusal("PUT /b?policy", b"\xff").code == "MalformedXML"


def test_optional_document_may_be_absent():
    assert parse("PUT /b").params == {"Bucket": "b"}


@pytest.mark.parametrize(
    ("line", "body", "code", "status"),
    [
        ("POST /b?delete", b"", "MissingRequestBodyError", 400),
        ("PUT /b?policy", b"", "MissingRequestBodyError", 400),
        ("POST /b?delete", b"<Delete>", "MalformedXML", 400),
        ("POST /b?delete", b"<Remove/>", "MalformedXML", 400),
        ("POST /b?delete", b"<Delete/>", "MalformedXML", 400),
        ("POST /b?delete", b"<Delete><Object><Key>a</Key></Object><Unknown/></Delete>", "MalformedXML", 400),
        ("POST /b?delete", b"<!DOCTYPE a><Delete><Object><Key>a</Key></Object></Delete>", "MalformedXML", 400),
        ("GET /b?max-keys=many", b"", "InvalidArgument", 400),
        ("GET /b?prefix=a&prefix=b", b"", "InvalidArgument", 400),
        ("GET /b?prefix=%ff", b"", "InvalidURI", 400),
        ("GET /b/%ff", b"", "InvalidURI", 400),
        ("POST /b/k", b"", "InvalidArgument", 400),
        ("GET /b/k?attributes", b"", "InvalidArgument", 400),
        ("PUT /b?uploads", b"", "MethodNotAllowed", 405),
        ("GET /b?unheard-of", b"", "NotImplemented", 501),
    ],
)
def test_requests_that_cannot_be_read_are_refused_in_s3s_words(line, body, code, status):
    error = refusal(line, body)
    assert (error.code, error.status) == (code, status)


def test_operation_that_we_have_no_row_for_is_still_named():
    assert rest_xml.find_operation(S3, request("GET /b?acl")) == "GetBucketAcl"
    with pytest.raises(ServiceError) as refused:
        rest_xml.find_operation(S3, request("GET /b?prefix=%ff"))
    assert refused.value.code == "InvalidURI"


def test_listing_looks_as_s3s_does():
    result = {
        "Name": "b",
        "Contents": [{"Key": "a<b", "LastModified": datetime(2024, 1, 1, tzinfo=UTC), "ETag": '"e"', "Size": 5}],
        "CommonPrefixes": [{"Prefix": "p/"}],
        "IsTruncated": False,
    }
    assert body_of("ListObjectsV2", result) == (
        f"<ListBucketResult {XMLNS}><Name>b</Name>"
        '<Contents><Key>a&lt;b</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag>'
        "<Size>5</Size></Contents><CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>"
        "<IsTruncated>false</IsTruncated></ListBucketResult>"
    )


@pytest.mark.parametrize(
    ("operation", "result", "root"),
    [
        ("ListBuckets", {"Buckets": []}, "ListAllMyBucketsResult"),
        ("ListObjects", {}, "ListBucketResult"),
        ("ListObjectVersions", {}, "ListVersionsResult"),
        ("ListMultipartUploads", {}, "ListMultipartUploadsResult"),
        ("ListParts", {}, "ListPartsResult"),
        ("CreateMultipartUpload", {"UploadId": "u"}, "InitiateMultipartUploadResult"),
        ("CompleteMultipartUpload", {"ETag": "e"}, "CompleteMultipartUploadResult"),
        ("CopyObject", {"CopyObjectResult": {"ETag": "e"}}, "CopyObjectResult"),
        ("DeleteObjects", {}, "DeleteResult"),
        ("GetBucketVersioning", {"Status": "Enabled"}, "VersioningConfiguration"),
    ],
)
def test_documents_have_s3s_root_elements(operation, result, root):
    assert body_of(operation, result).startswith(f"<{root} {XMLNS}>")


@pytest.mark.parametrize(("location", "text"), [("eu-west-1", "eu-west-1"), (None, "")])
def test_location_is_a_bare_element(location, text):
    xml = body_of("GetBucketLocation", {"LocationConstraint": location})
    assert xml == f"<LocationConstraint {XMLNS}>{text}</LocationConstraint>"


def test_policy_answers_as_json():
    response = format_response(S3, "GetBucketPolicy", {"Policy": "{}"}, request_id="rid")
    assert response.body == b"{}"
    assert ("Content-Type", "application/json") in response.headers


def test_object_answers_headers_and_part_of_one_is_206():
    result = {
        "ContentLength": 3,
        "ContentType": "text/plain",
        "LastModified": datetime(2024, 1, 1, tzinfo=UTC),
        "ETag": '"e"',
        "Metadata": {"user-agent": "AWSTransfer"},
    }
    response = format_response(S3, "GetObject", result, request_id="rid")
    assert response.status == 200
    assert dict(response.headers) == {
        "x-amz-request-id": "rid",
        "Content-Length": "3",
        "Content-Type": "text/plain",
        "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT",
        "ETag": '"e"',
        "x-amz-meta-user-agent": "AWSTransfer",
    }
    part = format_response(S3, "GetObject", {**result, "ContentRange": "bytes 0-2/9"}, request_id="rid")
    assert part.status == 206


@pytest.mark.parametrize(
    ("operation", "result", "status"),
    [
        ("DeleteObject", {}, 204),
        ("DeleteBucket", {}, 204),
        ("PutObject", {"ETag": '"e"'}, 200),
        ("CreateBucket", {"Location": "/b"}, 200),
        ("HeadBucket", {"BucketRegion": "us-east-1"}, 200),
        ("PutBucketPolicy", {}, 200),
        ("GetBucketEncryption", {}, 200),
    ],
)
def test_answers_without_a_document_have_no_body(operation, result, status):
    response = format_response(S3, operation, result, request_id="rid")
    assert (response.status, response.body) == (status, b"")
    assert "Content-Type" not in dict(response.headers)


def test_member_that_the_model_has_not_is_a_mistake():
    with pytest.raises(TypeError):
        format_response(S3, "PutObject", {"Etag": "e"}, request_id="rid")


def test_error_is_bare_with_its_resource():
    error = ServiceError(
        "NoSuchBucket", "The specified bucket does not exist", members={"BucketName": "b", "Resource": "/b"}
    )
    response = format_error(S3, error, request_id="rid")
    assert response.status == 404
    assert response.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message>"
        "<BucketName>b</BucketName><Resource>/b</Resource><RequestId>rid</RequestId></Error>"
    )
    parsed = parse_response(S3, "ListObjects", response)
    assert parsed["Error"]["BucketName"] == "b"


def test_not_modified_has_no_body():
    error = ServiceError("NotModified", "Not Modified", status=304, headers={"ETag": '"e"'})
    response = format_error(S3, error, request_id="rid")
    assert (response.status, response.body) == (304, b"")
    assert ("ETag", '"e"') in response.headers


def test_input_that_is_a_document_without_a_payload_member():
    params = {
        "Bucket": "b",
        "Key": "k",
        "Expression": "select *",
        "ExpressionType": "SQL",
        "InputSerialization": {"CompressionType": "NONE"},
        "OutputSerialization": {"CSV": {"FieldDelimiter": ","}},
    }
    parsed = rest_xml.parse_request(S3, request_of(S3, "SelectObjectContent", params))
    assert (parsed.operation, parsed.params) == ("SelectObjectContent", params)
    assert rest_xml.parse_request(S3, request("POST /b/k?select&select-type=2")).params == {"Bucket": "b", "Key": "k"}


def test_operation_without_an_input_has_no_parameters():
    operation = {"name": "List", "http": {"method": "GET", "requestUri": "/"}}
    model = ServiceModel({"metadata": {"protocol": "rest-xml"}, "operations": {"List": operation}})
    assert rest_xml.parse_request(model, request("GET /")).params == {}
