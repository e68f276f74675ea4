"""Servers that a file declares, so that a node with an empty data directory comes up like all others.

    [[server]]
    id = "s-0123456789abcdef0"
    account = "hub"
    host_keys = ["ssh_host_ed25519_key"]          # files beside this one, or secretsmanager:ARN
    certificate = ["secretsmanager:ARN"]          # chain and key; or two of them

    [server.settings]                             # as CreateServer takes them
    Protocols = ["SFTP"]

    [[server.users]]                              # as CreateUser takes them, and all keys
    UserName = "user1"
    Role = "arn:aws:iam::222222222222:role/drop"
    SshPublicKeys = ["ssh-ed25519 AAAA…"]

What is inside `settings` and `users` is AWS's to check, when it is applied.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossdock.core.ids import ServerId, is_server_id
from crossdock.core.servers import SERVER_ID_TAG
from crossdock.settings.errors import BadSetting
from crossdock.settings.toml_files import beside, parse_toml, read_text, text_in

SECRET = "secretsmanager:"
_SERVER_KEYS = frozenset({"id", "account", "region", "host_keys", "certificate", "settings", "users"})
_NOT_IN_SETTINGS = frozenset({"ServerId", "HostKey", "HostKeyStorageType", "Tags"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredUser:
    """`settings` as CreateUser takes them, without server and keys."""

    name: str
    settings: Mapping[str, Any]
    public_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredServer:
    """`region` is empty for the service's own. `host_keys` are absolute paths, or `secretsmanager:` and a secret's id.

    `certificate`, for FTPS, is none, a secret that has chain and key, or the chain's and the key's.
    `users` is None where the file says nothing of users; those that the API made then stay.
    """

    server_id: ServerId
    account: str
    region: str
    settings: Mapping[str, Any]
    tags: Mapping[str, str]
    host_keys: tuple[str, ...] = ()
    certificate: tuple[str, ...] = ()
    users: tuple[DeclaredUser, ...] | None = None


def read_servers_file(path: Path) -> tuple[DeclaredServer, ...]:
    """Raises BadSetting."""
    return parse_servers_file(read_text(path), path)


def parse_servers_file(text: str, path: Path) -> tuple[DeclaredServer, ...]:
    """`path` is where relative files begin, and what errors name. Raises BadSetting."""
    document = parse_toml(text, path)
    if unknown := document.keys() - {"server"}:
        raise BadSetting(f"{path}: {sorted(unknown)[0]!r} is unknown: write [[server]] for each server")
    found = tuple(_server(table, path) for table in _tables(document.get("server", []), path, "server"))
    ids = [server.server_id for server in found]
    if twice := next((one for one in ids if ids.count(one) > 1), None):
        raise BadSetting(f"{path}: the server {twice} is there twice")
    return found


def _server(table: Mapping[str, Any], path: Path) -> DeclaredServer:
    server_id = table.get("id", "")
    where = f"{path}: server {server_id!r}"
    if not isinstance(server_id, str) or not is_server_id(server_id):
        raise BadSetting(f"{where}: id must be s- and 17 hex digits")
    if unknown := table.keys() - _SERVER_KEYS:
        raise BadSetting(f"{where}: {sorted(unknown)[0]!r} is none of {', '.join(sorted(_SERVER_KEYS))}")
    settings = dict(_table(table.get("settings", {}), where, "settings"))
    tags = _text_table(settings.pop("Tags", {}), where, "Tags")
    if wrong := settings.keys() & _NOT_IN_SETTINGS:
        raise BadSetting(f"{where}: {sorted(wrong)[0]} is not a setting here: id and host_keys stand beside them")
    certificate = _certificate(table["certificate"], where) if "certificate" in table else ()
    if certificate and "Certificate" in settings:
        raise BadSetting(f"{where}: certificate takes the place of Certificate in its settings: leave one of them out")
    return DeclaredServer(
        server_id=ServerId(server_id),
        account=text_in(table, "account", where),
        region=text_in(table, "region", where) if "region" in table else "",
        settings=settings,
        tags={**tags, SERVER_ID_TAG: server_id},
        host_keys=tuple(_key_place(place, path) for place in _texts(table.get("host_keys", []), where, "host_keys")),
        certificate=certificate,
        users=_users(table["users"], where) if "users" in table else None,
    )


def _users(tables: Any, where: str) -> tuple[DeclaredUser, ...]:
    users = tuple(_user(table, where) for table in _tables(tables, where, "users"))
    names = [user.name for user in users]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadSetting(f"{where}: the user {twice} is there twice")
    return users


def _user(table: Mapping[str, Any], where: str) -> DeclaredUser:
    name = text_in(table, "UserName", f"{where}, a user")
    keys = _texts(table.get("SshPublicKeys", []), f"{where}, user {name}", "SshPublicKeys")
    settings = {key: value for key, value in table.items() if key not in ("UserName", "SshPublicKeys")}
    if wrong := settings.keys() & {"ServerId", "SshPublicKeyBody"}:
        raise BadSetting(f"{where}, user {name}: {sorted(wrong)[0]} is not for here: keys are SshPublicKeys, a list")
    return DeclaredUser(name=name, settings=settings, public_keys=tuple(keys))


def _certificate(value: Any, where: str) -> tuple[str, ...]:
    places = tuple(_texts(value, where, "certificate"))
    if len(places) not in (1, 2):
        raise BadSetting(f"{where}: certificate has one secret, with chain and key, or two: the chain's and the key's")
    if wrong := next((place for place in places if not place.startswith(SECRET)), None):
        raise BadSetting(
            f"{where}: certificate has secrets ({SECRET}ID), and {wrong} is none: files are named in "
            "[ftps.certificates] of the settings"
        )
    return places


def _key_place(place: str, path: Path) -> str:
    if place.startswith(SECRET):
        return place
    return beside(path, place)


def _tables(value: Any, where: object, name: str) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise BadSetting(f"{where}: write [[{name}]] for each")
    return value


def _table(value: Any, where: str, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadSetting(f"{where}: {name} must be a table")
    return value


def _text_table(value: Any, where: str, name: str) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
        raise BadSetting(f"{where}: {name} must be a table of texts")
    return value


def _texts(value: Any, where: str, name: str) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadSetting(f"{where}: {name} must be a list of texts")
    return value
