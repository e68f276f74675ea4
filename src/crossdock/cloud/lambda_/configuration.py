"""What a function may be configured to be.

Source: Lambda API Reference, CreateFunction and UpdateFunctionConfiguration; Lambda Developer Guide, "Lambda quotas".
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from crossdock.cloud.lambda_.faults import invalid_parameter, validation
from crossdock.operations.operation import Params

DEFAULT_TIMEOUT_S = 3
MAX_TIMEOUT_S = 900
DEFAULT_MEMORY_MIB = 128
MAX_MEMORY_MIB = 10_240
MAX_DESCRIPTION = 256
MAX_TAGS = 50
ARCHITECTURES = ("x86_64", "arm64")
RUNTIMES = tuple(f"python3.{minor}" for minor in range(8, 16))
RETIRED_RUNTIMES = ("python2.7", "python3.6", "python3.7")

_HANDLER = re.compile(r"\S{1,128}", re.ASCII)

# What would change how a function runs and is not here is refused rather than left out. Given beside each: what is so
# anyway, for tools send that along with everything they do not use.
_NOT_IMPLEMENTED: Mapping[str, Mapping[str, Any]] = {
    "CapacityProviderConfig": {},
    "CodeSigningConfigArn": {},
    "DeadLetterConfig": {},
    "DurableConfig": {},
    "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": {},
    "ImageConfig": {},
    "KMSKeyArn": {},
    "Layers": {},
    "LoggingConfig": {"LogFormat": "Text"},
    "Publish": {},
    "PublishTo": {},
    "SnapStart": {"ApplyOn": "None"},
    "SourceKMSKeyArn": {},
    "TenancyConfig": {},
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {},
}


def check_configuration(params: Params) -> None:
    """What CreateFunction and UpdateFunctionConfiguration check alike.

    Raises:
        ServiceError: InvalidParameterValueException or ValidationException.
    """
    check_supported(params)
    if (runtime := params.get("Runtime")) is not None:
        _check_runtime(runtime)
    if (handler := params.get("Handler")) is not None and not _HANDLER.fullmatch(handler):
        raise validation("handler", handler[:200], r"satisfy regular expression pattern: [^\s]+")
    _check_range("Timeout", params.get("Timeout"), 1, MAX_TIMEOUT_S)
    _check_range("MemorySize", params.get("MemorySize"), 128, MAX_MEMORY_MIB)
    if len(params.get("Description", "")) > MAX_DESCRIPTION:
        raise validation(
            "description", params["Description"][:100], f"have length less than or equal to {MAX_DESCRIPTION}"
        )


def check_supported(params: Params) -> None:
    """Raises ServiceError InvalidParameterValueException for a feature that is not here."""
    if params.get("PackageType", "Zip") != "Zip":
        raise invalid_parameter("Crossdock runs no container images: PackageType must be Zip.")
    for name, so_anyway in _NOT_IMPLEMENTED.items():
        if not _says_nothing(params.get(name), so_anyway):
            raise invalid_parameter(f"Crossdock does not implement {name} of functions: leave it out.")


def architecture_of(params: Params, default: str = ARCHITECTURES[0]) -> str:
    """What is declared; functions run on the processor that there is."""
    given: Sequence[str] = params.get("Architectures") or (default,)
    if len(given) != 1 or given[0] not in ARCHITECTURES:
        raise invalid_parameter(f"Architectures must be one of {', '.join(ARCHITECTURES)}.")
    return given[0]


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises ServiceError InvalidParameterValueException."""
    if len(tags) > MAX_TAGS:
        raise invalid_parameter(f"Number of tags exceeds resource tag limit of {MAX_TAGS}.")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or key.lower().startswith("aws:") or len(value) > 256:
            raise invalid_parameter(
                "A tag key has 1 to 128 characters and does not begin with aws:, a tag value has up to 256."
            )


def _says_nothing(given: Any, so_anyway: Mapping[str, Any]) -> bool:
    if isinstance(given, Mapping):
        return all(not value or value == so_anyway.get(name) for name, value in given.items())
    return not given


def _check_runtime(runtime: str) -> None:
    if runtime in RETIRED_RUNTIMES:
        raise invalid_parameter(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            f"We recommend you use a newer runtime while creating or updating functions."
        )
    if runtime not in RUNTIMES:
        raise invalid_parameter(
            f"Value {runtime[:100]} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(RUNTIMES)}]. Crossdock runs functions in Python only."
        )


def _check_range(member: str, value: int | None, low: int, high: int) -> None:
    if value is None or low <= value <= high:
        return
    bound = f"greater than or equal to {low}" if value < low else f"less than or equal to {high}"
    raise invalid_parameter(f"'{member}' value failed to satisfy constraint: Member must have value {bound}")
