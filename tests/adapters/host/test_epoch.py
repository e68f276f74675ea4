"""The number that tells every process that a policy changed."""

import subprocess
import sys

import pytest

from crossdock.adapters.host.epoch import MmapEpoch
from crossdock.adapters.memory.epoch import MemoryEpoch
from crossdock.core.errors import Unavailable

RAISE = """
import sys
from pathlib import Path
from crossdock.adapters.host.epoch import MmapEpoch
epoch = MmapEpoch(Path(sys.argv[1]))
for _ in range(2000):
    epoch.advance()
"""


@pytest.fixture(params=["memory", "mmap"])
def epoch(request, tmp_path):
    if request.param == "memory":
        yield MemoryEpoch()
    else:
        opened = MmapEpoch(tmp_path / "epoch")
        yield opened
        opened.close()


def test_it_rises_whenever_it_is_advanced(epoch):
    numbers = [epoch.current()]
    for _ in range(3):
        epoch.advance()
        numbers.append(epoch.current())
    assert numbers == sorted(set(numbers))
    assert epoch.current() == numbers[-1]


def test_every_process_sees_every_change(tmp_path):
    epoch = MmapEpoch(tmp_path / "epoch")
    before = epoch.current()
    others = [subprocess.Popen([sys.executable, "-c", RAISE, str(tmp_path / "epoch")]) for _ in range(2)]
    for _ in range(2000):
        epoch.advance()
    assert [other.wait() for other in others] == [0, 0]
    assert epoch.current() == before + 6000
    epoch.close()


def test_a_file_that_cannot_be_made_is_unavailable(tmp_path):
    with pytest.raises(Unavailable):
        MmapEpoch(tmp_path)
