"""Documents of AWS made ready for decisions."""

import json
from collections.abc import Mapping
from typing import Any

from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.cloud.iam.documents import MAX_DOCUMENT_CHARS
from crossdock.policy.document import MalformedPolicy, PolicyKind, parse_policy
from crossdock.policy.evaluate import Layer, NamedPolicy, UnreadLayer


def parsed(name: str, document: str | Mapping[str, Any], kind: PolicyKind) -> NamedPolicy:
    """A document as AWS's API gives it: a text, or what botocore has read of it. Raises NotRead."""
    text = document if isinstance(document, str) else json.dumps(document)
    try:
        # Quotas are for who stores a policy, and AWS has stored it.
        return NamedPolicy(name=name, policy=parse_policy(text, kind, max_chars=MAX_DOCUMENT_CHARS))
    except MalformedPolicy as error:
        detail = f" ({error.detail})" if error.detail else ""
        raise NotRead(f"{name} has something that this engine does not know: {error}{detail}") from error


def unread(layer: Layer, error: NotRead) -> UnreadLayer:
    return UnreadLayer(layer=layer, why=str(error), remedy=error.remedy)
