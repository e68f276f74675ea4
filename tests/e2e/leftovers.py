"""What a service that was killed has left behind: processes, and files that nothing refers to."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SET_CHILD_SUBREAPER = 36  # prctl(2)


@contextmanager
def orphans_come_here() -> Iterator[None]:
    """While the block runs, processes whose parent ends become children of this one, however they tried to get away."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    try:
        yield
    finally:
        libc.prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def children() -> dict[int, str]:
    """Living children of this process and how they were started; the dead among them are buried."""
    found = {}
    for pid in map(int, Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()):
        # Gone meanwhile, or somebody else's to wait for.
        with suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text()
            if stat.rpartition(")")[2].split()[0] == "Z":
                os.waitpid(pid, os.WNOHANG)
            else:
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found


def descendants(root: int) -> dict[int, str]:
    """Every process below one, and how it was started."""
    parents: dict[int, list[int]] = {}
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            stat = (directory / "stat").read_text()
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(directory.name))
    found, ahead = {}, [root]
    while ahead:
        for pid in parents.get(ahead.pop(), []):
            ahead.append(pid)
            with suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found


def blob_bytes(data_dir: Path) -> int:
    """The bytes of all blobs on the disk, those on their way too."""
    return sum(path.stat().st_size for path in (data_dir / "blobs").rglob("*") if path.is_file())


def stray_files(data_dir: Path) -> list[str]:
    """Files that only a crash can have left; what is on its way, drafts, and scratch directories of functions."""
    found = [path for name in ("spool", "blobs/staged", "processes/scratch") for path in (data_dir / name).glob("*")]
    found += [path for path in data_dir.rglob(".*") if path.name != ".gitignore"]
    found += [path for path in (data_dir / "run").iterdir() if path.name not in ("lock", "control.sock", "epoch")]
    return sorted(str(path.relative_to(data_dir)) for path in found)


def stray_directories(temporary: Path, data_dir: Path) -> list[str]:
    """What lies in the service's TMPDIR, but for the one place that a running service has noted."""
    note = data_dir / "processes" / "elsewhere"
    noted = Path(note.read_text()) if note.exists() else None
    return [str(path) for path in temporary.iterdir() if path != noted]
