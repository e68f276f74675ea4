"""The three ways in which AWS writes an instant, to and from aware datetimes in UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_ISO8601 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):?(\d\d))", re.ASCII
)
# RFC 9110 §5.6.7 fixed dates, and RFC 5322 numeric zones, which AWS's clients send as well.
_RFC822 = re.compile(
    r"(?:[A-Z][a-z]{2}, *)?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:GMT|UTC|Z|([+-])(\d\d)(\d\d))",
    re.ASCII,
)
_UNIX = re.compile(r"-?\d{1,15}(?:\.\d{1,12})?", re.ASCII)


class TimestampFormat(Enum):
    ISO8601 = "iso8601"
    RFC822 = "rfc822"
    UNIX = "unixtimestamp"


def timestamp_format(modelled: str | None, default: TimestampFormat) -> TimestampFormat:
    """The format that a shape's `timestampFormat` trait names."""
    return TimestampFormat(modelled.lower()) if modelled else default


def parse_timestamp(value: str | float, form: TimestampFormat) -> datetime:
    """Read an instant.

    Raises:
        ValueError: not in that format, or not a day of the calendar.
    """
    try:
        if not isinstance(value, str):
            return EPOCH + timedelta(seconds=value)
        if form is TimestampFormat.ISO8601:
            return _parse_iso8601(value)
        if form is TimestampFormat.RFC822:
            return _parse_rfc822(value)
        if _UNIX.fullmatch(value) is None:
            raise ValueError("not a Unix timestamp")
        return EPOCH + timedelta(seconds=float(value))
    except OverflowError:
        raise ValueError("out of the range of the calendar") from None


def _parse_iso8601(text: str) -> datetime:
    match = _ISO8601.fullmatch(text)
    if match is None:
        raise ValueError("not an ISO 8601 instant")
    year, month, day, hour, minute, second, fraction, _, sign, zone_hours, zone_minutes = match.groups()
    microsecond = int(fraction[:6].ljust(6, "0")) if fraction else 0
    zone = _zone(sign, zone_hours, zone_minutes)
    moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, zone)
    return moment.astimezone(UTC)


def _parse_rfc822(text: str) -> datetime:
    match = _RFC822.fullmatch(text)
    if match is None or match[2] not in _MONTHS:
        raise ValueError("not an RFC 822 date")
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    zone = _zone(sign, zone_hours, zone_minutes)
    moment = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), 0, zone)
    return moment.astimezone(UTC)


def _zone(sign: str | None, hours: str | None, minutes: str | None) -> timezone:
    if sign is None or hours is None or minutes is None:
        return UTC
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset)


def format_timestamp(moment: datetime, form: TimestampFormat, *, always_millis: bool = False) -> str:
    """Write an instant as text; AWS keeps milliseconds, and none in RFC 822.

    Args:
        always_millis: write `.000` too in ISO 8601, as S3 and EC2 do.
    """
    utc = _in_utc(moment)
    if form is TimestampFormat.UNIX:
        return str(unix_number(utc))
    if form is TimestampFormat.ISO8601:
        millis = utc.microsecond // 1000
        fraction = f".{millis:03d}" if millis or always_millis else ""
        return f"{utc.year:04d}-{utc.month:02d}-{utc.day:02d}T{_clock(utc)}{fraction}Z"
    return f"{_DAYS[utc.weekday()]}, {utc.day:02d} {_MONTHS[utc.month - 1]} {utc.year:04d} {_clock(utc)} GMT"


def _clock(moment: datetime) -> str:
    # By hand: `strftime` costs ten times as much, and its names follow the locale.
    return f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}"


def unix_number(moment: datetime) -> int | float:
    """Seconds since 1970 as JSON carries them: whole if they are whole, else with milliseconds."""
    millis = (_in_utc(moment) - EPOCH) // timedelta(milliseconds=1)
    seconds, rest = divmod(millis, 1000)
    return millis / 1000 if rest else seconds


def basic_stamp(moment: datetime) -> str:
    """`20130524T000000Z`, the one form of dates in signatures."""
    utc = _in_utc(moment)
    return f"{utc.year:04d}{utc.month:02d}{utc.day:02d}T{utc.hour:02d}{utc.minute:02d}{utc.second:02d}Z"


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        raise ValueError("a datetime without a time zone names no instant")
    return moment.astimezone(UTC)
