"""Files that are written where a server has them in a folder, before a run."""

from pathlib import Path

BLOCK = memoryview(bytes(range(256)) * 4096)
SEEDING_SESSIONS = 4
"""Sessions that upload at once, where files cannot be written to a folder."""


def source_file(folder: Path, size: int) -> Path:
    """A file of that size for clients that upload from one; written once."""
    path = folder / f"source-{size}"
    if not path.exists():
        with path.open("wb") as file:
            file.writelines(BLOCK[: size - at] for at in range(0, size, len(BLOCK)))
    return path


def write_files(folder: Path, each: int, size: int) -> None:
    """As so many sessions upload them: a digit each, and then six, from 000000 on."""
    folder.mkdir(mode=0o755)
    for part in range(SEEDING_SESSIONS):
        for number in range(each):
            (folder / f"{part}{number:06}").write_bytes(bytes(size))
