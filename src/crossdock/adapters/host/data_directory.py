"""The data directory: whose it is, who uses it, in which format it is, and where everything lies.

DIR/
  format          the version of this layout; `begun` until the first start has made everything below
  .gitignore      `*`, so that nobody commits secrets by accident
  state.db        control-plane state
  objects.db      what objects and uploads there are
  logs.db         log events
  blobs/          the bytes of objects
  functions/      the code of functions
  processes/      what running functions need; cleared by whoever runs them
  keys/           key material, each file 0600
  spool/          bytes on their way; emptied at every start
  run/            of the running service: lock, control.sock, epoch; emptied at every start, but for the lock
"""

import fcntl
import logging
import os
import shutil
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from crossdock.adapters.host.disk_errors import disk_errors, from_os_error, sqlite_errors
from crossdock.adapters.host.sqlite_files import has_tables
from crossdock.adapters.host.whole_files import replace_file, sync_directory
from crossdock.core.errors import CrossdockError, OutOfSpace

logger = logging.getLogger(__name__)

FORMAT = 3


def _leave_as_it_is(path: Path) -> None:
    """For a format that only adds what an older Crossdock would not read."""


# 2: small objects lie in objects.db.
# 3: what an older one would undo: it drops Object Ownership from buckets, and aborts uploads that are to go on.
MIGRATIONS: Mapping[int, Callable[[Path], None]] = {1: _leave_as_it_is, 2: _leave_as_it_is}
"""From a format to the next: `MIGRATIONS[n]` changes a directory of format n to n + 1.

A crash may end it half way, so it must be able to begin again.
"""

_BEGUN = b"begun"

_MADE_BEFORE_THE_FORMAT = frozenset({".gitignore", "run"})


class DataDirectoryUnusable(CrossdockError):
    """The message says what to change."""


class DataDirectoryBusy(DataDirectoryUnusable):
    """Another process uses it; the message names that process."""


class DataDirectory:
    """An open data directory, locked for this process until `close`.

    While it `is_new`, what is missing has yet to be made, by this start or the one after it. What is missing from any
    other was lost, and must not be made anew: blobs would be swept that an empty index does not name.
    """

    def __init__(self, path: Path, lock_fd: int, *, is_new: bool = False, newest: int = FORMAT) -> None:
        self.path = path
        self.is_new = is_new
        self._lock_fd = lock_fd
        self._newest = newest

    @property
    def state_db(self) -> Path:
        return self.path / "state.db"

    @property
    def objects_db(self) -> Path:
        return self.path / "objects.db"

    @property
    def logs_db(self) -> Path:
        return self.path / "logs.db"

    @property
    def blobs(self) -> Path:
        return self.path / "blobs"

    @property
    def functions(self) -> Path:
        return self.path / "functions"

    @property
    def processes(self) -> Path:
        return self.path / "processes"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def sealing_key(self) -> Path:
        return self.keys / "sealing.key"

    @property
    def spool(self) -> Path:
        return self.path / "spool"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def control_socket(self) -> Path:
        return self.run / "control.sock"

    @property
    def epoch(self) -> Path:
        return self.run / "epoch"

    def finish(self) -> None:
        """The databases and the key are durable: from now on none may be missing. Raises OutOfSpace or Unavailable."""
        if self.is_new:
            with disk_errors("finishing the data directory"):
                replace_file(self.path / "format", f"{self._newest}\n".encode())
            self.is_new = False

    def close(self) -> None:
        """Let others have it. Ending the process does the same."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1


def open_data_directory(
    path: Path, *, command: str, newest: int = FORMAT, migrations: Mapping[int, Callable[[Path], None]] = MIGRATIONS
) -> DataDirectory:
    """Make or open it, take its lock, bring it up to date, clear away what the last process left.

    One that is new is to be `finish`ed when its databases and its key are made.

    Args:
        command: How this process was started, for whoever finds the directory locked; without secrets.

    Raises:
        DataDirectoryBusy: another process holds the lock.
        DataDirectoryUnusable: not ours, not a data directory, of a newer format, without one of its databases, or the
            disk refuses.
        Unavailable: a database is damaged.
        OutOfSpace: the disk is full.
    """
    path = path.absolute()
    try:
        _claim(path)
        lock_fd = _lock(path, command)
        try:
            is_new = _bring_up_to_date(path, newest, migrations)
            _arrange(path)
        except BaseException:
            os.close(lock_fd)
            raise
    except OSError as error:
        reason = from_os_error(error, f"opening the data directory {path}")
        if isinstance(reason, OutOfSpace):
            raise reason from error
        # Of a file in it, which need not be the directory itself, or a file that was to be made.
        where = f" ({error.filename})" if error.filename and str(error.filename) != str(path) else ""
        why = f"{error.strerror or error}{where}"
        raise DataDirectoryUnusable(f"cannot use the data directory {path}: {why}") from error
    return DataDirectory(path, lock_fd, is_new=is_new, newest=newest)


def _claim(path: Path) -> None:
    """Make the directory, or be sure that it is ours and closed to others before anything is touched."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
        sync_directory(path.parent)
    except FileExistsError:
        pass
    found = path.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise DataDirectoryUnusable(f"{path} is a file: give another --data-dir")
    if found.st_uid != os.geteuid():
        raise DataDirectoryUnusable(
            f"{path} belongs to user {found.st_uid}, and this process is user {os.geteuid()}: "
            "run as that user, or give another --data-dir"
        )
    if not (path / "format").exists() and not _MADE_BEFORE_THE_FORMAT.issuperset(_names(path)):
        raise DataDirectoryUnusable(
            f"{path} is not empty and is no Crossdock data directory: give an empty or a new one as --data-dir"
        )
    if found.st_mode & 0o077:
        path.chmod(0o700)
        logger.warning(
            "others could enter the data directory %s (mode %04o): closed it to them (0700)",
            path,
            stat.S_IMODE(found.st_mode),
        )


