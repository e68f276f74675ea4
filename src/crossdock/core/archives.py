"""Zip archives of function code: what is in one, and whether it may be unpacked.

Nothing is unpacked here. What is refused: names that lead outside, links and devices, encrypted members, names that
collide, more bytes than allowed, and sizes or checksums that are not what the directory of the archive says.
"""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo
from zlib import error as DeflateError

from crossdock.core.errors import CrossdockError

MAX_ZIPPED = 50 << 20
MAX_UNZIPPED = 262_144_000
"""Source: Lambda Developer Guide, "Lambda quotas": 50 MB zipped for direct upload, 250 MB unzipped."""

MAX_MEMBERS = 65_535
_MAX_NAME = 1024
_MAX_PART = 255
_CHUNK = 1 << 20


class BadArchive(CrossdockError):
    """Not a zip archive, or one that must not be unpacked; the message says what about it."""


class ArchiveTooLarge(BadArchive):
    """It would unpack to more than is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """`path` is relative, its parts joined by `/`, none of them empty, `.` or `..`."""

    path: str
    size: int
    is_directory: bool
    is_executable: bool


class CodeArchive:
    """An archive whose directory has been checked; opening it raises BadArchive or ArchiveTooLarge."""

    def __init__(self, archive: bytes, *, max_unzipped: int = MAX_UNZIPPED) -> None:
        try:
            self._zip = ZipFile(BytesIO(archive))
        except (BadZipFile, NotImplementedError, ValueError, OverflowError) as error:
            raise BadArchive(
                "Could not unzip uploaded file. Please check your file, then try to upload again."
            ) from error
        self._infos: dict[str, ZipInfo] = {}
        self.members = tuple(self._checked(self._zip.infolist(), max_unzipped))

    @property
    def unzipped_size(self) -> int:
        return sum(member.size for member in self.members)

    def chunks(self, member: Member) -> Iterator[bytes]:
        """A file's bytes, in pieces of at most 1 MiB. Raises BadArchive when they are not as announced."""
        try:
            with self._zip.open(self._infos[member.path]) as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
        except (BadZipFile, DeflateError, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise BadArchive(f"{member.path!r} in the zip file is damaged") from error

    def verify(self) -> None:
        """Unpack everything into nothing. Takes about a second for 250 MB. Raises BadArchive."""
        for member in self.members:
            if not member.is_directory:
                found = sum(len(chunk) for chunk in self.chunks(member))
                if found != member.size:
                    raise BadArchive(f"{member.path!r} in the zip file is damaged")

    def _checked(self, infos: list[ZipInfo], max_unzipped: int) -> Iterator[Member]:
        if len(infos) > MAX_MEMBERS:
            raise ArchiveTooLarge(f"The zip file has more than {MAX_MEMBERS} members")
        total = 0
        directories: set[str] = set()
        for info in infos:
            path = _safe_path(info)
            if not path:
                continue
            _refuse_oddities(info, path)
            total += info.file_size
            if total > max_unzipped:
                raise ArchiveTooLarge(f"Unzipped size must be smaller than {max_unzipped} bytes")
            directories.update(_parents(path))
            if info.is_dir():
                directories.add(path)
            elif path in self._infos:
                raise BadArchive(f"{path!r} is in the zip file twice")
            else:
                self._infos[path] = info
                yield _member(info, path)
        for path in self._infos.keys() & directories:
            raise BadArchive(f"{path!r} is both a file and a directory in the zip file")
        for path in directories:
            yield Member(path=path, size=0, is_directory=True, is_executable=True)


def _member(info: ZipInfo, path: str) -> Member:
    mode = info.external_attr >> 16
    return Member(path=path, size=info.file_size, is_directory=False, is_executable=bool(mode & 0o111))


def _safe_path(info: ZipInfo) -> str:
    """The member's path without empty and `.` parts; empty for the root itself."""
    name = info.filename
    # ZipInfo cuts a name at a NUL byte, so what was written is looked at.
    if "\0" in info.orig_filename or "\\" in name or name.startswith("/") or len(name) > _MAX_NAME:
        raise BadArchive(f"the zip file has a member with an unusable name: {name[:100]!r}")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or any(len(part.encode(errors="replace")) > _MAX_PART for part in parts):
        raise BadArchive(f"the zip file has a member with an unusable name: {name[:100]!r}")
    return "/".join(parts)


def _refuse_oddities(info: ZipInfo, path: str) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadArchive(f"{path!r} in the zip file is a link or a special file")
    if info.flag_bits & 0x1:
        raise BadArchive(f"{path!r} in the zip file is encrypted")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise BadArchive(f"{path!r} in the zip file is compressed by an unsupported method")


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
