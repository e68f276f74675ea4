"""The table of condition operators: how a request's value is compared with the values in a policy.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
"""

import operator
import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import MappingProxyType
from typing import TypeVar

from crossdock.core.errors import CrossdockError
from crossdock.policy.matching import ARN_SEGMENTS, arn_set, compile_tokens, pattern_set, split_arn
from crossdock.policy.variables import Context, Part, Token, fill, fixed_tokens, split_pattern

Matches = Callable[[str, Context], bool | None]
"""Whether a request's value equals, resembles or precedes one of the policy's values.

None when the request's value cannot be read as what the operator compares: no number, no date, no ARN.
"""


class InvalidConditionValue(CrossdockError, ValueError):
    """A value in a policy that its operator cannot compare with anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One row of the table. `compile` takes the policy's values and whether variables are active in them."""

    compile: Callable[[tuple[str, ...], bool], Matches]
    is_negated: bool = False


def _strings(*, has_wildcards: bool, ignores_case: bool = False) -> Callable[[tuple[str, ...], bool], Matches]:
    def compile_values(values: tuple[str, ...], has_variables: bool) -> Matches:
        fixed: list[tuple[Token, ...]] = []
        templates: list[tuple[Part, ...]] = []
        for value in values:
            parts = split_pattern(value, has_wildcards=has_wildcards, has_variables=has_variables)
            tokens = fixed_tokens(parts)
            if tokens is None:
                templates.append(parts)
            else:
                fixed.append(_lower(tokens) if ignores_case else tokens)
        covers = pattern_set(fixed).covers

        def matches(value: str, context: Context) -> bool:
            if ignores_case:
                value = value.lower()
            if covers(value):
                return True
            for template in templates:
                tokens = fill(template, context)
                if tokens is not None and compile_tokens(_lower(tokens) if ignores_case else tokens)(value):
                    return True
            return False

        return matches

    return compile_values


def _lower(tokens: Sequence[Token]) -> tuple[Token, ...]:
    return tuple(token.lower() if isinstance(token, str) else token for token in tokens)


def _arns(values: tuple[str, ...], has_variables: bool) -> Matches:
    for value in values:
        if value != "*" and len(split_arn(value, has_variables=has_variables)) < ARN_SEGMENTS:
            raise InvalidConditionValue(f"{value!r} is no ARN")
    covers = arn_set(values, has_variables=has_variables).covers

    def matches(value: str, context: Context) -> bool | None:
        if not value.startswith("arn:") or value.count(":") < ARN_SEGMENTS - 1:
            return None
        return covers(value, context)

    return matches


Wanted = TypeVar("Wanted")
Given = TypeVar("Given")


def _compared(
    read_wanted: Callable[[str], Wanted], read_given: Callable[[str], Given], compare: Callable[[Given, Wanted], bool]
) -> Callable[[tuple[str, ...], bool], Matches]:
    """For kinds that have no variables. Both readers raise ValueError for a text that they cannot read."""

    def compile_values(values: tuple[str, ...], _has_variables: bool) -> Matches:
        wanted: list[Wanted] = []
        for value in values:
            try:
                wanted.append(read_wanted(value))
            except ValueError as error:
                raise InvalidConditionValue(str(error)) from error

        def matches(value: str, _context: Context) -> bool | None:
            try:
                given = read_given(value)
            except ValueError:
                return None
            return any(compare(given, one) for one in wanted)

        return matches

    return compile_values


# "An integer or decimal value": no exponents.
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})", re.ASCII)


def read_number(text: str) -> Decimal:
    """An integer or decimal value."""
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text[:80]!r} is no number")
    return Decimal(text)


_DATE = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:[Tt](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<zone_hour>\d\d):?(?P<zone_minute>\d\d))?)?)?",
    re.ASCII,
)
_EPOCH = re.compile(r"\d{1,19}", re.ASCII)
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)


