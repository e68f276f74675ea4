"""What one process may use. Workers get shares of what is a sum over all."""

UPLOAD_MEMORY_BYTES = 64 << 20
"""Parts of uploads that wait in memory, over all uploads; more wait on disk."""
CHECKSUM_THREADS = 2


def share_of(budget: int, sharers: int) -> int:
    """Rounded up, so that nobody is left with nothing."""
    return -(-budget // sharers)
