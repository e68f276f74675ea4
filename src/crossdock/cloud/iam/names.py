"""IAM's rules for names, paths, tags and numbers.

Source: IAM API Reference, the parameters of CreateRole and CreatePolicy; IAM User Guide, "IAM and AWS STS quotas".
"""

import re
from collections.abc import Mapping, Sequence

from crossdock.cloud.iam.errors import broken_constraint, invalid_input, limit_exceeded, validation_error

MAX_ROLE_NAME = 64
MAX_POLICY_NAME = 128
MAX_TAGS = 50
MAX_SESSION_S = 43_200
MIN_MAX_SESSION_S = 3_600

_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]+")
_PATH = re.compile(r"/|/[!-~]+/")
_POLICY_PATH = re.compile(r"((/[A-Za-z0-9.,+@=_-]+)*)/")
_SERVICE_LINKED = "/aws-service-role/"
# \w, \s and the signs: Python's \w covers \p{L} and \p{N}, with the underscore that AWS lists apart.
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")


def check_name(member: str, name: str, *, max_chars: int) -> None:
    """Raise ValidationError for a name of a role or policy that IAM does not take."""
    if len(name) > max_chars:
        raise broken_constraint(member, name, f"have length less than or equal to {max_chars}")
    if not _NAME.fullmatch(name):
        raise validation_error(
            f"The specified value for {member} is invalid. It must contain only alphanumeric characters and/or the "
            "following: +=,.@_-"
        )


def check_path(path: str) -> None:
    """Nobody makes a role below the path of service-linked roles, which no service control policy binds.

    Source: IAM User Guide, "Create a service-linked role": only the service makes one, by CreateServiceLinkedRole.
    """
    if len(path) > 512 or not _PATH.fullmatch(path):
        raise _bad_path()
    if path.startswith(_SERVICE_LINKED):
        raise invalid_input(f"The path {_SERVICE_LINKED} is reserved for service-linked roles.")


def check_policy_path(path: str) -> None:
    """Policies take fewer characters in their path than roles."""
    if len(path) > 512 or not _POLICY_PATH.fullmatch(path):
        raise _bad_path()


def check_description(text: str) -> None:
    if len(text) > 1000:
        raise broken_constraint("description", text, "have length less than or equal to 1000")


def check_max_session(seconds: int) -> None:
    if seconds < MIN_MAX_SESSION_S:
        raise broken_constraint("maxSessionDuration", seconds, "have value greater than or equal to 3600")
    if seconds > MAX_SESSION_S:
        raise broken_constraint("maxSessionDuration", seconds, "have value less than or equal to 43200")


def read_tags(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """A `Tags` parameter as a mapping.

    Raises:
        ServiceError: InvalidInput for doubled keys (case does not count) and keys that begin with `aws:`,
            ValidationError for characters and lengths, LimitExceeded for more than fifty.

    Source: IAM User Guide, "Tags for IAM resources".
    """
    found = {tag["Key"]: tag["Value"] for tag in tags}
    if len({key.lower() for key in found}) != len(tags):
        raise invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    for key, value in found.items():
        if key.lower().startswith("aws:"):
            raise invalid_input("Tag keys that begin with aws: are reserved for system use.")
        if not 1 <= len(key) <= 128 or not _TAG_TEXT.fullmatch(key):
            raise broken_constraint(
                "tags.member.key", key, r"satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+"
            )
        if len(value) > 256 or not _TAG_TEXT.fullmatch(value):
            raise broken_constraint(
                "tags.member.value", value, r"satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*"
            )
    check_tag_count(found)
    return found


def merge_tags(present: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Tags after TagRole: a key that is there already, in whatever case, is replaced."""
    folded = {key.lower() for key in added}
    merged = {key: value for key, value in present.items() if key.lower() not in folded} | dict(added)
    check_tag_count(merged)
    return merged


def remove_tags(present: Mapping[str, str], keys: Sequence[str]) -> dict[str, str]:
    folded = {key.lower() for key in keys}
    return {key: value for key, value in present.items() if key.lower() not in folded}


def check_tag_count(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise limit_exceeded(f"The number of tags has reached the maximum limit of {MAX_TAGS}.")


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as answers carry them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _bad_path() -> Exception:
    return validation_error(
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric "
        "characters and/or / characters."
    )
