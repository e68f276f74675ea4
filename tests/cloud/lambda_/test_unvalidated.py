"""The same checks for callers who come without the model's: a stack, a login."""

from typing import Any

import pytest

from crossdock.cloud.lambda_.configuration import architecture_of, check_configuration
from crossdock.core.errors import ServiceError


@pytest.mark.parametrize(
    "params",
    [
        {"Handler": "a b"},
        {"Handler": ""},
        {"Timeout": 0},
        {"MemorySize": 127},
        {"Description": "x" * 257},
    ],
)
def test_a_value_out_of_bounds_is_refused(params: dict[str, Any]):
    with pytest.raises(ServiceError):
        check_configuration(params)


@pytest.mark.parametrize("architectures", [["x86_64", "arm64"], ["sparc"]])
def test_a_function_has_one_architecture_of_two(architectures: list[str]):
    with pytest.raises(ServiceError, match="Architectures must be one of x86_64, arm64"):
        architecture_of({"Architectures": architectures})
