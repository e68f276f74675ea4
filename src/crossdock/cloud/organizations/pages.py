"""Pages of at most twenty, as every List operation of Organizations has them."""

from collections.abc import Mapping, Sequence
from typing import Any

from crossdock.cloud.organizations.faults import invalid_input
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.operations.paging import page_key, page_token

MAX_RESULTS = 20


def page_of(call: Call, member: str, items: Sequence[Mapping[str, Any]], *, key: str = "Id") -> Result:
    """The page that a call asks for, of items in any order, each under its member `key`.

    Raises:
        ServiceError: InvalidInputException for a token that none of our pages had.
    """
    limit: int = call.params.get("MaxResults", MAX_RESULTS)
    try:
        after = page_key(call.params.get("NextToken"), error_code="InvalidInputException")
    except ServiceError as error:
        raise invalid_input("INVALID_NEXT_TOKEN", error.message) from error
    left = sorted((item for item in items if after is None or item[key] > after[0]), key=lambda item: str(item[key]))
    answer: dict[str, Any] = {member: left[:limit]}
    if len(left) > limit:
        answer["NextToken"] = page_token((left[limit - 1][key],))
    return answer
