"""The filters and pages of Describe operations.

Source: Amazon EC2 User Guide, "Filter using the AWS CLI": values of a filter are joined with OR, filters with AND; `*`
stands for any characters, `?` for one, and a backslash before them for themselves.
"""

from collections.abc import Callable, Sequence
from typing import Any

from crossdock.cloud.ec2.faults import invalid_value
from crossdock.core.errors import ServiceError
from crossdock.operations.operation import Params, Result
from crossdock.operations.paging import page_key, page_token
from crossdock.policy.matching import Test, compile_tokens
from crossdock.policy.variables import Token, Wild

MAX_VALUES = 200

Words = Callable[[str], Sequence[str] | None]
"""What a resource has under a filter's name; None when there is no such filter."""


def where(params: Params, words: Words) -> bool:
    """A resource passes all `Filters`.

    Raises:
        ServiceError: InvalidParameterValue for a filter that is not known, FilterLimitExceeded.
    """
    return all(_passes(given.get("Name", ""), given.get("Values", ()), words) for given in params.get("Filters", ()))


def page_of(params: Params, member: str, found: Sequence[tuple[str, Any]]) -> Result:
    """Resources in the order of their ids, from `NextToken` on, `MaxResults` of them."""
    after = page_key(params.get("NextToken"), error_code="InvalidPaginationToken")
    rest = sorted((pair for pair in found if after is None or pair[0] > after[0]), key=lambda pair: pair[0])
    limit = params.get("MaxResults", len(rest))
    answer: dict[str, Any] = {member: [resource for _, resource in rest[:limit]]}
    if len(rest) > limit:
        answer["NextToken"] = page_token((rest[limit - 1][0],))
    return answer


def _passes(name: str, values: Sequence[str], words: Words) -> bool:
    if len(values) > MAX_VALUES:
        raise ServiceError("FilterLimitExceeded", f"A filter can have at most {MAX_VALUES} values.")
    present = words(name)
    if present is None:
        raise invalid_value(f"The filter '{name}' is invalid")
    return any(test(word) for test in map(_test, values) for word in present)


def _test(pattern: str) -> Test:
    tokens: list[Token] = []
    characters = iter(pattern)
    for character in characters:
        match character:
            case "*":
                tokens.append(Wild.ANY)
            case "?":
                tokens.append(Wild.ONE)
            case "\\":
                tokens.append(next(characters, "\\"))
            case _:
                tokens.append(character)
    return compile_tokens(tokens)
