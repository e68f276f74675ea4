"""A house to run operations in, without disk, network, real time or randomness.

    clock = FakeClock()
    house = make_house(clock=clock)
    clock.advance(60)

`CountingState` around a State counts the transactions that are asked for.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.clock import FakeClock

from crossdock.adapters.memory.state import MemoryState
from crossdock.operations.call import House
from crossdock.operations.caller import Caller, Context
from crossdock.operations.operation import Permission
from crossdock.operations.tasks import TaskSupervisor
from crossdock.policy.evaluate import AccessRequest, Decision, Layer, PolicySet, Verdict
from crossdock.ports.host import SealBroken
from crossdock.ports.state import State, Transaction


class CountingEntropy:
    """Different bytes at every call, the same in every run."""

    def __init__(self, seed: str = "crossdock") -> None:
        self._seed = seed
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(f"{self._seed}:{self._count}".encode()).digest(size)


class PlainSealer:
    """Implements `ports.host.Sealer` without secrecy: the text can be read, but not changed or moved to another row."""

    def __init__(self, key: bytes = b"a key of the tests") -> None:
        self._key = key

    def seal(self, plaintext: bytes, *, context: str) -> str:
        return f"{b64encode(plaintext).decode()}.{self._mark(plaintext, context)}"

    def unseal(self, sealed: str, *, context: str) -> bytes:
        encoded, _, mark = sealed.rpartition(".")
        try:
            plaintext = b64decode(encoded, validate=True)
        except ValueError as error:
            raise SealBroken("not sealed") from error
        if not hmac.compare_digest(mark.encode(errors="surrogatepass"), self._mark(plaintext, context).encode()):
            raise SealBroken("changed, or sealed under another context")
        return plaintext

    def _mark(self, plaintext: bytes, context: str) -> str:
        return hmac.new(self._key, context.encode() + b"\0" + plaintext, "sha256").hexdigest()[:32]


class CountedEpoch:
    """Implements `ports.host.Epoch` in memory."""

    def __init__(self) -> None:
        self._number = 1

    def current(self) -> int:
        return self._number

    def advance(self) -> None:
        self._number += 1


class CountingState:
    """A State that counts the transactions it gives, for tests that must not see any."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.reads = 0
        self.writes = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        self.writes += 1
        async with self._state.transaction() as tx:
            yield tx

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        self.reads += 1
        async with self._state.reading() as tx:
            yield tx

    def generation(self) -> int:
        return self._state.generation()


def make_house(*, state: State | None = None, clock: FakeClock | None = None) -> House:
    """A house with nothing in it; no two are alike in their tables, all are alike in their entropy."""
    return House(
        state=state or MemoryState(),
        clock=clock or FakeClock(),
        entropy=CountingEntropy(),
        tasks=TaskSupervisor(),
    )


class AllowOnly:
    """Implements `operations.call.Authorizer`: allows these actions, whoever asks, and notes every question."""

    def __init__(self, *actions: str) -> None:
        self._actions: tuple[str, ...] | None = actions
        self.asked: list[Permission] = []

    async def decide(self, caller: Caller, permission: Permission, context: Context) -> Decision:
        self.asked.append(permission)
        is_allowed = self._actions is None or permission.action in self._actions
        request = AccessRequest(
            principal=caller.principal,
            action=permission.action,
            resource=permission.resource,
            resource_account=caller.principal.account_id,
            context={**context, **permission.context},
        )
        return Decision(
            verdict=Verdict.ALLOW if is_allowed else Verdict.IMPLICIT_DENY,
            same_account=True,
            withheld_by=() if is_allowed else (Layer.IDENTITY,),
            request=request,
            policies=PolicySet(),
        )


class AllowEverything(AllowOnly):
    """For tests that are about something else."""

    def __init__(self) -> None:
        super().__init__()
        self._actions = None
