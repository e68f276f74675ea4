"""What each request comes to: two tables of small functions, for what is answered at once and what takes its turn.

READ and WRITE are not here: `conversation.py` hands them to the open file.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from crossdock.core.errors import FileError, IsADirectory, NotADirectory
from crossdock.core.homes import normalise
from crossdock.files.filesystem import Attributes, FileKind, FileSystem
from crossdock.sftp import packets, status
from crossdock.sftp.directories import DirectoryHandle, open_directory, packed_attributes
from crossdock.sftp.exchange import Exchange
from crossdock.sftp.handles import Handle, Handles
from crossdock.sftp.opening import WRITES, open_file
from crossdock.sftp.packets import MAX_PACKET, Action, OpenFlags, Request, SetAttributes
from crossdock.sftp.reading import MAX_READ, ReadHandle
from crossdock.sftp.status import Refused, Status
from crossdock.sftp.writing import WriteHandle

_BLOCK_BYTES = 4096
_BLOCKS = 1 << 38
"""A petabyte, all of it free: a bucket has no size. Larger numbers overflow in some clients."""
_NO_SETUID = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What requests are carried out with. `home` is where relative paths begin. `ignored` is told of whose attributes
    were to be set, and were not, though the client hears that they were."""

    filesystem: FileSystem
    home: str
    handles: Handles
    exchange: Exchange
    now: Callable[[], datetime]
    allow_append: bool
    renames_directories: bool
    ignores_attributes: bool
    ignored: Callable[[str], None]
    max_handles: int

    def absolute(self, path: str) -> str:
        return normalise(path, start=self.home)


Later = Callable[[], Awaitable[bytes]]
"""Carries a request out, once its turn has come, and returns the answer."""
Begin = Callable[[Desk, int, Request], Later]
"""Called when the request comes, in the order in which requests come."""


class InTurn(NamedTuple):
    """A row of the table. `changes`: whether later requests about the same path must wait for this one."""

    begin: Begin
    changes: bool = True


def paths_of(desk: Desk, request: Request) -> Sequence[str]:
    """What the request is about, for the order of requests."""
    match request.action:
        case Action.RENAME | Action.POSIX_RENAME:
            return (desk.absolute(request.path), desk.absolute(request.target))
        case Action.CLOSE:
            handle = desk.handles.find(request.handle)
            return (handle.path,) if isinstance(handle, WriteHandle) else ()
        case Action.READDIR:
            return ()
        case _:
            return (desk.absolute(request.path),)


def does_change(request: Request) -> bool:
    """Whether later requests about the same path must wait for this one, and it for earlier ones."""
    if request.action is Action.OPEN:
        return bool(request.flags & WRITES)
    return IN_TURN[request.action].changes


def say(number: int, told: Status) -> bytes:
    return packets.status(number, told.code, told.message)


# At once.


def _realpath(desk: Desk, number: int, request: Request) -> bytes:
    """Of anything, whether it is there or not."""
    return _one_name(number, desk.absolute(request.path))


def _expand_path(desk: Desk, number: int, request: Request) -> bytes:
    """As shells read a tilde; nobody else's home can be known."""
    tilde, _, rest = request.path.partition("/")
    return _one_name(number, desk.absolute(rest if tilde == "~" else request.path))


def _one_name(number: int, path: str) -> bytes:
    return packets.names(number, [packets.name(path, path, packets.NO_ATTRIBUTES)])


def _fstat(desk: Desk, number: int, request: Request) -> bytes:
    """Of a file that is being written, what has come so far."""
    handle = desk.handles.find(request.handle)
    return packets.attrs(number, packed_attributes(_attributes_of(desk, handle)))


def _attributes_of(desk: Desk, handle: Handle) -> Attributes:
    match handle:
        case DirectoryHandle():
            return Attributes(kind=FileKind.DIRECTORY)
        case ReadHandle():
            return Attributes(kind=FileKind.FILE, size=handle.size, modified_at=handle.modified_at)
        case WriteHandle():
            return Attributes(kind=FileKind.FILE, size=handle.size, modified_at=desk.now())


