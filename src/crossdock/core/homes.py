"""Where a user's paths lead: the mapping from what a client types to buckets and keys.

Two kinds of home, as Transfer has them: PATH (one folder is where the session starts, the rest of the store lies
around it and IAM decides) and LOGICAL (a small virtual tree whose branches lead into buckets).

Source: AWS Transfer Family User Guide, "Using logical directories to simplify your directory structures".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

MAX_KEY_BYTES = 1024
"""Source: Amazon S3 User Guide, "Naming Amazon S3 objects": keys have at most 1,024 bytes in UTF-8."""

# Looser than today's rule for new buckets: old ones in us-east-1 have capitals, underscores and up to 255 characters.
# Source: Amazon S3 User Guide, "General purpose bucket naming rules".
_BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,254}")


class MappingType(StrEnum):
    FILE = "FILE"
    DIRECTORY = "DIRECTORY"


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeMapping:
    """`entry` is the virtual path, `target` the `/bucket/key` it stands for.

    Both start with a slash; neither ends with one, but the entry `/` itself.
    """

    entry: str
    target: str
    type: MappingType = MappingType.DIRECTORY


@dataclass(frozen=True, slots=True, kw_only=True)
class PathHome:
    """`root` is `/bucket` or `/bucket/folder`, where a session starts; `/` means no bucket was named."""

    root: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicalHome:
    """A virtual tree. Of several mappings with the same entry the first counts. `start` is where a session begins.

    The two private maps answer what every path asks, because AWS admits tens of thousands of mappings: which mapping
    has this entry, and which names lie directly below this path.
    """

    mappings: tuple[HomeMapping, ...]
    start: str = "/"
    _by_entry: Mapping[str, HomeMapping] = field(init=False, repr=False, compare=False)
    _names_below: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_entry: dict[str, HomeMapping] = {}
        for mapping in self.mappings:
            by_entry.setdefault(mapping.entry, mapping)
        object.__setattr__(self, "_by_entry", by_entry)
        object.__setattr__(self, "_names_below", _names_below(by_entry))

    def mapping_at(self, entry: str) -> HomeMapping | None:
        return self._by_entry.get(entry)

    def names_below(self, path: str) -> tuple[str, ...]:
        return self._names_below.get(path, ())


HomeDirectory = PathHome | LogicalHome


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPlace:
    """A key in a bucket. The empty key is the bucket itself; a directory's key has no trailing slash here."""

    bucket: str
    key: str = ""

    def __str__(self) -> str:
        return f"/{self.bucket}/{self.key}" if self.key else f"/{self.bucket}"

    @property
    def directory_prefix(self) -> str:
        """What every key below this directory begins with, and the name of its marker object; empty for a bucket."""
        return f"{self.key}/" if self.key else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualDirectory:
    """A read-only directory that only exists because mappings lie below it, with the names directly below."""

    children: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nowhere:
    """A path that this home does not contain."""


Location = ObjectPlace | VirtualDirectory | Nowhere


def normalise(path: str, *, start: str = "/") -> str:
    """Make an absolute path without `.`, `..`, doubled or trailing slashes; `..` at the top stays at the top.

    `start` is the absolute directory that a relative path begins from.
    """
    if path.startswith("/") and "//" not in path and "/." not in path and not path.endswith("/"):
        return path
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{start}/{path}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def initial_directory(home: HomeDirectory) -> str:
    """The absolute path a session starts in: the root of a PATH home as clients see it, the start of a LOGICAL one."""
    return normalise(home.root if isinstance(home, PathHome) else home.start)


def locate(home: HomeDirectory, path: str) -> Location:
    """Say where a normalised absolute path leads.

    The longest mapping entry that contains the path decides. In a PATH home the first component is the bucket, so `/`
    is a directory of no bucket in particular (`VirtualDirectory` without children).
    """
    if isinstance(home, PathHome):
        return VirtualDirectory(children=()) if path == "/" else _place(path)
    for entry in _path_and_ancestors(path):
        mapping = home.mapping_at(entry)
        if mapping is not None:
            if mapping.type is MappingType.FILE and entry != path:
                break
            return _place(mapping.target + path[len(entry.rstrip("/")) :])
    children = home.names_below(path)
    return VirtualDirectory(children=children) if children or path == "/" else Nowhere()


def virtual_children(home: HomeDirectory, path: str) -> tuple[str, ...]:
    """Names that the home itself puts directly below `path`, besides what the bucket there holds, in order.

    Below the `/` of a PATH home that is its bucket: whoever may go there wants to see the way back.
    """
    if isinstance(home, LogicalHome):
        return home.names_below(path)
    bucket = initial_directory(home).split("/")[1]
    return (bucket,) if path == "/" and bucket else ()


def is_given_directory(home: HomeDirectory, path: str) -> bool:
    """Whether the home itself makes this path a directory, so that it is there before any key is, and stays.

    So it is for `/`, for where a session starts, for the entry of a directory mapping and for all above one.
    """
    if path == "/" or path == initial_directory(home) or virtual_children(home, path):
        return True
    mapping = home.mapping_at(path) if isinstance(home, LogicalHome) else None
    return mapping is not None and mapping.type is MappingType.DIRECTORY


def is_given_file(home: HomeDirectory, path: str) -> bool:
    """Whether a mapping of type FILE has this path: it stands for one object, and nothing can lie below it."""
    mapping = home.mapping_at(path) if isinstance(home, LogicalHome) else None
    return mapping is not None and mapping.type is MappingType.FILE and not is_given_directory(home, path)


def _names_below(by_entry: Mapping[str, HomeMapping]) -> Mapping[str, tuple[str, ...]]:
    names: dict[str, set[str]] = {}
    for entry in by_entry:
        child = entry
        for parent in _path_and_ancestors(entry)[1:]:
            names.setdefault(parent, set()).add(child.rpartition("/")[2])
            child = parent
    return {path: tuple(sorted(found)) for path, found in names.items()}


def _path_and_ancestors(path: str) -> Sequence[str]:
    """`/a/b`, `/a`, `/`."""
    ancestors = [path]
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        ancestors.append(path)
    return ancestors


def _place(path: str) -> ObjectPlace | Nowhere:
    bucket, _, key = path.lstrip("/").partition("/")
    return ObjectPlace(bucket=bucket, key=key.rstrip("/")) if _BUCKET_NAME.fullmatch(bucket) else Nowhere()
