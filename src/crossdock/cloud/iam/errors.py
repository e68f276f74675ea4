"""How IAM says no, in AWS's words.

Codes and statuses are those of the IAM service model; the sentences are what the service answers.
"""

from crossdock.core.errors import ServiceError


def no_such_entity(message: str) -> ServiceError:
    return ServiceError("NoSuchEntity", message, status=404)


def no_such_role(name: str) -> ServiceError:
    return no_such_entity(f"The role with name {name} cannot be found.")


def no_such_policy(arn: str) -> ServiceError:
    return no_such_entity(f"Policy {arn} was not found.")


def already_exists(message: str) -> ServiceError:
    return ServiceError("EntityAlreadyExists", message, status=409)


def delete_conflict(message: str) -> ServiceError:
    return ServiceError("DeleteConflict", message, status=409)


def limit_exceeded(message: str) -> ServiceError:
    return ServiceError("LimitExceeded", message, status=409)


def malformed_document(sentence: str) -> ServiceError:
    return ServiceError("MalformedPolicyDocument", sentence)


def invalid_input(message: str) -> ServiceError:
    return ServiceError("InvalidInput", message)


def validation_error(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)


def broken_constraint(member: str, value: object, constraint: str) -> ServiceError:
    """The sentence of AWS's request validation; `constraint` goes on after "Member must"."""
    return validation_error(
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
        f"Member must {constraint}"
    )