def _setstat(desk: Desk, number: int, request: Request) -> bytes:
    return _set_attributes(desk, number, desk.absolute(request.path), request.attributes)


def _fsetstat(desk: Desk, number: int, request: Request) -> bytes:
    handle, wanted = desk.handles.find(request.handle), request.attributes
    if wanted.size is not None and isinstance(handle, WriteHandle) and handle.end_at(wanted.size):
        wanted = SetAttributes(has_others=wanted.has_others)
        if not wanted.has_others:
            return say(number, status.OK)
    return _set_attributes(desk, number, handle.path, wanted)


def _set_attributes(desk: Desk, number: int, path: str, wanted: SetAttributes) -> bytes:
    """S3 objects have none of these. Source: User Guide, SetStatOption."""
    if wanted.size is None and not wanted.has_others:
        return say(number, status.OK)
    if not desk.ignores_attributes:
        return say(number, status.NO_ATTRIBUTES if wanted.size is None else status.NO_RESIZE)
    desk.ignored(path)
    return say(number, status.OK)


def _limits(desk: Desk, number: int, request: Request) -> bytes:
    return packets.extended_reply(number, (MAX_PACKET, MAX_READ, MAX_READ, desk.max_handles))


def _fstatvfs(desk: Desk, number: int, request: Request) -> bytes:
    desk.handles.find(request.handle)
    return _room(number)


def _room(number: int) -> bytes:
    """f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_favail, f_fsid, f_flag, f_namemax."""
    return packets.extended_reply(
        number,
        (_BLOCK_BYTES, _BLOCK_BYTES, _BLOCKS, _BLOCKS, _BLOCKS, _BLOCKS, _BLOCKS, _BLOCKS, 0, _NO_SETUID, 1024),
    )


def _unsupported(desk: Desk, number: int, request: Request) -> bytes:
    return say(number, status.NO_SUCH_OPERATION)


AT_ONCE: Mapping[Action, Callable[[Desk, int, Request], bytes]] = {
    Action.REALPATH: _realpath,
    Action.EXPAND_PATH: _expand_path,
    Action.FSTAT: _fstat,
    Action.SETSTAT: _setstat,
    Action.FSETSTAT: _fsetstat,
    Action.LIMITS: _limits,
    Action.FSTATVFS: _fstatvfs,
    Action.UNSUPPORTED: _unsupported,
}
"""These raise Refused."""


# In their turn.


def _plainly(answer: Callable[[Desk, int, Request], Awaitable[bytes]]) -> Begin:
    """For what has nothing to do before its turn."""
    return lambda desk, number, request: partial(answer, desk, number, request)


def _open(desk: Desk, number: int, request: Request) -> Later:
    desk.handles.reserve()
    return partial(_opened, desk, number, partial(_open_file, desk, request.path, request.flags))


async def _open_file(desk: Desk, path: str, flags: OpenFlags) -> Handle:
    if path.endswith("/"):
        # EISDIR and ENOTDIR, as open(2) has them.
        raise (IsADirectory if OpenFlags.CREAT in flags else NotADirectory)(f"{path} is no file's path")
    return await open_file(desk.filesystem, desk.absolute(path), flags, desk.exchange, allow_append=desk.allow_append)


def _opendir(desk: Desk, number: int, request: Request) -> Later:
    desk.handles.reserve()
    path = desk.absolute(request.path)
    return partial(_opened, desk, number, lambda: open_directory(desk.filesystem, path))


async def _opened(desk: Desk, number: int, open_it: Callable[[], Awaitable[Handle]]) -> bytes:
    try:
        handle = await open_it()
    except BaseException:
        desk.handles.give_back()
        raise
    return packets.handle(number, desk.handles.add(handle))


def _close(desk: Desk, number: int, request: Request) -> Later:
    # What comes after must not find it any more.
    return partial(_closed, desk, number, desk.handles.begin_closing(request.handle))


