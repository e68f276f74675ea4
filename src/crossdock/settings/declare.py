"""How a setting is declared: its default, what it is for, and what it may be."""

from collections.abc import Callable
from dataclasses import Field, field
from typing import Any, NewType, cast

MANY = 1_000_000
DAY_S = 86_400.0

Ports = NewType("Ports", str)
"""A range of ports as text; in TOML a number is one, too."""


def setting(
    default: Any,
    meaning: str,
    *,
    low: float | None = None,
    high: float | None = None,
    check: Callable[[Any], str] | None = None,
    is_secret: bool = False,
) -> Any:
    """A field of a section.

    Args:
        default: a value, or a function that makes one.
        meaning: a sentence for `docs/settings.md`.
        low: the least number; `high` the greatest.
        check: says what is wrong with a value of the right kind, empty when nothing is.
        is_secret: never shown, neither in a `repr` nor in an error.
    """
    metadata = {"meaning": meaning, "low": low, "high": high, "check": check, "is_secret": is_secret}
    if callable(default):
        return field(default_factory=default, repr=not is_secret, metadata=metadata)
    return field(default=default, repr=not is_secret, metadata=metadata)


def port(default: int, meaning: str) -> Any:
    return setting(default, meaning, low=0, high=65535)


def meaning_of(declared: Field[Any]) -> str:
    return str(declared.metadata.get("meaning", ""))


def is_secret(declared: Field[Any]) -> bool:
    return bool(declared.metadata.get("is_secret"))


def limits_of(declared: Field[Any]) -> tuple[float | None, float | None]:
    return declared.metadata.get("low"), declared.metadata.get("high")


def objection_to(declared: Field[Any], value: Any) -> str:
    """What the setting's own check says against a value; empty for nothing."""
    check = cast(Callable[[Any], str] | None, declared.metadata.get("check"))
    return check(value) if check is not None else ""
