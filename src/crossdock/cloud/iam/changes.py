"""How a change that policies depend on becomes effective at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crossdock.operations.call import Call
from crossdock.ports.host import Epoch
from crossdock.ports.state import Transaction


@asynccontextmanager
async def policy_transaction(call: Call, epoch: Epoch) -> AsyncIterator[Transaction]:
    """`call.transaction()` for a write that changes a role, a policy, or what a policy guards (a bucket, a function).

    The epoch rises after the commit and before the answer, so whoever has seen the answer sees the change in every
    process of this host.
    """
    try:
        async with call.transaction() as tx:
            yield tx
    finally:
        # Also after a failure: a cancelled caller does not undo a commit that was begun, and one epoch too many only
        # costs a reload.
        epoch.advance()
