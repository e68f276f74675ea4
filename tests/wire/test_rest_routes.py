import pytest
from botocore.model import ServiceModel
from tests.fakes.aws_models import model_of

from crossdock.wire.http import Headers, split_query
from crossdock.wire.rest_routes import NoRoute, Unroutable, path_labels, router_of

S3 = model_of("s3")
LAMBDA = model_of("lambda")


def find(model, line, *headers):
    method, target = line.split(" ", 1)
    path, _, query = target.partition("?")
    return router_of(model).find(method, path, split_query(query), Headers((name, "x") for name in headers))


@pytest.mark.parametrize(
    ("line", "operation"),
    [
        ("GET /", "ListBuckets"),
        ("GET ", "ListBuckets"),
        ("GET /?x-id=ListBuckets", "ListBuckets"),
        ("GET /?x-id=ListDirectoryBuckets", "ListDirectoryBuckets"),
        ("PUT /b", "CreateBucket"),
        ("PUT /b/", "CreateBucket"),
        ("HEAD /b", "HeadBucket"),
        ("DELETE /b", "DeleteBucket"),
        ("GET /b", "ListObjects"),
        ("GET /b?prefix=a/&delimiter=/&marker=&max-keys=5", "ListObjects"),
        ("GET /b?list-type=2", "ListObjectsV2"),
        ("GET /b?list-type=2&continuation-token=t&start-after=", "ListObjectsV2"),
        ("GET /b?versions", "ListObjectVersions"),
        ("GET /b?uploads", "ListMultipartUploads"),
        ("GET /b?uploads=", "ListMultipartUploads"),
        ("GET /b?location", "GetBucketLocation"),
        ("GET /b?acl", "GetBucketAcl"),
        ("GET /b?policy", "GetBucketPolicy"),
        ("PUT /b?policy", "PutBucketPolicy"),
        ("DELETE /b?policy", "DeleteBucketPolicy"),
        ("GET /b?policyStatus", "GetBucketPolicyStatus"),
        ("GET /b?analytics", "ListBucketAnalyticsConfigurations"),
        ("GET /b?analytics&id=1", "GetBucketAnalyticsConfiguration"),
        ("PUT /b?analytics", "PutBucketAnalyticsConfiguration"),
        ("GET /b?lifecycle", "GetBucketLifecycleConfiguration"),
        ("GET /b?lifecycle&x-id=GetBucketLifecycle", "GetBucketLifecycle"),
        ("POST /b?delete", "DeleteObjects"),
        ("GET /b/k", "GetObject"),
        ("GET /b/a/b/c/", "GetObject"),
        ("GET /b//", "GetObject"),
        ("GET /b//a", "GetObject"),
        ("GET /b/k?partNumber=2", "GetObject"),
        ("GET /b/k?versionId=null&response-content-type=text/plain", "GetObject"),
        ("GET /b/k?X-Amz-Algorithm=a&X-Amz-Signature=b", "GetObject"),
        ("GET /b/k?cache-buster=1", "GetObject"),
        ("GET /b/k?x-id=GetObject", "GetObject"),
        ("GET /b/k?acl", "GetObjectAcl"),
        ("GET /b/k?attributes", "GetObjectAttributes"),
        ("GET /b/k?tagging", "GetObjectTagging"),
        ("GET /b/k?uploadId=u", "ListParts"),
        ("HEAD /b/k", "HeadObject"),
        ("PUT /b/k", "PutObject"),
        ("PUT /b/k?partNumber=1&uploadId=u", "UploadPart"),
        ("DELETE /b/k", "DeleteObject"),
        ("DELETE /b/k?uploadId=u", "AbortMultipartUpload"),
        ("POST /b/k?uploads", "CreateMultipartUpload"),
        ("POST /b/k?uploadId=u", "CompleteMultipartUpload"),
        ("POST /b/k?select&select-type=2", "SelectObjectContent"),
        ("POST /b/k?restore", "RestoreObject"),
        ("POST /WriteGetObjectResponse", "WriteGetObjectResponse"),
        ("GET /WriteGetObjectResponse", "ListObjects"),
        ("POST /WriteGetObjectResponse/k?uploads", "CreateMultipartUpload"),
    ],
)
def test_s3_requests_mean_operations(line, operation):
    assert find(S3, line) == operation


