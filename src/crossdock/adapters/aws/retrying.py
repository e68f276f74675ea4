"""Which answers are worth another attempt, and how long to wait before it. Pure.

Throttled requests wait long, those that failed a little: each a random time up to a bound that doubles, so that many
sessions that were refused together do not come back together.

Source: S3 User Guide, "Best practices design patterns": retry 500 and 503 with exponential backoff and jitter.
"""

from collections.abc import Callable
from dataclasses import dataclass

from crossdock.adapters.aws.refusals import Refusal

THROTTLING = frozenset(
    {
        "BandwidthLimitExceeded",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
DAMAGED = frozenset({"BadDigest", "IncompleteBody", "RequestTimeout", "XAmzContentSHA256Mismatch"})
"""Of a body that did not arrive as it was sent."""
_PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often to try, the first attempt included, and how long to wait at most: doubling from the first value."""

    attempts: int = 4
    throttled_s: float = 1.0
    failed_s: float = 0.1
    most_s: float = 20.0

    def pause(self, attempt: int, refusal: Refusal | None, chance: Callable[[], float]) -> float:
        """Seconds before the attempt after the one of that number, from 1; `refusal` is None when nothing was answered.

        A store that says how long it wants to be left alone (Retry-After, RFC 9110 §10.2.3) is left alone for so long.
        """
        first = self.throttled_s if refusal is not None and is_throttling(refusal) else self.failed_s
        pause = chance() * min(self.most_s, first * 2.0 ** (attempt - 1))
        return max(pause, min(self.most_s, refusal.retry_after_s)) if refusal is not None else pause


def is_throttling(refusal: Refusal) -> bool:
    return refusal.code in THROTTLING or refusal.status in (429, 503)


def is_passing(refusal: Refusal) -> bool:
    """Whether the same request may be answered otherwise a moment later."""
    return refusal.status in _PASSING_STATUSES or refusal.code in THROTTLING or refusal.code in DAMAGED
