"""How Lambda says no, in AWS's words."""

from crossdock.core.errors import Fault, ServiceError


def invalid_parameter(sentence: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", sentence)


def validation(member: str, value: object, constraint: str) -> ServiceError:
    return ServiceError(
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
        f"Member must {constraint}",
    )


def not_found(function_arn: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", f"Function not found: {function_arn}", status=404)


def no_such_policy() -> ServiceError:
    return ServiceError("ResourceNotFoundException", "The resource you requested does not exist.", status=404)


def no_such_statement(sid: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", f"Statement {sid} is not found in resource policy.", status=404)


def already_exists(name: str) -> ServiceError:
    return ServiceError("ResourceConflictException", f"Function already exist: {name}", status=409)


def statement_exists(sid: str) -> ServiceError:
    return ServiceError(
        "ResourceConflictException",
        f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing "
        "statement.",
        status=409,
    )


def stale_revision() -> ServiceError:
    return ServiceError(
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve "
        "the latest Revision Id",
        status=412,
    )


def too_large(sentence: str) -> ServiceError:
    return ServiceError("RequestTooLargeException", sentence, status=413)


def invalid_content(sentence: str) -> ServiceError:
    return ServiceError("InvalidRequestContentException", sentence)


def role_not_assumable() -> ServiceError:
    return invalid_parameter("The role defined for the function cannot be assumed by Lambda.")


def too_many_requests() -> ServiceError:
    return ServiceError(
        "TooManyRequestsException",
        "Rate Exceeded.",
        status=429,
        members={"Reason": "ConcurrentInvocationLimitExceeded"},
    )


def unusable(sentence: str) -> ServiceError:
    """A function whose processes cannot be started: the operator's mistake, or the disk's, never the caller's."""
    return ServiceError("InvalidRuntimeException", sentence, status=502, fault=Fault.RECEIVER)


def sealed_environment() -> ServiceError:
    return ServiceError(
        "KMSAccessDeniedException",
        "Lambda was unable to decrypt the environment variables: they were encrypted with another key than the "
        "service's present one.",
        status=502,
        fault=Fault.RECEIVER,
    )