async def _closed(desk: Desk, number: int, handle: Handle) -> bytes:
    """Cancelled, it leaves the handle among those that the end of the conversation discards."""
    try:
        await handle.close()
    except (FileError, Refused):
        desk.handles.closed(handle)
        raise
    desk.handles.closed(handle)
    return say(number, status.OK)


def _readdir(desk: Desk, number: int, request: Request) -> Later:
    return partial(_names, desk, number, desk.handles.directory(request.handle))


async def _names(desk: Desk, number: int, directory: DirectoryHandle) -> bytes:
    names = await directory.read(desk.now())
    return packets.names(number, names) if names else say(number, status.EOF)


async def _stat(desk: Desk, number: int, request: Request) -> bytes:
    # sshfs looks at the file that it has just begun, and takes it for gone when it is not there.
    if not request.path.endswith("/") and (writer := desk.handles.being_written(desk.absolute(request.path))):
        attributes = _attributes_of(desk, writer)
    else:
        attributes = await _look(desk, request.path)
    return packets.attrs(number, packed_attributes(attributes))


async def _statvfs(desk: Desk, number: int, request: Request) -> bytes:
    await _look(desk, request.path)
    return _room(number)


async def _look(desk: Desk, path: str) -> Attributes:
    """At what the client spelled so: with a slash at its end a path is never a file's."""
    if not path.endswith("/"):
        return await desk.filesystem.stat(desk.absolute(path))
    attributes = await desk.filesystem.stat(desk.absolute(path), expecting=FileKind.DIRECTORY)
    if not attributes.is_directory:
        raise NotADirectory(f"{path} is a file, which has no slash at its end")
    return attributes


def _changing(change: Callable[[Desk, Request], Awaitable[None]]) -> Begin:
    """For what is answered with nothing but that it was done."""

    async def answer(desk: Desk, number: int, request: Request) -> bytes:
        await change(desk, request)
        return say(number, status.OK)

    return _plainly(answer)


async def _remove(desk: Desk, request: Request) -> None:
    if request.path.endswith("/"):
        raise NotADirectory(f"{request.path} is no file's path")
    await desk.filesystem.remove(desk.absolute(request.path))


def _mkdir(desk: Desk, request: Request) -> Awaitable[None]:
    return desk.filesystem.make_directory(desk.absolute(request.path))


def _rmdir(desk: Desk, request: Request) -> Awaitable[None]:
    return desk.filesystem.remove_directory(desk.absolute(request.path))


async def _rename(desk: Desk, request: Request) -> None:
    source, target = desk.absolute(request.path), desk.absolute(request.target)
    is_of_directory = request.path.endswith("/") or request.target.endswith("/")
    # Where a file and a directory have the name, the file would be renamed.
    if is_of_directory and not (await desk.filesystem.stat(source)).is_directory:
        raise NotADirectory(f"{source} is a file, which is not renamed to or from a path with a slash at its end")
    replace = request.action is Action.POSIX_RENAME
    await desk.filesystem.rename(source, target, directories=desk.renames_directories, replace=replace)


IN_TURN: Mapping[Action, InTurn] = {
    Action.OPEN: InTurn(_open),
    Action.CLOSE: InTurn(_close),
    Action.OPENDIR: InTurn(_opendir, changes=False),
    Action.READDIR: InTurn(_readdir, changes=False),
    Action.STAT: InTurn(_plainly(_stat), changes=False),
    Action.STATVFS: InTurn(_plainly(_statvfs), changes=False),
    Action.REMOVE: InTurn(_changing(_remove)),
    Action.MKDIR: InTurn(_changing(_mkdir)),
    Action.RMDIR: InTurn(_changing(_rmdir)),
    Action.RENAME: InTurn(_changing(_rename)),
    Action.POSIX_RENAME: InTurn(_changing(_rename)),
}
"""These raise Refused when they begin or later, and FileError later."""
