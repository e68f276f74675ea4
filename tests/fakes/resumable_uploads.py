"""Accounts of resumable uploads, in a state in memory."""

from datetime import timedelta

from tests.fakes.clock import FakeClock

from crossdock.adapters.memory.state import MemoryState
from crossdock.files.resumable_uploads import StateResumableUploads
from crossdock.ports.host import Clock
from crossdock.ports.state import State


def resumable_uploads(
    state: State | None = None,
    *,
    run: str = "run",
    clock: Clock | None = None,
    per_user: int = 100,
    keep_for: timedelta = timedelta(days=1),
) -> StateResumableUploads:
    return StateResumableUploads(
        state or MemoryState(), run=run, clock=clock or FakeClock(), per_user=per_user, keep_for=keep_for
    )
