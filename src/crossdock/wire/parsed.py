"""What a request says once its protocol is taken off."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRequest:
    """An operation of the model and its input, keyed by the model's member names.

    `params` holds only what was sent. A streaming payload is never in it: the API edge attaches the stream.
    """

    operation: str
    params: dict[str, object] = field(repr=False)
