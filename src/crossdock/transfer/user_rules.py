"""What a service-managed user may be: CreateUser's, UpdateUser's and ImportSshPublicKey's rules, as pure checks.

Source: AWS Transfer Family API Reference, CreateUser, UpdateUser and ImportSshPublicKey; User Guide, "Working with
service-managed users"; AWS General Reference, "AWS Transfer Family endpoints and quotas".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from crossdock.core.arns import parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.core.logins import is_username
from crossdock.core.ssh_public_keys import BadPublicKey, PublicKeyLine, parse_public_key
from crossdock.transfer.faults import invalid_request, ssh_key_exists
from crossdock.transfer.home_mappings import BadHome, check_mappings, path_home
from crossdock.transfer.user_records import SshKey

MAX_USERS = 10_000
MAX_KEYS = 50
MAX_MAPPINGS = 2_000
"""The quotas, which AWS raises on request: users of a server, keys of a user, entries of a user's mappings."""

_SETTINGS = ("Role", "HomeDirectory", "HomeDirectoryType", "HomeDirectoryMappings", "Policy", "PosixProfile")
_CLEARED_WHEN_EMPTY = ("HomeDirectory", "Policy")


def new_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """What CreateUser's input says of the user, checked. Raises ServiceError InvalidRequestException."""
    if not is_username(params["UserName"]):
        raise invalid_request("UserName must be 3 to 100 of the characters A-Z a-z 0-9 _ @ . -")
    return _checked({"HomeDirectoryType": "PATH", **_given(params)})


def changed_settings(before: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The settings after UpdateUser: members that are named replace, an empty text clears, and a user who goes over to
    PATH loses the mappings. Raises ServiceError InvalidRequestException.
    """
    settings = {**before, **_given(params)}
    if settings["HomeDirectoryType"] == "PATH" and not params.get("HomeDirectoryMappings"):
        settings.pop("HomeDirectoryMappings", None)
    return _checked(settings)


def check_room_for_user(count: int) -> None:
    """`count` users are there already. Raises ServiceError InvalidRequestException."""
    if count >= MAX_USERS:
        raise invalid_request(f"A server can have at most {MAX_USERS} users")


def check_new_key(body: str, kept: Sequence[SshKey]) -> PublicKeyLine:
    """A key that is to join those that a user has.

    Raises:
        ServiceError: InvalidRequestException for what is no key and for one too many, ResourceExistsException for a key
            that the user has already, whatever its comment.
    """
    try:
        key = parse_public_key(body)
    except BadPublicKey as error:
        raise invalid_request(f"Unsupported or invalid SSH public key format: {error}") from error
    same = next((one for one in kept if one.body.split()[:2] == str(key).split()[:2]), None)
    if same is not None:
        raise ssh_key_exists(same.key_id)
    if len(kept) >= MAX_KEYS:
        raise invalid_request(f"A user can have at most {MAX_KEYS} SSH public keys")
    return key


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: params[name] for name in _SETTINGS if name in params}


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    _check_role(settings["Role"])
    try:
        _check_home(settings)
    except BadHome as error:
        raise invalid_request(str(error)) from error
    return {name: value for name, value in settings.items() if value or name not in _CLEARED_WHEN_EMPTY}


def _check_role(role: str) -> None:
    try:
        arn = parse_arn(role)
    except InvalidArn as error:
        raise invalid_request("Role must be the ARN of an IAM role") from error
    if arn.service != "iam" or not arn.resource.startswith("role/"):
        raise invalid_request("Role must be the ARN of an IAM role")


def _check_home(settings: Mapping[str, Any]) -> None:
    path_home(settings.get("HomeDirectory"))
    mappings = settings.get("HomeDirectoryMappings")
    if settings["HomeDirectoryType"] == "PATH":
        if mappings:
            raise BadHome("HomeDirectoryMappings can only be used with HomeDirectoryType LOGICAL")
        return
    if not mappings:
        raise BadHome("HomeDirectoryMappings is required when HomeDirectoryType is LOGICAL")
    check_mappings(mappings)
    if len(mappings) > MAX_MAPPINGS:
        raise BadHome(f"HomeDirectoryMappings has more than {MAX_MAPPINGS} entries")
