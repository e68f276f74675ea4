"""Where settings come from, and which source wins."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from crossdock.core.nearest import nearest
from crossdock.settings.errors import BadSetting
from crossdock.settings.sections import ATTRIBUTES, SECTIONS, Settings
from crossdock.settings.values import check_option, declared_in, from_document, from_variable

PREFIX = "CROSSDOCK_"


def load_settings(
    config: Path | None = None,
    *,
    options: Mapping[str, object] | None = None,
    further_accounts: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Put the settings together; later sources win.

    Args:
        config: a TOML file, or None.
        options: what the command line gave, by field name; None values count as not given.
        further_accounts: what `--account` adds to the accounts, wherever those come from.
        environment: `os.environ` unless a test says otherwise. An empty variable counts as not given.

    Raises:
        BadSetting: an unknown key, a value that cannot be meant, or a file that cannot be read.
    """
    settings = Settings()
    if config is not None:
        settings = _apply_document(settings, _read_toml(config), config)
    settings = _apply_environment(settings, _environment(environment))
    given = {name: value for name, value in (options or {}).items() if value is not None}
    for name, value in given.items():
        check_option(name, value)
    settings = replace(settings, **given)  # type: ignore[arg-type]
    if further_accounts:
        settings = replace(settings, accounts={**settings.accounts, **further_accounts})
    return settings


def data_dir_of(option: Path | None = None, *, environment: Mapping[str, str] | None = None) -> Path:
    """The data directory, for a command that asks the running service; other settings are that service's business."""
    text = _environment(environment).get(f"{PREFIX}DATA_DIR", "").strip()
    return option or (Path(text).expanduser() if text else Settings().data_dir)


def unknown_variables(*, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables of ours by their prefix that are no setting, each with the one whose name is nearest.

    They may be somebody else's, Kubernetes' `CROSSDOCK_SERVICE_HOST` for one, so whoever asks can only say so.
    """
    known = _known_variables()
    return {
        variable: known[get_close_matches(variable.removeprefix(PREFIX), known, n=1, cutoff=0.0)[0]]
        for variable in sorted(_environment(environment))
        if variable.startswith(PREFIX) and variable not in known.values()
    }


def foreign_variables(*, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables that are not ours, for a process of ours that reads no settings: ours may hold secrets."""
    return {name: text for name, text in _environment(environment).items() if not name.startswith(PREFIX)}


def variable_of(section: str, name: str) -> str:
    """`CROSSDOCK_FTP_IDLE_TIMEOUT_S`; `section` is empty for settings without one."""
    return PREFIX + "_".join(part.upper() for part in (section, name) if part)


def _environment(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environment is None else environment  # noqa: TID251 - the one place that reads it


def _read_toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSetting(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise BadSetting(f"{path} is not valid TOML: {error}") from error


def _apply_document(settings: Settings, document: Mapping[str, Any], path: Path) -> Settings:
    folder = path.absolute().parent
    changes: dict[str, Any] = {}
    for key, value in document.items():
        if key not in SECTIONS:
            changes[key] = _document_value(Settings, key, value, where=f"{path}: ", folder=folder)
            continue
        if not isinstance(value, Mapping):
            raise BadSetting(f"{path}: {key} is a section: write [{key}] on a line of its own")
        attribute = ATTRIBUTES.get(key, key)
        found = {
            name: _document_value(SECTIONS[key], name, item, where=f"{path}: [{key}] ", folder=folder)
            for name, item in value.items()
        }
        changes[attribute] = replace(getattr(settings, attribute), **found)
    return replace(settings, **changes)


def _document_value(section: type, name: str, value: Any, *, where: str, folder: Path) -> Any:
    known = declared_in(section)
    if name not in known:
        tables = [f"[{table}]" for table in SECTIONS] if section is Settings else []
        near = nearest(name, (*SECTIONS, *known) if tables and isinstance(value, Mapping) else tuple(known))
        shown = f"[{near}]" if tables and near in SECTIONS else near
        meant = f": perhaps {shown} is meant" if near else ""
        names = ", ".join([*sorted(known), *sorted(tables)])
        raise BadSetting(f"{where}unknown setting {name!r}{meant} (known: {names})")
    return from_document(*known[name], value, where=where, folder=folder)


def _apply_environment(settings: Settings, environment: Mapping[str, str]) -> Settings:
    _refuse_misspelled(environment)
    changes = _found_in(environment, "", Settings)
    for name, section in SECTIONS.items():
        attribute = ATTRIBUTES.get(name, name)
        if found := _found_in(environment, name, section):
            changes[attribute] = replace(getattr(settings, attribute), **found)
    return replace(settings, **changes)


def _refuse_misspelled(environment: Mapping[str, str]) -> None:
    """A variable that nearly has a setting's name was meant to be one; others may be somebody else's."""
    known = _known_variables()
    for variable in environment:
        if variable.startswith(PREFIX) and variable not in known.values():
            near = get_close_matches(variable.removeprefix(PREFIX), known, n=1, cutoff=0.8)
            if near:
                raise BadSetting(f"there is no variable {variable}: {known[near[0]]} is meant, or unset it")


def _known_variables() -> dict[str, str]:
    """Every setting's variable, by its name without the prefix, which would make all of them alike."""
    sections = {"": Settings, **SECTIONS}.items()
    variables = [variable_of(section, name) for section, kind in sections for name in declared_in(kind)]
    return {variable.removeprefix(PREFIX): variable for variable in variables}


def _found_in(environment: Mapping[str, str], section_name: str, section: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (declared, kind) in declared_in(section).items():
        variable = variable_of(section_name, name)
        if text := environment.get(variable, "").strip():
            found[name] = from_variable(declared, kind, text, variable=variable)
    return found
