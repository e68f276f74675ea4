"""What the flags of an OPEN come to, where a file can only be written as a whole.

    READ                          a download
    WRITE CREAT TRUNC             an upload that replaces what is there: `put`, most clients
    WRITE TRUNC                   the same where there is a file (sshfs)
    WRITE CREAT EXCL              an upload that replaces nothing, also at its end (sshfs)
    WRITE [CREAT]                 `scp`: the file is written from its beginning on and its end is told by FSETSTAT
    WRITE [CREAT], at n           a resumed upload, if appending is allowed
    WRITE APPEND                  `reput`, `>>`: if appending is allowed
    READ WRITE                    as WRITE; such a handle cannot be read from

Without TRUNC nothing is done to a file before the client writes, and what it leaves of the old file is not cut off
unasked: a CLOSE that would come to that fails, and the file stays as it was.

Source: draft-ietf-secsh-filexfer-02 §6.3; OpenSSH's sftp-client (`do_upload`, its `inplace_flag`); sshfs.
"""

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
        return ReadHandle(path, Source(download, exchange.pool), exchange)
    if flags & OpenFlags.APPEND and not allow_append:
        raise Refused(status.NO_APPEND)

    async def begin(kept: int) -> Upload:
        return await filesystem.open_write(path, at=kept)

    if OpenFlags.TRUNC in flags and OpenFlags.CREAT in flags and OpenFlags.EXCL not in flags:
        return WriteHandle(path, exchange, begin=begin, upload=await begin(0))
    size = await _size_of_file(filesystem, path, must_be_there=OpenFlags.CREAT not in flags)
    if OpenFlags.APPEND in flags and size is None:
        # At the end of nothing; should a file come meanwhile, it is not replaced.
        upload = await filesystem.open_write(path, at="END")
        return WriteHandle(path, exchange, begin=begin, upload=upload, is_append=True)
    if size is None or OpenFlags.TRUNC in flags or OpenFlags.EXCL in flags:
        is_new = OpenFlags.EXCL in flags and OpenFlags.CREAT in flags
        if is_new and size is not None:
            raise Exists(f"{path} is there already")
        upload = await filesystem.open_write(path, is_new=is_new)
        return WriteHandle(path, exchange, begin=begin, upload=upload)
    if OpenFlags.APPEND in flags:
        return WriteHandle(path, exchange, begin=begin, upload=await begin(size), existing=size, is_append=True)
    return WriteHandle(path, exchange, begin=begin, existing=size, may_continue=allow_append)


async def _size_of_file(filesystem: FileSystem, path: str, *, must_be_there: bool) -> int | None:
    """None where no file is, or nobody says so: whoever may only put is taken to begin a new one. Raises NotFound."""
    try:
        attributes = await filesystem.stat(path)
    except NotFound:
        if must_be_there:
            raise
        return None
    except Denied:
        return None
    if attributes.is_directory:
        if must_be_there:
            raise NotFound(f"{path} is a directory")
        return None
    return attributes.size