def test_copy_source_makes_a_put_a_copy():
    assert find(S3, "PUT /b/k", "x-amz-copy-source") == "CopyObject"
    assert find(S3, "PUT /b/k?partNumber=1&uploadId=u", "x-amz-copy-source") == "UploadPartCopy"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("PUT /", Unroutable.METHOD),
        ("PATCH /b", Unroutable.METHOD),
        ("POST /b", Unroutable.METHOD),
        ("GET //k", Unroutable.METHOD),
        ("PUT /b?location", Unroutable.METHOD),
        ("PUT /b?uploads", Unroutable.METHOD),
        ("PUT /b/k?uploads", Unroutable.METHOD),
        ("PUT /b/k?torrent", Unroutable.METHOD),
        ("PUT /b/k?policy", Unroutable.METHOD),
        ("PUT /b/k?uploadId=u", Unroutable.METHOD),
        ("PUT /b/k?partNumber=1", Unroutable.METHOD),
        ("HEAD /b/k?acl", Unroutable.METHOD),
        ("DELETE /b/k?acl", Unroutable.METHOD),
        ("GET /b?list-type=3", Unroutable.METHOD),
        ("GET /b?lifecycle&x-id=ListObjects", Unroutable.METHOD),
        ("GET /b/k?tagging&acl", Unroutable.METHOD),
        ("GET /b?replication-metrics", Unroutable.SUBRESOURCE),
        ("PUT /b?unheard-of", Unroutable.SUBRESOURCE),
        ("PUT /b/k?unheard-of=", Unroutable.SUBRESOURCE),
        ("PATCH /b/k?unheard-of=", Unroutable.SUBRESOURCE),
        ("DELETE /b?unheard-of", Unroutable.SUBRESOURCE),
        ("GET /b?x-id=UnheardOf", Unroutable.SUBRESOURCE),
    ],
)
def test_no_subresource_falls_through_to_another_operation(line, reason):
    with pytest.raises(NoRoute) as refused:
        find(S3, line)
    assert refused.value.reason is reason


def test_every_subresource_of_the_model_is_refused_where_its_operation_is_not():
    plain = {"GetObject", "PutObject", "DeleteObject", "ListObjects", "CreateBucket", "DeleteBucket", "HeadObject"}
    for key in router_of(S3).telling_keys:
        for method in ("GET", "PUT", "DELETE", "HEAD", "POST"):
            for path in ("/b", "/b/k"):
                try:
                    operation = find(S3, f"{method} {path}?{key}")
                except NoRoute:
                    continue
                known_by_both = {"GetObject", "HeadObject"} if key == "partNumber" else set()
                assert operation not in plain - known_by_both, (method, path, key)


@pytest.mark.parametrize(
    ("line", "operation"),
    [
        ("POST /2015-03-31/functions", "CreateFunction"),
        ("POST /2015-03-31/functions/", "CreateFunction"),
        ("GET /2015-03-31/functions/f", "GetFunction"),
        ("GET /2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A111111111111%3Afunction%3Af", "GetFunction"),
        ("POST /2015-03-31/functions/f/invocations", "Invoke"),
        ("GET /2018-10-31/layers?find=LayerVersion&Arn=a", "GetLayerVersionByArn"),
        ("GET /2018-10-31/layers", "ListLayers"),
        ("DELETE /2017-03-31/tags/arn", "UntagResource"),
    ],
)
def test_lambda_requests_mean_operations(line, operation):
    assert find(LAMBDA, line) == operation


@pytest.mark.parametrize(
    "line", ["GET /", "GET /2015-03-31/functions//invocations", "GET /2015-03-31/functions/f/nothing"]
)
def test_paths_that_lambda_has_not_lead_nowhere(line):
    with pytest.raises(NoRoute):
        find(LAMBDA, line)


def test_labels_are_the_raw_segments():
    operation = S3.operation_model("GetObject")
    assert path_labels(operation, "/b/a%2Fb//c/") == {"Bucket": "b", "Key": "a%2Fb//c/"}
    operation = LAMBDA.operation_model("Invoke")
    assert path_labels(operation, "/2015-03-31/functions/a%3Ab/invocations") == {"FunctionName": "a%3Ab"}


def test_greedy_label_before_the_end_is_a_model_that_we_do_not_serve():
    operation = {"name": "A", "http": {"method": "GET", "requestUri": "/{All+}/end"}}
    with pytest.raises(ValueError, match="greedy"):
        router_of(ServiceModel({"metadata": {}, "operations": {"A": operation}}))


def test_literal_segments_win_over_labels_and_labels_over_greedy_ones():
    uris = {"Literal": "/a/b", "Label": "/a/{B}", "Greedy": "/a/{Rest+}"}
    model = ServiceModel(
        {
            "metadata": {},
            "operations": {
                name: {"name": name, "http": {"method": "GET", "requestUri": uri}} for name, uri in uris.items()
            },
        }
    )
    assert find(model, "GET /a/b") == "Literal"
    assert find(model, "GET /a/c") == "Label"
    assert find(model, "GET /a/c/d") == "Greedy"
    assert find(model, "GET /a/c?any") == "Label"
