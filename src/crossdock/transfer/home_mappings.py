"""Home directories in AWS's spelling, checked and turned into `core.homes`.

Source: AWS Transfer Family User Guide, "Using logical directories to simplify your directory structures".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from crossdock.core.errors import CrossdockError
from crossdock.core.homes import HomeMapping, LogicalHome, MappingType, Nowhere, PathHome, locate, normalise

_USER_NAME = re.compile(r"\$\{transfer:UserName\}", re.IGNORECASE)
MAX_ENTRIES = 50_000


class BadHome(CrossdockError):
    """A home directory that cannot be used; the message is a sentence for the operator."""


def check_mappings(mappings: object) -> Sequence[Mapping[str, str]]:
    """Refuse mappings that AWS refuses, and return them as checked.

    Raises:
        BadHome: not a list of `{"Entry", "Target"}`, a path without a leading slash or with relative elements, which
            Transfer never resolves, a target with a trailing slash, two mappings of one entry, or `/` beside other
            entries.
    """
    if not isinstance(mappings, list) or not mappings:
        raise BadHome("HomeDirectoryMappings must be a list of at least one object with Entry and Target")
    if len(mappings) > MAX_ENTRIES:
        raise BadHome(f"HomeDirectoryMappings has more than {MAX_ENTRIES} entries")
    entries: set[str] = set()
    for number, mapping in enumerate(mappings, 1):
        entry = _check_mapping(mapping, number)
        if entry in entries:
            raise BadHome(f"the entry {entry!r} is mapped twice")
        entries.add(entry)
    if "/" in entries and len(entries) > 1:
        raise BadHome("a mapping of the entry '/' must be the only one: entries may not overlap")
    return mappings


def _check_mapping(mapping: object, number: int) -> str:
    if not isinstance(mapping, dict) or not {"Entry", "Target"} <= mapping.keys():
        raise BadHome(f"mapping {number} must be an object with Entry and Target")
    entry, target, kind = mapping["Entry"], mapping["Target"], mapping.get("Type", "DIRECTORY")
    if not isinstance(entry, str) or not isinstance(target, str) or kind not in ("FILE", "DIRECTORY"):
        raise BadHome(f"mapping {number}: Entry and Target must be texts, and Type FILE or DIRECTORY")
    if not entry.startswith("/"):
        raise BadHome(f"mapping {number}: Entry must start with '/'")
    if not target.startswith("/") or target == "/":
        raise BadHome(f"mapping {number}: Target must be '/bucket' or '/bucket/path'")
    if target.endswith("/"):
        raise BadHome(f"mapping {number}: Target must not end with '/'")
    for member, path in (("Entry", entry), ("Target", target)):
        if {".", ".."} & set(path.split("/")):
            raise BadHome(f"mapping {number}: {member} must not contain '.' or '..' as a part of the path")
    return normalise(entry)


def logical_home(mappings: Sequence[Mapping[str, str]], *, username: str, start: object = None) -> LogicalHome:
    """Checked mappings as a home, `${transfer:UserName}` in targets filled.

    `start` is the HomeDirectory beside them, a directory of the virtual tree. What is none is passed over, as many name
    their bucket there: the session then starts at `/`.
    """
    home = LogicalHome(
        mappings=tuple(
            HomeMapping(
                entry=normalise(mapping["Entry"]),
                target=_USER_NAME.sub(lambda _: username, mapping["Target"]),
                type=MappingType(mapping.get("Type", "DIRECTORY")),
            )
            for mapping in mappings
        )
    )
    return home if start is None else replace(home, start=_start(home, start))


def _start(home: LogicalHome, wanted: object) -> str:
    path = normalise(wanted) if isinstance(wanted, str) else "/"
    mapping = home.mapping_at(path)
    is_file = mapping is not None and mapping.type is MappingType.FILE
    return "/" if is_file or isinstance(locate(home, path), Nowhere) else path


def path_home(root: object) -> PathHome:
    """Raises BadHome unless `root` is an absolute path or empty."""
    if root in (None, ""):
        return PathHome()
    if not isinstance(root, str) or not root.startswith("/"):
        raise BadHome("HomeDirectory must start with '/' and name the bucket first: /bucket/path")
    return PathHome(root=normalise(root))