def _lock(path: Path, command: str) -> int:
    (path / "run").mkdir(exist_ok=True, mode=0o700)
    # Never removed: whoever has a removed file locked would not keep out one who makes it anew.
    fd = os.open(path / "run" / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(fd, 4096, 0).decode("utf-8", "replace").strip() or "unknown to the lock file"
        os.close(fd)
        raise DataDirectoryBusy(
            f"the data directory {path} is in use by process {holder}: stop it, or give another --data-dir"
        ) from None
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()} ({command[:1000]})\n".encode("utf-8", "replace"), 0)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _bring_up_to_date(path: Path, newest: int, migrations: Mapping[int, Callable[[Path], None]]) -> bool:
    """Whether it is new: nothing was in it, or its first start did not get far enough to be promised anything."""
    file = path / "format"
    if not file.exists():
        replace_file(file, _BEGUN + b"\n")
        return True
    text = file.read_bytes().strip()
    if text == _BEGUN:
        return True
    if not text.isdigit():
        raise DataDirectoryUnusable(f"{file} does not hold a number: restore it from a backup")
    found = int(text)
    if found > newest:
        raise DataDirectoryUnusable(
            f"the data directory {path} has format {found} and this Crossdock knows formats up to {newest}: "
            "start the newer Crossdock that wrote it, or restore a backup of the older format"
        )
    _check_databases(path)
    for version in range(found, newest):
        migration = migrations.get(version)
        if migration is None:
            raise DataDirectoryUnusable(
                f"the data directory {path} has format {found}, which this Crossdock cannot bring up to date any more: "
                "start an older Crossdock with it first"
            )
        migration(path)
        replace_file(file, f"{version + 1}\n".encode())
        logger.info("brought the data directory %s from format %d to %d", path, version, version + 1)
    return False


def _check_databases(path: Path) -> None:
    """That none was lost. Log events alone may be done without, and what a loss of power took of them."""
    for name in ("state.db", "objects.db", "logs.db"):
        with sqlite_errors(name):
            if has_tables(path / name):
                continue
        if name == "logs.db":
            logger.warning("the data directory %s has no log events: logs.db is missing or empty, and made anew", path)
            continue
        what = "is empty" if (path / name).exists() else "is missing"
        raise DataDirectoryUnusable(
            f"{path / name} {what}, and nothing was touched: restore the data directory from a backup, with {name} and "
            f"{name}-wal if there is one; to begin anew, give a new or an empty one as --data-dir"
        )


def _arrange(path: Path) -> None:
    if not (path / ".gitignore").exists():
        replace_file(path / ".gitignore", b"*\n", mode=0o644)
    for name in ("keys", "spool", "blobs", "functions", "processes"):
        (path / name).mkdir(exist_ok=True, mode=0o700)
    for name in ("state.db", "objects.db", "logs.db"):
        _close_to_others(path / name)
    _empty(path / "spool", keep=frozenset())
    _empty(path / "run", keep=frozenset({"lock"}))
    sync_directory(path)


def _close_to_others(database: Path) -> None:
    """Make it if need be: SQLite would let everybody read, and gives its companions the mode of the database."""
    os.close(os.open(database, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for file in (database, database.with_name(f"{database.name}-wal"), database.with_name(f"{database.name}-shm")):
        if file.exists():
            file.chmod(0o600)


def _empty(directory: Path, *, keep: frozenset[str]) -> None:
    for entry in list(os.scandir(directory)):
        if entry.name in keep:
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def _names(directory: Path) -> list[str]:
    """Drafts of files that a crash left half written are no names."""
    return [name for name in os.listdir(directory) if not name.startswith(".format.")]
