"""Unix sockets in deep directories: the kernel takes a path of 107 bytes, a data directory may lie deeper."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_PATH_BYTES = 107
"""`sun_path` has 108 bytes, the last of them 0 (unix(7))."""


@contextmanager
def bindable(path: Path) -> Iterator[str]:
    """A name for the path that `bind` and `connect` take, for as long as the block runs. Raises OSError."""
    if len(os.fsencode(path)) <= MAX_PATH_BYTES:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
