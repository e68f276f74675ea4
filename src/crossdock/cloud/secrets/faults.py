"""Secrets Manager's errors, in its own words."""

from crossdock.core.errors import ServiceError


def not_found() -> ServiceError:
    return ServiceError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")


def value_not_found(what: str) -> ServiceError:
    return ServiceError(
        "ResourceNotFoundException", f"Secrets Manager can't find the specified secret value for {what}"
    )


def marked_for_deletion() -> ServiceError:
    return ServiceError(
        "InvalidRequestException",
        "You can't perform this operation on the secret because it was marked for deletion.",
    )


def exists(name: str) -> ServiceError:
    return ServiceError("ResourceExistsException", f"The operation failed because the secret {name} already exists.")


def token_in_use(token: str, arn: str) -> ServiceError:
    return ServiceError(
        "ResourceExistsException",
        f"You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}.",
    )


def invalid_parameter(sentence: str) -> ServiceError:
    return ServiceError("InvalidParameterException", sentence)


def invalid_request(sentence: str) -> ServiceError:
    return ServiceError("InvalidRequestException", sentence)
