"""IAM's way to answer in pages: MaxItems and Marker in, IsTruncated and Marker out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from crossdock.cloud.iam.errors import broken_constraint
from crossdock.operations.operation import Params
from crossdock.operations.paging import page_key, page_token
from crossdock.operations.records import Records
from crossdock.ports.state import Transaction

T = TypeVar("T")

DEFAULT_ITEMS = 100
MAX_ITEMS = 1000


async def stored_page(
    records: Records[T], tx: Transaction, account_id: str, params: Params, *, matches: Callable[[T], bool]
) -> tuple[list[T], Mapping[str, Any]]:
    """One page of an account's records that match, and the members that say whether there are more."""
    limit = _max_items(params)
    after = page_key(params.get("Marker"), error_code="ValidationError")
    found: list[T] = []
    last = after
    while rows := await records.page_with_keys(tx, account_id, after=after, limit=limit + 1):
        for key, record in rows:
            if matches(record):
                if len(found) == limit and last is not None:
                    return found, {"IsTruncated": True, "Marker": page_token(last)}
                found.append(record)
                last = key
        after = rows[-1][0]
    return found, {"IsTruncated": False}


def listed_page(items: Sequence[tuple[str, T]], params: Params) -> tuple[list[T], Mapping[str, Any]]:
    """The same for what is in memory, given as (name, item) and answered in the order of the names."""
    limit = _max_items(params)
    after = page_key(params.get("Marker"), error_code="ValidationError")
    rest = sorted((pair for pair in items if after is None or pair[0] > after[0]), key=lambda pair: pair[0])
    page = [item for _, item in rest[:limit]]
    if len(rest) > limit:
        return page, {"IsTruncated": True, "Marker": page_token((rest[limit - 1][0],))}
    return page, {"IsTruncated": False}


def _max_items(params: Params) -> int:
    limit: int = params.get("MaxItems", DEFAULT_ITEMS)
    if limit < 1:
        raise broken_constraint("maxItems", limit, "have value greater than or equal to 1")
    if limit > MAX_ITEMS:
        raise broken_constraint("maxItems", limit, "have value less than or equal to 1000")
    return limit
