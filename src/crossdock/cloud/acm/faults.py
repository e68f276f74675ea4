"""How ACM says no.

Source: ACM API Reference, the errors of its operations.
"""

from crossdock.core.errors import ServiceError


def invalid(sentence: str) -> ServiceError:
    return ServiceError("ValidationException", sentence)


def invalid_arn(arn: str) -> ServiceError:
    return ServiceError("InvalidArnException", f"{arn} is not the ARN of a certificate.")


def invalid_args(sentence: str) -> ServiceError:
    return ServiceError("InvalidArgsException", sentence)


def invalid_parameter(sentence: str) -> ServiceError:
    return ServiceError("InvalidParameterException", sentence)


def invalid_tag(sentence: str) -> ServiceError:
    return ServiceError("InvalidTagException", sentence)


def too_many_tags(limit: int) -> ServiceError:
    return ServiceError("TooManyTagsException", f"A certificate can have at most {limit} tags.")


def not_found(arn: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", f"Could not find certificate {arn}.")


def in_use(arn: str, user: str) -> ServiceError:
    return ServiceError("ResourceInUseException", f"Certificate {arn} is in use by {user}.")


def limit_exceeded(sentence: str) -> ServiceError:
    return ServiceError("LimitExceededException", sentence)
