"""What the collector of cycles looks through."""

import gc


def settle_memory() -> None:
    """Take what was loaded, AWS's models above all, out of what the collector of cycles looks through from now on.

    Every full collection would otherwise stop the loop, and so every session, for as long as many small files take.
    Nothing is collected before; again it takes only what has come since. What lives then is never collected: call it
    at the start alone, not while sessions come and go.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
