"""Reading the files that declare servers and buckets."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crossdock.settings.errors import BadSetting


def read_text(path: Path) -> str:
    """Raises BadSetting."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadSetting(f"cannot read {path}: it is no text in UTF-8") from error
    except OSError as error:
        raise BadSetting(f"cannot read {path}: {error.strerror}") from error


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """`path` is what the error names. Raises BadSetting."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{path} is not valid TOML: {error}") from error


def text_in(table: Mapping[str, Any], name: str, where: str) -> str:
    """A text that must be there. Raises BadSetting."""
    value = table.get(name)
    if not isinstance(value, str) or not value:
        raise BadSetting(f"{where}: {name} is missing, or no text")
    return value


def beside(path: Path, name: str) -> str:
    """A file that the file at `path` names: relative names begin in its folder."""
    return str(path.absolute().parent / Path(name).expanduser())
