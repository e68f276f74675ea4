"""What the flags of an OPEN come to, where a file can only be written as a whole.

    READ                          a download
    WRITE CREAT TRUNC             an upload that replaces what is there: `put`, most clients
    WRITE TRUNC                   the same where there is a file (sshfs)
    WRITE CREAT EXCL              an upload that replaces nothing, also at its end (sshfs, WinSCP)
    WRITE [CREAT]                 `scp`: the file is written from its beginning on and its end is told by FSETSTAT
    WRITE [CREAT], at n           a resumed upload, if appending is allowed
    WRITE APPEND                  `reput`, `>>`: if appending is allowed; with TRUNC or EXCL, to nothing
    READ WRITE                    as WRITE; such a handle cannot be read from

Without TRUNC nothing is done to a file before the client writes, and what it leaves of the old file is not cut off
unasked: a CLOSE that would come to that fails, and the file stays as it was.

Who may put files and not see any (a drop box) has no need to see one that is emptied or may not be there. Without CREAT
one must be there, which cannot be known: refused. With it, and without TRUNC, nobody knows how long a file is there, so
the end must be told, as `scp` tells it; else CLOSE fails. To write such a file only if there is none (If-None-Match)
would do for new names, and is not done: `scp`, which may replace what is there, begins the same way, and an upload has
its condition from its beginning; and an S3 that overlooks the condition would cut off what nobody could see. Who wants
a new file and nothing else says EXCL.

Source: draft-ietf-secsh-filexfer-02 §6.3; OpenSSH's sftp-client (`do_upload`, its `inplace_flag`); sshfs.
"""

from typing import Literal

from crossdock.core.errors import Denied, Exists, NotFound
from crossdock.files.filesystem import FileSystem
from crossdock.files.upload import Upload
from crossdock.sftp import status
from crossdock.sftp.exchange import Exchange
from crossdock.sftp.packets import OpenFlags
from crossdock.sftp.reading import ReadHandle
from crossdock.sftp.source import Source
from crossdock.sftp.status import Refused
from crossdock.sftp.writing import WriteHandle

WRITES = OpenFlags.WRITE | OpenFlags.APPEND


async def open_file(
    filesystem: FileSystem, path: str, flags: OpenFlags, exchange: Exchange, *, allow_append: bool
) -> ReadHandle | WriteHandle:
    """Raises FileError, Refused."""
    if not flags & WRITES:
        download = await filesystem.open_read(path)
        ready = download.take_ready() or b""
        return ReadHandle(path, Source(download, exchange.pool, at=len(ready)), exchange, ready=ready)
    if flags & OpenFlags.APPEND and not allow_append:
        raise Refused(status.NO_APPEND)

    async def begin(kept: int) -> Upload:
        return await filesystem.open_write(path, at=kept)

    is_append, creates = OpenFlags.APPEND in flags, OpenFlags.CREAT in flags
    if OpenFlags.TRUNC in flags and creates and OpenFlags.EXCL not in flags:
        return WriteHandle(path, exchange, begin=begin, upload=await begin(0), is_append=is_append)
    size = await _size_of_file(filesystem, path)
    if OpenFlags.EXCL in flags and creates:  # without CREAT it means nothing, as to open(2)
        if isinstance(size, int):
            raise Exists(f"{path} is there already")
        upload = await filesystem.open_write(path, is_new=True)
        return WriteHandle(path, exchange, begin=begin, upload=upload, is_append=is_append)
    if size is None and not creates:
        raise NotFound(f"there is no file {path}")
    if is_append and OpenFlags.TRUNC not in flags:
        if isinstance(size, int):
            return WriteHandle(path, exchange, begin=begin, upload=await begin(size), existing=size, is_append=True)
        # At the end of nothing; should a file come meanwhile, it is not replaced. What is hidden is denied.
        upload = await filesystem.open_write(path, at="END")
        return WriteHandle(path, exchange, begin=begin, upload=upload, is_append=True)
    if size == "HIDDEN":
        if not creates:
            raise Refused(status.HIDDEN)
        return WriteHandle(path, exchange, begin=begin, upload=await begin(0), must_tell_end=True)
    if size is None or OpenFlags.TRUNC in flags:
        return WriteHandle(path, exchange, begin=begin, upload=await begin(0), is_append=is_append)
    return WriteHandle(path, exchange, begin=begin, existing=size, may_continue=allow_append)


async def _size_of_file(filesystem: FileSystem, path: str) -> int | Literal["HIDDEN"] | None:
    """None where no file is, HIDDEN where the user may not know: who may only put, say."""
    try:
        attributes = await filesystem.stat(path)
    except NotFound:
        return None
    except Denied:
        return "HIDDEN"
    return None if attributes.is_directory else attributes.size
