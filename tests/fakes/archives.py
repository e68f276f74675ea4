"""Zip archives of function code, good and hostile."""

import io
import zipfile
from functools import cache


def zipped(*names: str, content: bytes = b"def handler(event, context): return event") -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in names:
            file.writestr(name, content)
    return archive.getvalue()


def link_to(target: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        link = zipfile.ZipInfo("app.py")
        link.external_attr = 0o120777 << 16
        file.writestr(link, target)
    return archive.getvalue()


@cache
def honest_bomb() -> bytes:
    """300 MB of zeros in little more than 1 MB."""
    archive = io.BytesIO()
    deflated = zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with deflated as file, file.open("zeros", "w") as member:
        for _ in range(300):
            member.write(bytes(1 << 20))
    return archive.getvalue()


def lying_bomb() -> bytes:
    """The same with a directory that announces ten bytes."""
    archive = honest_bomb()
    size = (300 << 20).to_bytes(4, "little")
    assert size in archive
    return archive.replace(size, (10).to_bytes(4, "little"))


def overlapping_bomb() -> bytes:
    """Members that all name the same compressed bytes (D. Fifield, "A better zip bomb")."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("app.py", bytes(1 << 20))
        first = file.filelist[0]
        for number in range(1000):
            again = zipfile.ZipInfo(f"{number}.py")
            for attribute in ("compress_type", "CRC", "compress_size", "file_size", "header_offset", "flag_bits"):
                setattr(again, attribute, getattr(first, attribute))
            file.filelist.append(again)
            file.NameToInfo[again.filename] = again
        file._didModify = True
    return archive.getvalue()
