"""SFTP version 3 in bytes: what requests say, and how answers are said. Pure. READ and WRITE are in `framing.py`.

Bytes behind what a request needs are ignored, as OpenSSH ignores them: some clients send such.

Source: draft-ietf-secsh-filexfer-02; OpenSSH's PROTOCOL, section 4, for the extensions.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, IntFlag, auto

from crossdock.core.errors import CrossdockError

MAX_DATA = 256 << 10
"""Bytes that one READ or WRITE may carry."""
MAX_PACKET = MAX_DATA + 1024
"""The largest packet, without its length. OpenSSH takes 256 KiB in all; data of that size then just fits here."""
VERSION = 3


class MalformedPacket(CrossdockError):
    """Bytes that are no SFTP: the session cannot go on, for nobody knows where the next packet begins."""


class Kind(IntEnum):
    """The type byte of a packet, SSH_FXP_*."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    SYMLINK = 20
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class OpenFlags(IntFlag):
    """SSH_FXF_*."""

    READ = 0x01
    WRITE = 0x02
    APPEND = 0x04
    CREAT = 0x08
    TRUNC = 0x10
    EXCL = 0x20


NO_FLAGS = OpenFlags(0)


class Action(Enum):
    """What a client can ask for, whether by a type of its own or by an extension's name."""

    OPEN = auto()
    CLOSE = auto()
    STAT = auto()
    FSTAT = auto()
    SETSTAT = auto()
    FSETSTAT = auto()
    OPENDIR = auto()
    READDIR = auto()
    REMOVE = auto()
    MKDIR = auto()
    RMDIR = auto()
    REALPATH = auto()
    EXPAND_PATH = auto()
    RENAME = auto()
    POSIX_RENAME = auto()
    STATVFS = auto()
    FSTATVFS = auto()
    LIMITS = auto()
    UNSUPPORTED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAttributes:
    """What a client wants to be so: only whether a size is among it, and whether anything else is, matters here."""

    size: int | None = None
    has_others: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """`path` and `target` are as the client spelled them; `handle` is 0 where it is none that could be known."""

    action: Action
    path: str = ""
    target: str = ""
    handle: int = 0
    flags: OpenFlags = NO_FLAGS
    attributes: SetAttributes = SetAttributes()


_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")


class _Cursor:
    """Reads on in a packet's body."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def u32(self) -> int:
        return int(_U32.unpack(self._next(4))[0])

    def u64(self) -> int:
        return int(_U64.unpack(self._next(8))[0])

    def string(self) -> bytes:
        return self._next(self.u32())

    def path(self) -> str:
        # What is no UTF-8 is refused where all names are checked, and comes back as it was in REALPATH.
        return self.string().decode(errors="surrogateescape")

    def handle(self) -> int:
        handle = self.string()
        return int(_U32.unpack(handle)[0]) if len(handle) == 4 else 0

    def attributes(self) -> SetAttributes:
        flags = self.u32()
        size = self.u64() if flags & _SIZE else None
        for flag, length in ((_UIDGID, 8), (_PERMISSIONS, 4), (_ACMODTIME, 8)):
            if flags & flag:
                self._next(length)
        if flags & _EXTENDED:
            for _ in range(self.u32()):
                self.string()
                self.string()
        return SetAttributes(size=size, has_others=bool(flags & ~_SIZE))

    def _next(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._body):
            raise MalformedPacket("a packet ends before what it says is in it")
        found = self._body[self._at : end]
        self._at = end
        return found


_SIZE, _UIDGID, _PERMISSIONS, _ACMODTIME, _EXTENDED = 0x1, 0x2, 0x4, 0x8, 0x80000000

Shape = Callable[[Action, _Cursor], Request]


def _nothing(action: Action, cursor: _Cursor) -> Request:
    return Request(action)


def _path(action: Action, cursor: _Cursor) -> Request:
    return Request(action, path=cursor.path())


def _handle(action: Action, cursor: _Cursor) -> Request:
    return Request(action, handle=cursor.handle())


def _two_paths(action: Action, cursor: _Cursor) -> Request:
    return Request(action, path=cursor.path(), target=cursor.path())


def _open(action: Action, cursor: _Cursor) -> Request:
    path, flags = cursor.path(), OpenFlags(cursor.u32() & 0x3F)
    cursor.attributes()
    return Request(action, path=path, flags=flags)


def _path_and_attributes(action: Action, cursor: _Cursor) -> Request:
    return Request(action, path=cursor.path(), attributes=cursor.attributes())


def _handle_and_attributes(action: Action, cursor: _Cursor) -> Request:
    return Request(action, handle=cursor.handle(), attributes=cursor.attributes())


_KINDS: Mapping[int, tuple[Action, Shape]] = {
    Kind.OPEN: (Action.OPEN, _open),
    Kind.CLOSE: (Action.CLOSE, _handle),
    # There are no links, so that these two never differ.
    Kind.LSTAT: (Action.STAT, _path),
    Kind.STAT: (Action.STAT, _path),
    Kind.FSTAT: (Action.FSTAT, _handle),
    Kind.SETSTAT: (Action.SETSTAT, _path_and_attributes),
    Kind.FSETSTAT: (Action.FSETSTAT, _handle_and_attributes),
    Kind.OPENDIR: (Action.OPENDIR, _path),
    Kind.READDIR: (Action.READDIR, _handle),
    Kind.REMOVE: (Action.REMOVE, _path),
    Kind.MKDIR: (Action.MKDIR, _path),
    Kind.RMDIR: (Action.RMDIR, _path),
    Kind.REALPATH: (Action.REALPATH, _path),
    Kind.RENAME: (Action.RENAME, _two_paths),
}
_EXTENSIONS: Mapping[bytes, tuple[bytes, Action, Shape]] = {
    b"posix-rename@openssh.com": (b"1", Action.POSIX_RENAME, _two_paths),
    b"statvfs@openssh.com": (b"2", Action.STATVFS, _path),
    b"fstatvfs@openssh.com": (b"2", Action.FSTATVFS, _handle),
    b"lsetstat@openssh.com": (b"1", Action.SETSTAT, _path_and_attributes),
    b"limits@openssh.com": (b"1", Action.LIMITS, _nothing),
    b"expand-path@openssh.com": (b"1", Action.EXPAND_PATH, _path),
}
"""By name: the version that is announced, and what it asks for.

