"""Every setting with its names, for the documentation and for whoever wants to list them."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any

from crossdock.settings.declare import is_secret, limits_of, meaning_of
from crossdock.settings.sections import SECTIONS, Settings
from crossdock.settings.sources import variable_of
from crossdock.settings.values import declared_in


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """`default` is written as in TOML; `low` and `high` are None where there is no limit."""

    section: str
    name: str
    variable: str
    default: str
    meaning: str
    is_secret: bool
    low: float | None
    high: float | None


def setting_rows() -> Iterator[SettingRow]:
    """All settings in the order of their declaration, those without a section first."""
    for section_name, section in {"": Settings, **SECTIONS}.items():
        for name, (declared, _) in declared_in(section).items():
            made = declared.default_factory() if declared.default_factory is not MISSING else declared.default
            low, high = limits_of(declared)
            yield SettingRow(
                section=section_name,
                name=name,
                variable=variable_of(section_name, name),
                default=_toml(made),
                meaning=meaning_of(declared),
                is_secret=is_secret(declared),
                low=low,
                high=high,
            )


def _toml(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | Path):
        return f'"{value}"' if str(value) else ""
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}" if value else "{}"
    return f"{value:g}" if isinstance(value, float) else str(value)
