"""A value as a source wrote it, made into what the setting holds, or refused with a sentence."""

import json
import math
from collections.abc import Mapping
from dataclasses import Field, fields
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from crossdock.core.object_writing import Option, Tables
from crossdock.settings.declare import Ports, is_secret, limits_of, objection_to
from crossdock.settings.errors import BadSetting
from crossdock.settings.sections import SECTIONS, Settings

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_KIND_NAMES: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    bool: "true or false",
    Ports: "a range of ports in quotes, or a number",
    Path: "a path in quotes",
    Path | None: "a path in quotes",
    tuple[str, ...]: "a list of texts",
    Mapping[str, str]: "a table of texts in quotes",
    Tables: "tables of texts, true and false",
}
_VARIABLE_KIND_NAMES: Mapping[Any, str] = {
    tuple[str, ...]: "texts with commas between them",
    Mapping[str, str]: "NAME=VALUE with commas between them",
    Tables: 'JSON such as {"NAME": {"OPTION": "VALUE"}}',
}


@cache
def declared_in(section: type) -> dict[str, tuple[Field[Any], Any]]:
    """A section's own settings, with their kinds, in order."""
    hints = get_type_hints(section)
    return {one.name: (one, hints[one.name]) for one in fields(section) if hints[one.name] not in SECTIONS.values()}


def from_document(declared: Field[Any], kind: Any, value: Any, *, where: str, folder: Path) -> Any:
    """A value of a TOML file that lies in `folder`, which relative paths begin at. Raises BadSetting."""
    if kind in (Path, Path | None) and isinstance(value, str) and value:
        found: Any = folder / Path(value).expanduser()
    elif kind is Ports and type(value) in (str, int):
        found = str(value)
    elif kind is float and type(value) is int:
        found = float(value)
    elif kind == tuple[str, ...] and isinstance(value, list) and all(isinstance(item, str) for item in value):
        found = tuple(value)
    elif kind == Mapping[str, str] and isinstance(value, Mapping) and all(isinstance(v, str) for v in value.values()):
        found = dict(value)
    elif kind == Tables and _are_tables(value):
        found = {bucket: dict(table) for bucket, table in value.items()}
    elif isinstance(kind, type) and type(value) is kind and kind is not Path:
        found = value
    else:
        shown = "" if is_secret(declared) else f", not {value!r}"
        raise BadSetting(f"{where}{declared.name} must be {_KIND_NAMES[kind]}{shown}")
    return checked(declared, found, name=f"{where}{declared.name}")


def from_variable(declared: Field[Any], kind: Any, text: str, *, variable: str) -> Any:
    """A value of an environment variable; relative paths begin at the working directory. Raises BadSetting."""
    try:
        found = _parsed(kind, text.strip())
    except (ValueError, KeyError) as error:
        wanted = _VARIABLE_KIND_NAMES.get(kind) or _KIND_NAMES[kind].removesuffix(" in quotes")
        raise BadSetting(f"{variable} must be {wanted}") from error
    return checked(declared, found, name=variable)


def check_option(name: str, value: Any) -> None:
    """What the command line gave for a setting without a section. Raises BadSetting."""
    declared, _ = declared_in(Settings)[name]
    checked(declared, value, name="--" + name.replace("_", "-"))


def checked(declared: Field[Any], value: Any, *, name: str) -> Any:
    """The value, if it is within its limits and its own check has nothing against it. Raises BadSetting."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = limits_of(declared)
        if not math.isfinite(value) or (low is not None and value < low) or (high is not None and value > high):
            raise BadSetting(f"{name} must be {_range(low, high)}, not {value:g}")
    if objection := objection_to(declared, value):
        raise BadSetting(f"{name}: {objection}")
    return value


def _range(low: float | None, high: float | None) -> str:
    return f"between {_plain(low)} and {_plain(high)}"


def _plain(number: float | None) -> str:
    return "-" if number is None else f"{number:,.10g}"


def _parsed(kind: Any, text: str) -> Any:
    if kind is bool:
        return _BOOLEANS[text.lower()]
    if kind in (Path, Path | None):
        return Path(text).expanduser()
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind == Mapping[str, str]:
        return dict(_pair(part) for part in text.split(",") if part.strip())
    if kind == Tables:
        tables = json.loads(text)
        if not _are_tables(tables):
            raise ValueError("tables of options")
        return tables
    if "_" in text and kind in (int, float):
        raise ValueError("digits only")
    return kind(text)


def _are_tables(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(table, Mapping) and all(isinstance(option, Option) for option in table.values())
        for table in value.values()
    )


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = (part.strip() for part in text.partition("="))
    if not (separator and name and value):
        raise ValueError("NAME=VALUE")
    return name, value
