"""Where a user's paths lead: the mapping from what a client types to buckets and keys.

Two kinds of home, as Transfer has them: PATH (one folder is where the session starts, the rest of the store lies
around it and IAM decides) and LOGICAL (a small virtual tree whose branches lead into buckets).

Source: AWS Transfer Family User Guide, "Using logical directories to simplify your directory structures".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


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
    mappings: tuple[HomeMapping, ...]


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
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{start}/{path}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def initial_directory(home: HomeDirectory) -> str:
    """The absolute path a session starts in: the root of a PATH home as clients see it, `/` of a LOGICAL one."""
    return normalise(home.root) if isinstance(home, PathHome) else "/"


def locate(home: HomeDirectory, path: str) -> Location:
    """Say where a normalised absolute path leads.

    The longest mapping entry that contains the path decides. In a PATH home the first component is the bucket, so `/`
    is a directory of no bucket in particular (`VirtualDirectory` without children).
    """
    if isinstance(home, PathHome):
        return _place(path) or VirtualDirectory(children=())
    best: HomeMapping | None = None
    for mapping in home.mappings:
        if _contains(mapping.entry, path) and (best is None or len(mapping.entry) > len(best.entry)):
            best = mapping
    if best is not None and (best.type is MappingType.DIRECTORY or path == best.entry):
        rest = path[len(best.entry.rstrip("/")) :]
        return _place(best.target + rest) or Nowhere()
    children = _children(home.mappings, path)
    return VirtualDirectory(children=children) if children or path == "/" else Nowhere()


def virtual_children(home: HomeDirectory, path: str) -> tuple[str, ...]:
    """Names that mappings put directly below `path`, besides what the bucket there holds."""
    return _children(home.mappings, path) if isinstance(home, LogicalHome) else ()


def _children(mappings: Sequence[HomeMapping], path: str) -> tuple[str, ...]:
    below = path.rstrip("/") + "/"
    names = {m.entry[len(below) :].split("/", 1)[0] for m in mappings if m.entry.startswith(below) and m.entry != below}
    return tuple(sorted(names))


def _contains(entry: str, path: str) -> bool:
    return entry == "/" or path == entry or path.startswith(entry + "/")


def _place(path: str) -> ObjectPlace | None:
    bucket, _, key = path.lstrip("/").partition("/")
    return ObjectPlace(bucket=bucket, key=key.rstrip("/")) if bucket else None
