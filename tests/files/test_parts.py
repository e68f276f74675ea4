"""Part sizes that reach the largest object. How parts are filled is shown in `test_parts_sink.py`."""

from crossdock.files.blocks import BLOCK_SIZE
from crossdock.files.parts import MAX_PARTS, part_blocks

MIB, GIB, TIB = 1 << 20, 1 << 30, 1 << 40
SIZES = [part_blocks(number) * BLOCK_SIZE for number in range(1, MAX_PARTS + 1)]


def test_the_parts_hold_the_largest_object():
    assert sum(SIZES) >= 5 * TIB


def test_every_part_has_a_size_that_s3_takes():
    assert min(SIZES) >= 5 * MIB
    assert max(SIZES) <= 5 * GIB


def test_parts_never_shrink_and_stay_small_for_usual_files():
    assert sorted(SIZES) == SIZES
    assert sum(size for size in SIZES if size == BLOCK_SIZE) >= 8 * GIB


def test_the_last_part_is_no_larger_than_promised():
    assert SIZES[-1] == 150 * BLOCK_SIZE
