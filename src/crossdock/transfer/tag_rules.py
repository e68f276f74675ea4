"""Which tags a server or user may have, as pure checks, and the tags of a server that Crossdock reads itself.

Source: AWS Transfer Family API Reference, Tag and TagResource; AWS General Reference, "Tagging your AWS resources".
"""

from collections.abc import Container, Mapping, Sequence

from crossdock.core.endpoint_addresses import BadPin, parse_pins
from crossdock.core.ids import is_server_id
from crossdock.core.servers import FTPS_TAG, HOSTNAME_TAG, INTERRUPTED_TAG, SERVER_ID_TAG, InterruptedUploads
from crossdock.operations.caller import Context
from crossdock.operations.operation import Params
from crossdock.transfer.faults import invalid_request

MAX_TAGS = 50
SYSTEM_TAGS = frozenset({HOSTNAME_TAG, "aws:transfer:route53HostedZoneId"})
"""The tags of AWS's own that a server's owner may give. Source: User Guide, "Working with custom hostnames"."""


def tags_given(params: Params, *, system: Container[str] = ()) -> dict[str, str]:
    """The `Tags` of a request, of AWS's own those in `system`. How long keys and values may be is the model's to say.

    Raises:
        ServiceError: InvalidRequestException for a key that is empty, AWS's own, or given twice, and for too many.
    """
    tags: Sequence[Mapping[str, str]] = params.get("Tags") or ()
    found: dict[str, str] = {}
    for tag in tags:
        key = tag["Key"]
        if not key:
            raise invalid_request("A tag key must not be empty")
        if key.lower().startswith("aws:") and key not in system:
            raise invalid_request(f"The tag key {key} begins with aws:, which is reserved for AWS")
        if key in found:
            raise invalid_request(f"The tag key {key} is given twice")
        found[key] = tag["Value"]
    check_count(found)
    return found


def server_tags_given(params: Params) -> dict[str, str]:
    """`tags_given` of a server, of which `crossdock:endpoint` must name addresses, `crossdock:ftps` a kind of TLS,
    `crossdock:server-id` an id, and `crossdock:interrupted-uploads` what becomes of them."""
    found = tags_given(params, system=SYSTEM_TAGS)
    try:
        parse_pins(found)
    except BadPin as error:
        raise invalid_request(str(error)) from error
    if (kind := found.get(FTPS_TAG, "explicit")).lower() not in ("implicit", "explicit"):
        raise invalid_request(f"the tag {FTPS_TAG} has {kind!r}: write implicit, or explicit, which is the default")
    if not is_server_id(server_id := found.get(SERVER_ID_TAG, "s-" + "0" * 17)):
        raise invalid_request(f"the tag {SERVER_ID_TAG} has {server_id!r}: write s- and 17 hex digits")
    if (kept := found.get(INTERRUPTED_TAG, InterruptedUploads.DISCARD)) not in tuple(InterruptedUploads):
        raise invalid_request(f"the tag {INTERRUPTED_TAG} has {kept!r}: write {', '.join(InterruptedUploads)}")
    return found


def check_count(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise invalid_request(f"A resource can have at most {MAX_TAGS} tags")


def tag_keys(params: Params) -> Context:
    """The condition keys of a request that gives or takes tags.

    Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Transfer Family".
    """
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
    names = (*tags, *params.get("TagKeys", ()))
    keys: dict[str, tuple[str, ...]] = {f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}
    return {**keys, "aws:TagKeys": names} if names else keys
