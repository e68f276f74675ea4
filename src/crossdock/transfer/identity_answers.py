"""What an identity provider answers, read with AWS's rules.

The same JSON comes from a Lambda function and from an API Gateway.

Source: AWS Transfer Family User Guide, "Using AWS Lambda to integrate your identity provider", response parameters.
"""

import json
from collections.abc import Mapping
from typing import Any

from crossdock.core.arns import parse_arn
from crossdock.core.errors import CrossdockError, InvalidArn
from crossdock.core.homes import HomeDirectory
from crossdock.core.logins import Identity, PosixProfile
from crossdock.ports.authority import IdentityAnswer
from crossdock.transfer.home_mappings import BadHome, check_mappings, logical_home, path_home

MAX_ANSWER_BYTES = 2_200_000


class NotVouchedFor(CrossdockError):
    """The provider answered and vouches for nobody: `{}`, or no role."""


class MalformedAnswer(CrossdockError):
    """The provider's answer cannot be used; the message says what is wrong with it."""


def read_identity(payload: bytes, *, username: str) -> Identity:
    """Read a provider's answer.

    Raises:
        NotVouchedFor: an empty object, null, or an answer without a Role.
        MalformedAnswer: anything else that AWS could not use.
    """
    answer = _parse_object(payload)
    role = answer.get("Role")
    if role is None or (isinstance(role, str) and not role.strip()):
        raise NotVouchedFor("the identity provider returned no Role")
    return Identity(
        role_arn=_role_arn(role),
        home=_home(answer, username),
        session_policy=_session_policy(answer.get("Policy")),
        public_keys=_public_keys(answer.get("PublicKeys")),
        posix=_posix(answer.get("PosixProfile")),
    )


def answered(payload: bytes, *, username: str, provider: str, log: str) -> IdentityAnswer:
    """The answer as TestIdentityProvider shows it, `provider` being AWS's word for who gave it.

    `log` is where the provider says more of an answer that vouches for nobody, which AWS's words leave open.
    """
    text, remedy = payload.decode(errors="replace"), ""
    try:
        identity, message = read_identity(payload, username=username), ""
    except NotVouchedFor as error:
        identity, message = None, f"{provider} authentication failure"
        remedy = f"look into {log} for why {error}: as to a wrong password, or to a user whom it does not know"
    except MalformedAnswer as error:
        identity, message = None, f"{provider} response is malformed: {error}"
    return IdentityAnswer(identity=identity, response=text, status_code=200, message=message, remedy=remedy)


def unasked(reason: str, remedy: str = "", *, status_code: int = 500, is_silent: bool = False) -> IdentityAnswer:
    """There is no answer that counts, and this is why."""
    return IdentityAnswer(
        identity=None, response="", status_code=status_code, message=reason, remedy=remedy, is_silent=is_silent
    )


def _parse_object(payload: bytes) -> Mapping[str, Any]:
    if len(payload) > MAX_ANSWER_BYTES:
        raise MalformedAnswer(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
    try:
        answer = json.loads(payload or b"null")
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer("the answer is not JSON") from error
    if answer is None:
        return {}
    if not isinstance(answer, dict):
        raise MalformedAnswer(f"the answer must be a JSON object, not {type(answer).__name__}")
    return answer


def _role_arn(role: object) -> str:
    if not isinstance(role, str):
        raise MalformedAnswer("Role must be a text with the ARN of an IAM role")
    try:
        arn = parse_arn(role.strip())
    except InvalidArn as error:
        raise MalformedAnswer(f"Role is not the ARN of an IAM role: {role!r}") from error
    if arn.service != "iam" or not arn.resource.startswith("role/"):
        raise MalformedAnswer(f"Role is not the ARN of an IAM role: {role!r}")
    return role.strip()


def _home(answer: Mapping[str, Any], username: str) -> HomeDirectory:
    kind = answer.get("HomeDirectoryType") or "PATH"
    details = answer.get("HomeDirectoryDetails")
    try:
        if kind == "PATH":
            return path_home(answer.get("HomeDirectory"))
        if kind == "LOGICAL":
            mappings = check_mappings(_parse_details(details))
            return logical_home(mappings, username=username, start=answer.get("HomeDirectory"))
    except BadHome as error:
        raise MalformedAnswer(str(error)) from error
    raise MalformedAnswer(f"HomeDirectoryType must be PATH or LOGICAL, not {str(kind)!r}")


def _parse_details(details: object) -> object:
    if details is None:
        raise MalformedAnswer("HomeDirectoryDetails is required when HomeDirectoryType is LOGICAL")
    if not isinstance(details, str):
        # The commonest mistake of home-made providers: a list where AWS wants its JSON as a text.
        raise MalformedAnswer("HomeDirectoryDetails must be a text holding a JSON array, not the array itself")
    try:
        return json.loads(details)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer("Unable to parse Json in HomeDirectoryDetails") from error


def _session_policy(policy: object) -> str | None:
    if policy is None or policy == "":
        return None
    if not isinstance(policy, str):
        raise MalformedAnswer("Policy must be a text holding a JSON policy, not an object")
    return policy


def _public_keys(keys: object) -> tuple[str, ...]:
    if keys is None:
        return ()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise MalformedAnswer("PublicKeys must be a list of texts")
    if not keys:
        raise NotVouchedFor("the identity provider returned an empty list of PublicKeys")
    return tuple(key.strip() for key in keys)


def _posix(profile: object) -> PosixProfile | None:
    if profile is None:
        return None
    if not isinstance(profile, dict):
        raise MalformedAnswer("PosixProfile must be an object with Uid and Gid")
    secondary = profile.get("SecondaryGids", [])
    numbers = [profile.get("Uid"), profile.get("Gid"), *(secondary if isinstance(secondary, list) else [None])]
    if not all(isinstance(number, int) and 0 <= number < 2**32 for number in numbers):
        raise MalformedAnswer("PosixProfile must hold Uid and Gid as whole numbers")
    return PosixProfile(uid=numbers[0], gid=numbers[1], secondary_gids=tuple(numbers[2:]))
