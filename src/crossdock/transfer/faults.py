"""The errors of the Transfer API, in its own words."""

from crossdock.core.errors import ServiceError


def invalid_request(sentence: str) -> ServiceError:
    return ServiceError("InvalidRequestException", sentence)


def unknown_server(server_id: str) -> ServiceError:
    return _not_found("Unknown server", server_id, "Server")


def unknown_user(user_name: str) -> ServiceError:
    return _not_found("Unknown user", user_name, "User")


def unknown_ssh_key(key_id: str) -> ServiceError:
    return _not_found("Unknown SSH public key", key_id, "SshPublicKey")


def unknown_host_key(key_id: str) -> ServiceError:
    return _not_found("Unknown host key", key_id, "HostKey")


def unknown_security_policy(name: str) -> ServiceError:
    return _not_found("Unknown security policy", name, "SecurityPolicy")


def server_exists(server_id: str) -> ServiceError:
    """Of a server whose id its owner chose, which no other of any account may have."""
    return _exists("There is a server of this id already", server_id, "Server")


def user_exists(user_name: str) -> ServiceError:
    return _exists("User already exists", user_name, "User")


def ssh_key_exists(key_id: str) -> ServiceError:
    return _exists("The user has this SSH public key already", key_id, "SshPublicKey")


def host_key_exists(key_id: str) -> ServiceError:
    return _exists("The server has this host key already", key_id, "HostKey")


def _exists(sentence: str, resource: str, kind: str) -> ServiceError:
    return ServiceError(
        "ResourceExistsException",
        sentence,
        members={"Message": sentence, "Resource": resource, "ResourceType": kind},
    )


def _not_found(sentence: str, resource: str, kind: str) -> ServiceError:
    return ServiceError(
        "ResourceNotFoundException",
        sentence,
        members={"Message": sentence, "Resource": resource, "ResourceType": kind},
    )
