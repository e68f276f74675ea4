"""ListSecrets, with its filters and orders.

Source: Secrets Manager API Reference, ListSecrets; User Guide, "Find secrets in AWS Secrets Manager".
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crossdock.cloud.secrets.reading import described, stages_by_version
from crossdock.cloud.secrets.records import SECRETS, SecretRecord
from crossdock.cloud.secrets.vault import Vault
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.operations.paging import page_key, page_token

DEFAULT_RESULTS = 100

_Words = Callable[[SecretRecord], Sequence[str]]

# What a filter looks at. Values match beginnings; names and tags as they are written, the rest whatever its case.
_EXACT_CASE: Mapping[str, _Words] = {
    "name": lambda secret: (secret.name,),
    "tag-key": lambda secret: tuple(secret.tags),
    "tag-value": lambda secret: tuple(secret.tags.values()),
}
_ANY_CASE: Mapping[str, _Words] = {
    "description": lambda secret: (secret.description, *secret.description.split()),
    "all": lambda secret: (
        secret.name,
        *secret.name.replace("/", " ").replace("_", " ").replace(".", " ").replace("-", " ").split(),
        *secret.description.split(),
        *secret.tags,
        *secret.tags.values(),
    ),
    # Secrets of this house are made by no other service, and have no replicas.
    "primary-region": lambda secret: (secret.region,),
    "owning-service": lambda _secret: (),
}


async def list_secrets(_vault: Vault, call: Call) -> Result:
    limit: int = call.params.get("MaxResults", DEFAULT_RESULTS)
    after = page_key(call.params.get("NextToken"), error_code="InvalidNextTokenException")
    with_deleted = bool(call.params.get("IncludePlannedDeletion"))
    async with call.reading() as tx:
        everything = await SECRETS.everything(tx, call.account_id, call.region)
    found = [
        (_place(secret, call.params.get("SortBy", "created-date")), secret)
        for secret in everything
        if not secret.is_gone(call.now)
        and (with_deleted or secret.delete_at is None)
        and all(_matches(secret, wanted) for wanted in call.params.get("Filters", ()))
    ]
    is_descending = call.params.get("SortOrder") == "desc"
    found.sort(key=lambda pair: pair[0], reverse=is_descending)
    if after is not None:
        found = [pair for pair in found if (pair[0] < after if is_descending else pair[0] > after)]
    answer: dict[str, Any] = {
        "SecretList": [
            {**described(secret), "SecretVersionsToStages": stages_by_version(secret)} for _, secret in found[:limit]
        ]
    }
    if len(found) > limit:
        answer["NextToken"] = page_token(found[limit - 1][0])
    return answer


def _place(secret: SecretRecord, order: str) -> tuple[str, str]:
    match order:
        case "name":
            moment = "-"
        case "last-changed-date":
            moment = secret.changed_at.isoformat(timespec="microseconds")
        case _:
            # When a secret was last read is not kept, so that order falls back to this one.
            moment = secret.created_at.isoformat(timespec="microseconds")
    return moment, secret.name


def _matches(secret: SecretRecord, wanted: Mapping[str, Any]) -> bool:
    """One filter: any of its values; a value that begins with `!` matches what does not match the rest of it."""
    name: str = wanted.get("Key", "all")
    values: Sequence[str] = wanted.get("Values", ())
    if not values:
        return True
    if name in _EXACT_CASE:
        words = _EXACT_CASE[name](secret)
    else:
        words = [word.casefold() for word in _ANY_CASE[name](secret)]
        values = [value.casefold() for value in values]
    return any(not _begins(words, value[1:]) if value.startswith("!") else _begins(words, value) for value in values)


def _begins(words: Sequence[str], beginning: str) -> bool:
    return any(word.startswith(beginning) for word in words)
