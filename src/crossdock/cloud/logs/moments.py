"""Time as CloudWatch Logs counts it: milliseconds since 1970."""

from datetime import datetime

DAY_MS = 24 * 60 * 60 * 1000
HOUR_MS = 60 * 60 * 1000


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
