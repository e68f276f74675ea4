"""A function's variables: what they may be, and sealed at rest.

Source: Lambda Developer Guide, "Working with Lambda environment variables".
"""

import json
import re
from collections.abc import Mapping

from crossdock.cloud.lambda_.faults import invalid_parameter
from crossdock.ports.host import Sealer

MAX_BYTES = 4096
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+", re.ASCII)
RESERVED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
"""Besides those that begin with an underscore, which no name may."""


def check_variables(variables: Mapping[str, str]) -> None:
    """Raises ServiceError InvalidParameterValueException; it names variables, and never their values."""
    for name in variables:
        if name not in RESERVED and not _NAME.fullmatch(name):
            raise invalid_parameter(
                f"Lambda was unable to configure your environment variables because the name {name[:100]!r} does not "
                f"satisfy the regular expression pattern: {_NAME.pattern}"
            )
    reserved = sorted(RESERVED & variables.keys())
    if reserved:
        raise invalid_parameter(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. Reserved keys used in "
            f"this request: {', '.join(reserved)}"
        )
    if any("\0" in value for value in variables.values()):
        raise invalid_parameter("The value of an environment variable holds a NUL character.")
    if len(_packed(variables)) > MAX_BYTES:
        raise invalid_parameter(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided exceeded the 4KB limit."
        )


def seal_variables(sealer: Sealer, function_arn: str, variables: Mapping[str, str]) -> str:
    """For the row of this function and no other; empty without variables."""
    if not variables:
        return ""
    return sealer.seal(_packed(variables), context=_context(function_arn))


def unseal_variables(sealer: Sealer, function_arn: str, sealed: str) -> dict[str, str]:
    """Raises SealBroken."""
    if not sealed:
        return {}
    found: dict[str, str] = json.loads(sealer.unseal(sealed, context=_context(function_arn)))
    return found


def _packed(variables: Mapping[str, str]) -> bytes:
    return json.dumps(dict(variables), ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


def _context(function_arn: str) -> str:
    return f"lambda-environment {function_arn}"