Not there: `fsync@openssh.com`, which would have to say that a file is safe before its CLOSE; `hardlink@openssh.com`.
"""


def read_request(kind: int, body: bytes) -> tuple[int, Request]:
    """The number and the meaning of a packet whose type is none of INIT, READ and WRITE. Raises MalformedPacket."""
    cursor = _Cursor(body)
    number = cursor.u32()
    if kind == Kind.EXTENDED:
        _, action, shape = _EXTENSIONS.get(cursor.string(), (b"", Action.UNSUPPORTED, _nothing))
    else:
        action, shape = _KINDS.get(kind, (Action.UNSUPPORTED, _nothing))
    return number, shape(action, cursor)


# Answers.


def version() -> bytes:
    pairs = b"".join(_string(name) + _string(number) for name, (number, _, _) in _EXTENSIONS.items())
    return _packet(Kind.VERSION, _U32.pack(VERSION) + pairs)


STATUS_HEAD = struct.Struct(">IBII")
"""Length, type, number, code."""


def status(number: int, code: int, message: str) -> bytes:
    return _packet(Kind.STATUS, struct.pack(">II", number, code) + _string(message.encode()) + _string(b"en"))


def handle(number: int, opened: int) -> bytes:
    return _packet(Kind.HANDLE, _U32.pack(number) + _string(_U32.pack(opened)))


def attrs(number: int, attributes: bytes) -> bytes:
    """`attributes` as `attributes` packs them."""
    return _packet(Kind.ATTRS, _U32.pack(number) + attributes)


def names(number: int, entries: Sequence[bytes]) -> bytes:
    """Each entry as `name` packs it."""
    return _packet(Kind.NAME, struct.pack(">II", number, len(entries)) + b"".join(entries))


def extended_reply(number: int, numbers: Sequence[int]) -> bytes:
    """An answer of unsigned 64-bit numbers, as those to `limits@openssh.com` and `statvfs@openssh.com` are."""
    return _packet(Kind.EXTENDED_REPLY, struct.pack(f">I{len(numbers)}Q", number, *numbers))


def name(filename: str, longname: str, attributes: bytes) -> bytes:
    spelled = filename.encode(errors="surrogateescape")
    return _string(spelled) + _string(longname.encode(errors="surrogateescape")) + attributes


def attributes(*, size: int, permissions: int, modified: int | None) -> bytes:
    """`permissions` with the kind of file in them; `modified` in seconds since 1970, told as the time of access too."""
    if modified is None:
        return struct.pack(">IQI", _SIZE | _PERMISSIONS, size, permissions)
    return struct.pack(">IQIII", _SIZE | _PERMISSIONS | _ACMODTIME, size, permissions, modified, modified)


NO_ATTRIBUTES = _U32.pack(0)


def _string(data: bytes) -> bytes:
    return _U32.pack(len(data)) + data


def _packet(kind: Kind, body: bytes) -> bytes:
    return struct.pack(">IB", 1 + len(body), kind) + body
