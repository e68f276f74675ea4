"""Every setting, read once: defaults, then the TOML file, then CROSSDOCK_* variables, then the command line.

Nothing else reads the environment. A setting of a section is written `[ftp] idle_timeout_s = 600` in TOML and
`CROSSDOCK_FTP_IDLE_TIMEOUT_S=600` as a variable; the options of `crossdock serve` have no section.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from crossdock.core.errors import CrossdockError

PREFIX = "CROSSDOCK_"
DEFAULT_ACCOUNTS = {"hub": "111111111111", "partner": "222222222222"}


class BadSetting(CrossdockError):
    """A setting that cannot be meant; the message says which, where, and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSettings:
    """Before and while a user is admitted."""

    failure_delay_s: float = 1.0
    timeout_s: float = 30.0
    concurrent: int = 64
    pre_login_timeout_s: float = 60.0
    attempts_per_connection: int = 3
    connections_per_address: int = 1000
    connections: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpSettings:
    """What an FTP session may do and for how long."""

    idle_timeout_s: float = 1800.0
    stalled_timeout_s: float = 600.0
    data_connect_timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaSettings:
    """`processes` 0 means twice the number of cores; `runtimes` names interpreters, by AWS's runtime names."""

    processes: int = 0
    queue: int = 1000
    idle_seconds: float = 300.0
    runtimes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """`level` is what standard error shows; the rest limits CloudWatch Logs on disk."""

    level: str = "INFO"
    retention_days: int = 30
    max_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """`virtual_hosts` are further domains whose sub-domains are buckets."""

    loopback_is_secure: bool = True
    max_body_bytes: int = 10 << 20
    virtual_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything `crossdock serve` can be told. Ports: 0 = the system chooses one and the data directory keeps it.

    `passive_ports` is an inclusive range as text, `8192-8200`; `0` = nine that the system chooses. `accounts` maps
    names to twelve-digit ids. `keys` is `NAME=AKID:SECRET,…`, `key_file` where the encryption key lies if not in the
    data directory.
    """

    data_dir: Path = Path("crossdock-data")
    host: str = "127.0.0.1"
    api_port: int = 4566
    ftp_port: int = 2121
    passive_ports: str = "8192-8200"
    sftp_port: int = 2222
    web_port: int = 8080
    drain_timeout: float = 30.0
    region: str = "us-east-1"
    accounts: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_ACCOUNTS))
    keys: str = field(default="", repr=False)
    key_file: str = ""
    login: LoginSettings = field(default_factory=LoginSettings)
    ftp: FtpSettings = field(default_factory=FtpSettings)
    lambda_: LambdaSettings = field(default_factory=LambdaSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    api: ApiSettings = field(default_factory=ApiSettings)


_SECTIONS: dict[str, type] = {
    "login": LoginSettings,
    "ftp": FtpSettings,
    "lambda": LambdaSettings,
    "logs": LogSettings,
    "api": ApiSettings,
}
_ATTRIBUTES = {"lambda": "lambda_"}


def load_settings(
    config: Path | None = None,
    *,
    options: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Put the settings together; later sources win.

    Args:
        config: a TOML file, or None.
        options: what the command line gave, by field name; None values count as not given.
        environment: `os.environ` unless a test says otherwise.

    Raises:
        BadSetting: an unknown key, a value of the wrong kind, or a file that cannot be read.
    """
    environment = os.environ if environment is None else environment
    settings = Settings()
    if config is not None:
        settings = _apply_document(settings, _read_toml(config), str(config))
    settings = _apply_environment(settings, environment)
    given = {name: value for name, value in (options or {}).items() if value is not None}
    return replace(settings, **given)  # type: ignore[arg-type]


def _read_toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise BadSetting(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise BadSetting(f"{path} is not valid TOML: {error}") from error


def _apply_document(settings: Settings, document: Mapping[str, Any], where: str) -> Settings:
    changes: dict[str, Any] = {}
    for key, value in document.items():
        if key in _SECTIONS:
            if not isinstance(value, Mapping):
                raise BadSetting(f"{where}: [{key}] must be a table")
            attribute = _ATTRIBUTES.get(key, key)
            section = getattr(settings, attribute)
            known = _kinds(_SECTIONS[key])
            changes[attribute] = replace(
                section, **{name: _typed(known, name, item, f"{where}: [{key}]") for name, item in value.items()}
            )
        else:
            changes[key] = _typed(_kinds(Settings), key, value, where)
    return replace(settings, **changes)


def _apply_environment(settings: Settings, environment: Mapping[str, str]) -> Settings:
    changes: dict[str, Any] = {}
    for name, kind in _kinds(Settings).items():
        if (text := environment.get(PREFIX + name.upper())) is not None:
            changes[name] = _parsed(kind, text, PREFIX + name.upper())
    for section_name, section_type in _SECTIONS.items():
        attribute = _ATTRIBUTES.get(section_name, section_name)
        found: dict[str, Any] = {}
        for name, kind in _kinds(section_type).items():
            variable = f"{PREFIX}{section_name.upper()}_{name.upper()}"
            if (text := environment.get(variable)) is not None:
                found[name] = _parsed(kind, text, variable)
        if found:
            changes[attribute] = replace(getattr(settings, attribute), **found)
    return replace(settings, **changes)


def _kinds(section: type) -> dict[str, Any]:
    hints = get_type_hints(section)
    return {f.name: hints[f.name] for f in fields(section) if hints[f.name] not in _SECTIONS.values()}


def _typed(known: Mapping[str, Any], name: str, value: Any, where: str) -> Any:
    if name not in known:
        raise BadSetting(f"{where}: unknown setting {name!r} (known: {', '.join(sorted(known))})")
    kind = known[name]
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind == tuple[str, ...] and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if kind == Mapping[str, str] and isinstance(value, Mapping) and all(isinstance(v, str) for v in value.values()):
        return dict(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise BadSetting(f"{where}: {name} must be {_kind_name(kind)}, not {value!r}")


def _parsed(kind: Any, text: str, variable: str) -> Any:
    try:
        if kind is bool:
            return {"true": True, "1": True, "false": False, "0": False}[text.strip().lower()]
        if kind == tuple[str, ...]:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if kind == Mapping[str, str]:
            return dict(_pair(part) for part in text.split(",") if part.strip())
        return kind(text)
    except (ValueError, KeyError) as error:
        raise BadSetting(f"{variable} must be {_kind_name(kind)}") from error


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.strip().partition("=")
    if not separator:
        raise ValueError(text)
    return name, value


def _kind_name(kind: Any) -> str:
    if kind == tuple[str, ...]:
        return "a list of texts"
    if kind == Mapping[str, str]:
        return "a table of texts (NAME=VALUE,… in a variable)"
    return {int: "a whole number", float: "a number", str: "a text", bool: "true or false", Path: "a path"}[kind]
