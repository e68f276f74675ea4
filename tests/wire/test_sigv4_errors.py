import pytest

from crossdock.wire.sigv4 import expired_token, flavour_of, invalid_token, missing_signature, unknown_access_key


@pytest.mark.parametrize(
    ("service", "flavour"),
    [
        ("s3", "s3"),
        ("lambda", "rest-json"),
        ("iam", "query"),
        ("sts", "query"),
        ("cloudformation", "query"),
        ("ec2", "ec2"),
        ("transfer", "json"),
        ("secretsmanager", "json"),
    ],
)
def test_services_have_flavours(service, flavour):
    assert flavour_of(service) == flavour


@pytest.mark.parametrize(
    ("make", "s3", "json", "rest_json", "query", "ec2"),
    [
        (
            missing_signature,
            ("AccessDenied", 403),
            ("MissingAuthenticationTokenException", 400),
            ("MissingAuthenticationTokenException", 403),
            ("MissingAuthenticationToken", 403),
            ("MissingAuthenticationToken", 403),
        ),
        (
            lambda flavour: unknown_access_key(flavour, "AKID"),
            ("InvalidAccessKeyId", 403),
            ("UnrecognizedClientException", 400),
            ("UnrecognizedClientException", 403),
            ("InvalidClientTokenId", 403),
            ("AuthFailure", 401),
        ),
        (
            invalid_token,
            ("InvalidToken", 400),
            ("UnrecognizedClientException", 400),
            ("UnrecognizedClientException", 403),
            ("InvalidClientTokenId", 403),
            ("AuthFailure", 401),
        ),
        (
            expired_token,
            ("ExpiredToken", 400),
            ("ExpiredTokenException", 400),
            ("ExpiredTokenException", 403),
            ("ExpiredToken", 403),
            ("RequestExpired", 403),
        ),
    ],
)
def test_refusals_have_the_codes_of_their_flavour(make, s3, json, rest_json, query, ec2):
    found = {flavour: make(flavour) for flavour in ("s3", "json", "rest-json", "query", "ec2")}
    assert {flavour: (error.code, error.status) for flavour, error in found.items()} == {
        "s3": s3,
        "json": json,
        "rest-json": rest_json,
        "query": query,
        "ec2": ec2,
    }


def test_s3_names_the_access_key_that_it_does_not_know():
    assert unknown_access_key("s3", "AKID").members == {"AWSAccessKeyId": "AKID"}
