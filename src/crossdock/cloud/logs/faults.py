"""How CloudWatch Logs says no, in AWS's words."""

from crossdock.core.errors import ServiceError


def no_such_group() -> ServiceError:
    return ServiceError("ResourceNotFoundException", "The specified log group does not exist.")


def no_such_stream() -> ServiceError:
    return ServiceError("ResourceNotFoundException", "The specified log stream does not exist.")


def group_exists() -> ServiceError:
    return ServiceError("ResourceAlreadyExistsException", "The specified log group already exists")


def stream_exists() -> ServiceError:
    return ServiceError("ResourceAlreadyExistsException", "The specified log stream already exists")


def invalid_parameter(sentence: str) -> ServiceError:
    return ServiceError("InvalidParameterException", sentence)


def broken_constraint(member: str, value: object, constraint: str) -> ServiceError:
    """The sentence of AWS's request validation; `constraint` goes on after "Member must"."""
    return invalid_parameter(
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
        f"Member must {constraint}"
    )


def invalid_token() -> ServiceError:
    return invalid_parameter("The specified nextToken is invalid.")


def not_implemented(member: str) -> ServiceError:
    return invalid_parameter(f"Crossdock does not implement {member}.")
