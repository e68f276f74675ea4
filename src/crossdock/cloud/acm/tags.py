"""AddTagsToCertificate, RemoveTagsFromCertificate, ListTagsForCertificate, and the rules for tags.

Source: ACM API Reference, the operations of these names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crossdock.cloud.acm.faults import invalid_parameter, invalid_tag, too_many_tags
from crossdock.cloud.acm.finding import find_certificate
from crossdock.cloud.acm.store import CertificateStore, put_certificate
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result

MAX_TAGS = 50


def tags_given(params: Params) -> dict[str, str]:
    """The `Tags` of a request. Raises ServiceError InvalidTagException or InvalidParameterException."""
    tags: Sequence[Mapping[str, Any]] = params.get("Tags", ())
    found: dict[str, str] = {}
    for tag in tags:
        key = tag["Key"]
        if key.lower().startswith("aws:"):
            raise invalid_tag(f"The tag key {key} begins with aws:, which is reserved for AWS.")
        if key in found:
            raise invalid_parameter(f"The tag key {key} is given twice.")
        found[key] = tag.get("Value", "")
    return found


async def add_tags(_store: CertificateStore, call: Call) -> Result:
    given = tags_given(call.params)
    async with call.transaction() as tx:
        record = await find_certificate(tx, call)
        tags = {**record.tags, **given}
        if len(tags) > MAX_TAGS:
            raise too_many_tags(MAX_TAGS)
        await put_certificate(tx, replace(record, tags=tags))
    return {}


async def remove_tags(_store: CertificateStore, call: Call) -> Result:
    """A tag that is given with a value goes only if it has that value."""
    async with call.transaction() as tx:
        record = await find_certificate(tx, call)
        tags = dict(record.tags)
        for tag in call.params["Tags"]:
            key = tag["Key"]
            if key in tags and tag.get("Value", tags[key]) == tags[key]:
                del tags[key]
        await put_certificate(tx, replace(record, tags=tags))
    return {}


async def list_tags(_store: CertificateStore, call: Call) -> Result:
    async with call.reading() as tx:
        record = await find_certificate(tx, call)
    return {"Tags": [{"Key": key, "Value": value} for key, value in record.tags.items()]}
