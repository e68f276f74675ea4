"""Which answers are worth another attempt, and how long to wait before it. Pure.

Throttled requests wait long, those that failed a little: each a random time up to a bound that doubles, so that many
sessions that were refused together do not come back together.

A store that restarts is away for some seconds: a transfer that is under way waits for it, and everything else is told
at once, for whoever logs in or lists can try again.

Source: S3 User Guide, "Best practices design patterns": retry 500 and 503 with exponential backoff and jitter.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

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
ABSENT_S = 30.0
"""For which a store that is not there is waited for. Some clients give a transfer up that stands still for a minute."""
_NOBODY_BEHIND = frozenset({"502", "503", "504"})
"""Of load balancers, when what they stand before is away: an S3 says more than the status."""
_PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often to try, the first attempt included, and how long to wait at most: doubling from the first value.

    `absent_s` is for how long a store that is not there is waited for in the middle of a transfer, whatever `attempts`
    says, with pauses of at most `recheck_s`.
    """

    attempts: int = 4
    throttled_s: float = 1.0
    failed_s: float = 0.1
    most_s: float = 20.0
    absent_s: float = 0.0
    recheck_s: float = 3.0

    def pause(self, attempt: int, refusal: Refusal | None, chance: Callable[[], float]) -> float:
        """Seconds before the attempt after the one of that number, from 1; `refusal` is None when nothing was answered.

        A store that says how long it wants to be left alone (Retry-After, RFC 9110 §10.2.3) is left alone for so long.
        """
        first = self.throttled_s if refusal is not None and is_throttling(refusal) else self.failed_s
        pause = chance() * min(self.most_s, first * 2.0 ** (attempt - 1))
        return max(pause, min(self.most_s, refusal.retry_after_s)) if refusal is not None else pause


class Attempts:
    """Those of one request. `is_under_way`: of a transfer that would be lost with it."""

    def __init__(self, patience: Patience, *, is_under_way: bool) -> None:
        self._patience = patience
        self._failed = 0
        self._missed = 0
        self._absent_since = 0.0
        self._absent_s = patience.absent_s if is_under_way else 0.0

    def pause(
        self, refusal: Refusal | None, *, is_absent: bool, now: float, chance: Callable[[], float]
    ) -> float | None:
        """Seconds before the next attempt, after one that came to nothing at `now`; None when there is to be none.

        Those that found nobody are not counted while the store is waited for, nor are those without an answer after
        them: who has just started takes connections before it serves them.
        """
        if self._absent_s and (is_absent or (self._missed and refusal is None)):
            if not self._missed:
                self._absent_since = now
            if now - self._absent_since < self._absent_s:
                self._missed += 1
                patience = replace(self._patience, most_s=self._patience.recheck_s)
                return patience.pause(self._missed, None, chance)
        self._failed += 1
        if self._failed >= self._patience.attempts:
            return None
        return self._patience.pause(self._failed, refusal, chance)


def patience_of(*, attempts: int, timeout_s: float) -> Patience:
    """As the settings have it: whoever wants a request sent once waits for nobody either."""
    return Patience(attempts=attempts, absent_s=min(ABSENT_S, timeout_s) if attempts > 1 else 0.0)


def is_nobody_there(refusal: Refusal) -> bool:
    return refusal.code in _NOBODY_BEHIND


def is_throttling(refusal: Refusal) -> bool:
    return refusal.code in THROTTLING or refusal.status in (429, 503)


def is_passing(refusal: Refusal) -> bool:
    """Whether the same request may be answered otherwise a moment later."""
    return refusal.status in _PASSING_STATUSES or refusal.code in THROTTLING or refusal.code in DAMAGED
