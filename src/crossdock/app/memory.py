"""What the collector of cycles looks through."""

import gc


def settle_memory() -> None:
    """Take what was loaded at the start, AWS's models above all, out of what the collector of cycles looks through.

    Every full collection would otherwise stop the loop, and so every session, for as long as many small files take.
    """
    gc.collect()
    gc.freeze()
