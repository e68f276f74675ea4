"""A directory in which room runs out: a small tmpfs where one may be mounted, else a limit on the size of files."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 1 << 20


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """At most 1 MiB fits below, of one file at least."""
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "crossdock-test", str(directory)],
        capture_output=True,
        check=False,
    )
    if mount.returncode == 0:
        try:
            yield directory
        finally:
            subprocess.run(["umount", "--lazy", str(directory)], check=True)
    else:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE, hard))
        try:
            yield directory
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(directory: Path) -> Callable[[], None]:
    """Leave no room; call what is returned to have it back."""
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            os.fsync(file.fileno())

    def make_room() -> None:
        filler.unlink()
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    return make_room
