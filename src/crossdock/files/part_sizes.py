"""How large the parts of a multipart upload are whose length nobody knows. Pure.

Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits": 10,000 parts, each 5 MiB to 5 GiB but the last.
"""

from crossdock.files.blocks import BLOCK_SIZE

MAX_PARTS = 10_000
_SMALL_PARTS = 1000
_PARTS_PER_STEP = 60


def part_blocks(number: int) -> int:
    """Blocks in a part, counted from 1: one each for the first 8 GiB, then slowly more, 150 in the last.

    10,000 parts of these sizes hold 5 TiB, the largest object there is.
    """
    return max(1, -(-(number - _SMALL_PARTS) // _PARTS_PER_STEP))


def part_size(number: int) -> int:
    """Bytes in a part."""
    return part_blocks(number) * BLOCK_SIZE
