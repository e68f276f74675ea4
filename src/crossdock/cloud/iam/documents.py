"""Policy documents on their way in and out: what IAM refuses, how it counts, how it quotes."""

import re
from urllib.parse import quote

from crossdock.cloud.iam.errors import limit_exceeded, malformed_document, validation_error
from crossdock.policy.document import MalformedPolicy, Policy, PolicyKind, PolicyTooLong, parse_policy

MAX_INLINE_CHARS = 10_240
"""Of all inline policies of a role together."""

MAX_DOCUMENT_CHARS = 131_072
"""Of any document, white space included: what the API reads at all."""

_DOCUMENT = re.compile(r"[\t\n\r\u0020-\u00FF]+")


def check_document(text: str, kind: PolicyKind, *, max_chars: int | None = None) -> Policy:
    """A document that IAM takes. `max_chars` is for a document whose quota is not its kind's.

    Raises:
        ServiceError: ValidationError for characters beyond Latin-1, MalformedPolicyDocument with the reason,
            LimitExceeded for one that is too long for its kind.
    """
    member = "assumeRolePolicyDocument" if kind is PolicyKind.TRUST else "policyDocument"
    if not _DOCUMENT.fullmatch(text):
        raise validation_error(
            f"The specified value for {member} is invalid. It must contain only printable ASCII characters."
        )
    try:
        return parse_policy(text, kind, max_chars=max_chars)
    except PolicyTooLong as error:
        raise limit_exceeded(error.message) from error
    except MalformedPolicy as error:
        # AWS's sentence first; where that says next to nothing, what is wrong stands behind it.
        sentence = f"{error.message} ({error.detail})" if error.detail else error.message
        raise malformed_document(sentence) from error


def counted_chars(text: str) -> int:
    """The size that quotas mean: white space does not count.

    Source: IAM User Guide, "IAM and AWS STS quotas", character limits.
    """
    return sum(not character.isspace() for character in text)


def url_encoded(text: str) -> str:
    """A document as IAM's answers carry it: percent-encoded as RFC 3986 has it."""
    return quote(text, safe="")
