"""Small files that are there with all their bytes, or not at all, also after a crash."""

import os
from pathlib import Path


def write_new_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Make a file that must not exist yet; it is durable when this returns. Raises OSError."""
    draft = _draft(path, content, mode)
    try:
        # Unlike rename, link does not replace what somebody else made meanwhile.
        os.link(draft, path)
    finally:
        draft.unlink()
    sync_directory(path.parent)


def replace_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Make or replace a file; it is durable when this returns. Raises OSError."""
    draft = _draft(path, content, mode)
    try:
        os.rename(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable. Raises OSError."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _draft(path: Path, content: bytes, mode: int) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)
    return draft
