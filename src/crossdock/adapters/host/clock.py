"""The time of this computer; nothing else may read it."""

import time
from datetime import UTC, datetime


class SystemClock:
    """See `ports.host.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
