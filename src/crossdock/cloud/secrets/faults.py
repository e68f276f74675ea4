"""How Secrets Manager says no, in AWS's words."""

from crossdock.core.errors import ServiceError


def not_found() -> ServiceError:
    return ServiceError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")


def no_such_value(what: str) -> ServiceError:
    return ServiceError(
        "ResourceNotFoundException", f"Secrets Manager can't find the specified secret value for {what}"
    )


def invalid_request(sentence: str) -> ServiceError:
    return ServiceError("InvalidRequestException", sentence)


def invalid_parameter(sentence: str) -> ServiceError:
    return ServiceError("InvalidParameterException", sentence)


def marked_for_deletion() -> ServiceError:
    return invalid_request("You can't perform this operation on the secret because it was marked for deletion.")


def still_scheduled() -> ServiceError:
    return invalid_request(
        "You can't create this secret because a secret with this name is already scheduled for deletion."
    )


def already_exists(name: str) -> ServiceError:
    return ServiceError("ResourceExistsException", f"The operation failed because the secret {name} already exists.")


def token_in_use(token: str, arn: str) -> ServiceError:
    return ServiceError(
        "ResourceExistsException",
        f"You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}.",
    )


def malformed_policy(sentence: str) -> ServiceError:
    return ServiceError("MalformedPolicyDocumentException", sentence)


def public_policy() -> ServiceError:
    return ServiceError("PublicPolicyException", "The resource policy did not prevent broad access to the secret.")


def limit_exceeded(sentence: str) -> ServiceError:
    return ServiceError("LimitExceededException", sentence)
