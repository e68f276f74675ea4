"""Buckets that a file attaches to other S3s, so that a node with an empty data directory comes up like all others.

[landing]                                     # the bucket's name here
account = "hub"
to = "s3://incoming/crossdock"                # the bucket there, and what stands before every key
endpoint_url = "https://s3.example.com:9000"  # AWS's own when left out
region = "us-east-1"
path_style = true
credentials_file = "s3-credentials"           # beside this file; or profile = "storage", or neither
ca_file = "ca.pem"
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossdock.core.backings import Backing, BadBacking, read_backing
from crossdock.settings.errors import BadSetting
from crossdock.settings.toml_files import beside, parse_toml, read_text, text_in

_PATHS = ("credentials_file", "ca_file")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredBucket:
    """`account` is a name or an id."""

    name: str
    account: str
    backing: Backing


def read_buckets_file(path: Path) -> tuple[DeclaredBucket, ...]:
    """Raises BadSetting."""
    return parse_buckets_file(read_text(path), path)


def parse_buckets_file(text: str, path: Path) -> tuple[DeclaredBucket, ...]:
    """`path` is where relative files begin, and what errors name. Raises BadSetting."""
    document = parse_toml(text, path)
    return tuple(_bucket(name, table, path) for name, table in document.items())


def _bucket(name: str, table: Any, path: Path) -> DeclaredBucket:
    where = f"{path}: bucket {name!r}"
    if not isinstance(table, Mapping):
        raise BadSetting(f"{where}: write [{name}] on a line of its own, and its options below")
    account = text_in(table, "account", where)
    options = {name: value for name, value in table.items() if name != "account"}
    for option in _PATHS:
        if isinstance(value := options.get(option), str) and value:
            options[option] = beside(path, value)
    try:
        return DeclaredBucket(name=name, account=account, backing=read_backing(options))
    except BadBacking as error:
        raise BadSetting(f"{where}: {error}") from error
