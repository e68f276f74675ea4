"""TagResource, UntagResource, and the rules for tags.

Source: Secrets Manager API Reference, TagResource.
"""

from dataclasses import replace

from crossdock.cloud.secrets.faults import invalid_parameter
from crossdock.cloud.secrets.finding import living_secret
from crossdock.cloud.secrets.vault import Vault, write_secret
from crossdock.operations.call import Call
from crossdock.operations.operation import Result

MAX_TAGS = 50


def tags_given(call: Call) -> dict[str, str]:
    """The `Tags` of a request. Raises ServiceError InvalidParameterException."""
    found: dict[str, str] = {}
    for tag in call.params.get("Tags", ()):
        key = tag.get("Key", "")
        if not key or key.lower().startswith("aws:"):
            raise invalid_parameter("A tag key must not be empty or begin with aws:.")
        if key in found:
            raise invalid_parameter(f"The tag key {key} is given twice.")
        found[key] = tag.get("Value", "")
    _check_count(found)
    return found


async def tag_resource(_vault: Vault, call: Call) -> Result:
    given = tags_given(call)
    async with call.transaction() as tx:
        secret = await living_secret(tx, call)
        tags = {**secret.tags, **given}
        _check_count(tags)
        await write_secret(tx, replace(secret, tags=tags, changed_at=call.now))
    return {}


async def untag_resource(_vault: Vault, call: Call) -> Result:
    unwanted = set(call.params["TagKeys"])
    async with call.transaction() as tx:
        secret = await living_secret(tx, call)
        tags = {key: value for key, value in secret.tags.items() if key not in unwanted}
        await write_secret(tx, replace(secret, tags=tags, changed_at=call.now))
    return {}


def _check_count(tags: dict[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise invalid_parameter(f"A secret can have at most {MAX_TAGS} tags.")
