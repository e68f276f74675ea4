"""What one process may use. Workers get shares of what is a sum over all."""

from crossdock.files.blocks import BLOCK_SIZE, BlockPool, Spill
from crossdock.files.part_plan import plan_parts
from crossdock.settings import UploadSettings

CHECKSUM_THREADS = 2


def share_of(budget: int, sharers: int) -> int:
    """Rounded up, so that nobody is left with nothing."""
    return -(-budget // sharers)


def block_pool(settings: UploadSettings, spill: Spill, *, sharers: int = 1) -> BlockPool:
    """Where the parts of uploads wait: of what the settings allow, the share of one of so many processes."""
    return BlockPool(
        budget=max(share_of(settings.memory_bytes, sharers), BLOCK_SIZE),
        spill=spill,
        spool_budget=max(share_of(settings.spool_bytes, sharers), BLOCK_SIZE),
        plan=plan_parts(settings.max_object_size),
    )
