"""What is in memory is read without a thread, and what is not, or cannot be told, is left."""

import errno
import os
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from crossdock.sftp.cached_reads import cached_read, flags_for_memory, in_memory

MEMORY = Path("/dev/shm")
CONTENT = bytes(range(256)) * 1000
MOUNTS = """22 27 0:21 / /proc rw,relatime - proc proc rw
30 27 0:26 / /dev/shm rw,nosuid shared:4 master:1 - tmpfs tmpfs rw,size=12334432k
31 27 8:1 /data /var/tmpfs rw,relatime - ext4 /dev/sda1 rw
"""


def read(fd: int, offset: int, size: int) -> bytearray | None:
    return cached_read(fd, offset, size, flags_for_memory(fd))


def test_bytes_of_a_file_system_of_memory_are_read():
    with TemporaryFile(dir=MEMORY) as file:
        file.write(CONTENT)
        file.flush()
        assert read(file.fileno(), 0, len(CONTENT)) == CONTENT
        assert read(file.fileno(), 1000, 3) == CONTENT[1000:1003]


def test_fewer_bytes_than_were_asked_for_are_none():
    with TemporaryFile(dir=MEMORY) as file:
        file.write(CONTENT)
        file.flush()
        assert read(file.fileno(), 10, len(CONTENT)) is None


def test_a_file_system_that_cannot_tell_says_so():
    fd = os.open("/proc/self/status", os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="not supported") as caught:
            read(fd, 0, 10)
        assert caught.value.errno == errno.EOPNOTSUPP
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("device", "expected"),
    [((0, 26), True), ((0, 21), False), ((8, 1), False), ((0, 2), False)],
    ids=["tmpfs", "proc", "ext4", "no mount"],
)
def test_what_lies_in_memory_is_told_by_its_mount(device: tuple[int, int], expected: bool):
    assert in_memory(MOUNTS, os.makedev(*device)) is expected
