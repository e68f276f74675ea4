"""The errors of the Transfer API, in its own words."""

from crossdock.core.errors import ServiceError


def invalid_request(sentence: str) -> ServiceError:
    return ServiceError("InvalidRequestException", sentence)


def unknown_server(server_id: str) -> ServiceError:
    return _not_found("Unknown server", server_id, "Server")


def unknown_user(user_name: str) -> ServiceError:
    return _not_found("Unknown user", user_name, "User")


def unknown_security_policy(name: str) -> ServiceError:
    return _not_found("Unknown security policy", name, "SecurityPolicy")


def user_exists(user_name: str) -> ServiceError:
    return ServiceError(
        "ResourceExistsException",
        "User already exists",
        members={"Message": "User already exists", "Resource": user_name, "ResourceType": "User"},
    )


def _not_found(sentence: str, resource: str, kind: str) -> ServiceError:
    return ServiceError(
        "ResourceNotFoundException",
        sentence,
        members={"Message": sentence, "Resource": resource, "ResourceType": kind},
    )
