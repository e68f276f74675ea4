"""The one exception that readers raise for what cannot be read; each protocol gives it its own code."""

from enum import Enum, auto

from crossdock.core.errors import CrossdockError


class Part(Enum):
    """Where in the request the unreadable thing stood."""

    PATH = auto()
    QUERY = auto()
    HEADER = auto()
    BODY = auto()
    EMPTY_BODY = auto()
    """The body is required and absent, for which S3 has a code of its own."""


class Malformed(CrossdockError):
    """What was sent is not what the model says. The message names members, never their values."""

    def __init__(self, message: str, part: Part = Part.BODY) -> None:
        super().__init__(message)
        self.message = message
        self.part = part
