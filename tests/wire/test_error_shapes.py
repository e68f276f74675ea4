import pytest
from tests.fakes.aws_models import model_of

from crossdock.core.errors import Fault, ServiceError
from crossdock.wire.error_shapes import modelled_error

LAMBDA = model_of("lambda")


@pytest.mark.parametrize(
    ("service", "error", "status"),
    [
        ("lambda", ServiceError("ResourceNotFoundException", "m"), 404),
        ("lambda", ServiceError("ResourceNotFoundException", "m", status=410), 410),
        ("iam", ServiceError("NoSuchEntity", "m"), 404),
        ("s3", ServiceError("NoSuchBucket", "m"), 404),
        ("s3", ServiceError("NoSuchBucketPolicy", "m", status=404), 404),
        ("transfer", ServiceError("InternalServiceError", "m", fault=Fault.RECEIVER), 500),
        ("transfer", ServiceError("Whatever", "m"), 400),
    ],
)
def test_status_is_the_errors_own_or_the_models_or_by_whose_fault_it_is(service, error, status):
    assert modelled_error(model_of(service), error).status == status


def test_members_go_where_the_model_says():
    error = ServiceError(
        "TooManyRequestsException",
        "slow down",
        members={"retryAfterSeconds": "3", "Reason": "ConcurrentInvocationLimitExceeded", "Other": "x"},
        headers={"x-a": "b"},
    )
    known = modelled_error(LAMBDA, error)
    assert known.headers == (("x-a", "b"), ("Retry-After", "3"))
    assert known.members == {"Reason": "ConcurrentInvocationLimitExceeded", "Other": "x", "Type": "User"}
    assert known.message_name == "message"
    assert known.status == 429


def test_lambdas_errors_say_whose_mistake_it_was():
    error = ServiceError("ServiceException", "m", fault=Fault.RECEIVER)
    assert modelled_error(LAMBDA, error).members == {"Type": "Service"}
    assert modelled_error(LAMBDA, error).message_name == "Message"
    error = ServiceError("ServiceException", "m", members={"Type": "Mine"})
    assert modelled_error(LAMBDA, error).members == {"Type": "Mine"}


def test_shape_name_may_differ_from_the_code():
    assert modelled_error(model_of("iam"), ServiceError("NoSuchEntity", "m")).shape_name == "NoSuchEntityException"
    assert modelled_error(model_of("iam"), ServiceError("Unmodelled", "m")).shape_name == "Unmodelled"