def read_date(text: str) -> Decimal:
    """Seconds since 1970, from a W3C date (NOTE-datetime) or from epoch seconds. Digits alone are epoch seconds."""
    if _EPOCH.fullmatch(text):
        return Decimal(text)
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:80]!r} is no date")
    zone = UTC
    if found["sign"]:
        offset = timedelta(hours=int(found["zone_hour"]), minutes=int(found["zone_minute"]))
        zone = timezone(-offset if found["sign"] == "-" else offset)
    moment = datetime(
        int(found["year"]),
        int(found["month"]),
        int(found["day"] or 1),
        int(found["hour"] or 0),
        int(found["minute"] or 0),
        int(found["second"] or 0),
        tzinfo=zone,
    )
    # Not .timestamp(), which goes through a float; and the first day of year 1 with a zone has no UTC form.
    since = moment - _EPOCH_START
    return Decimal(since.days * 86_400 + since.seconds) + Decimal(f"0.{found['fraction'] or 0}")


def read_bool(text: str) -> bool:
    """`true` or `false`, in any case."""
    match text.lower():
        case "true":
            return True
        case "false":
            return False
        case _:
            raise ValueError(f"{text[:80]!r} is neither true nor false")


def _read_base64(text: str) -> bytes:
    return b64decode(text, validate=True)


Network = IPv4Network | IPv6Network
_PREFIX = re.compile(r"[^/%]+(?:/\d{1,3})?", re.ASCII)


def _read_network(text: str) -> Network:
    """A range in CIDR notation; without a prefix it is the one address. Bits behind the prefix are ignored."""
    if _PREFIX.fullmatch(text) is None:
        raise ValueError(f"{text[:80]!r} is no CIDR range")
    return ip_network(text, strict=False)


def _read_address(text: str) -> IPv4Address | IPv6Address:
    """An address; `::ffff:10.0.0.1`, as a dual-stack socket tells it, is the IPv4 address that it stands for."""
    address = ip_address(text)
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _lies_in(address: IPv4Address | IPv6Address, network: Network) -> bool:
    return address in network


_EQUALS = _strings(has_wildcards=False)
_EQUALS_IGNORE_CASE = _strings(has_wildcards=False, ignores_case=True)
_LIKE = _strings(has_wildcards=True)
_NUMERIC_EQUALS = _compared(read_number, read_number, operator.eq)
_DATE_EQUALS = _compared(read_date, read_date, operator.eq)
_IP_ADDRESS = _compared(_read_network, _read_address, _lies_in)

OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "StringEquals": Operator(compile=_EQUALS),
        "StringNotEquals": Operator(compile=_EQUALS, is_negated=True),
        "StringEqualsIgnoreCase": Operator(compile=_EQUALS_IGNORE_CASE),
        "StringNotEqualsIgnoreCase": Operator(compile=_EQUALS_IGNORE_CASE, is_negated=True),
        "StringLike": Operator(compile=_LIKE),
        "StringNotLike": Operator(compile=_LIKE, is_negated=True),
        "NumericEquals": Operator(compile=_NUMERIC_EQUALS),
        "NumericNotEquals": Operator(compile=_NUMERIC_EQUALS, is_negated=True),
        "NumericLessThan": Operator(compile=_compared(read_number, read_number, operator.lt)),
        "NumericLessThanEquals": Operator(compile=_compared(read_number, read_number, operator.le)),
        "NumericGreaterThan": Operator(compile=_compared(read_number, read_number, operator.gt)),
        "NumericGreaterThanEquals": Operator(compile=_compared(read_number, read_number, operator.ge)),
        "DateEquals": Operator(compile=_DATE_EQUALS),
        "DateNotEquals": Operator(compile=_DATE_EQUALS, is_negated=True),
        "DateLessThan": Operator(compile=_compared(read_date, read_date, operator.lt)),
        "DateLessThanEquals": Operator(compile=_compared(read_date, read_date, operator.le)),
        "DateGreaterThan": Operator(compile=_compared(read_date, read_date, operator.gt)),
        "DateGreaterThanEquals": Operator(compile=_compared(read_date, read_date, operator.ge)),
        "Bool": Operator(compile=_compared(read_bool, read_bool, operator.eq)),
        "BinaryEquals": Operator(compile=_compared(_read_base64, _read_base64, operator.eq)),
        "IpAddress": Operator(compile=_IP_ADDRESS),
        "NotIpAddress": Operator(compile=_IP_ADDRESS, is_negated=True),
        # ArnEquals and ArnLike behave identically, so do their negations.
        "ArnEquals": Operator(compile=_arns),
        "ArnNotEquals": Operator(compile=_arns, is_negated=True),
        "ArnLike": Operator(compile=_arns),
        "ArnNotLike": Operator(compile=_arns, is_negated=True),
    }
)
