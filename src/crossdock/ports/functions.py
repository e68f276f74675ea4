"""Functions: what is needed to run one, who runs it, where its code lies and where its words go."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from crossdock.core.errors import CrossdockError


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryCredentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """Everything a runner needs to run a function.

    `revision` changes with code or configuration; a process serves one revision. `code` fetches the zip archive and
    `credentials` new credentials of the execution role: both are asked only when a process has to be started.
    """

    arn: str
    name: str
    account_id: str
    region: str
    revision: str
    runtime: str
    handler: str
    timeout_s: int
    memory_mib: int
    code: Callable[[], Awaitable[bytes]] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    credentials: Callable[[], Awaitable[TemporaryCredentials]] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationResult:
    """`error` is empty, `Unhandled` (the handler raised) or another of AWS's function errors; `log_tail` the end
    of what was printed."""

    payload: bytes
    error: str = ""
    log_tail: bytes = b""


class FunctionsBusy(CrossdockError):
    """Every process is taken and the queue is full."""


class FunctionUnusable(CrossdockError):
    """The function cannot be started at all: its archive, interpreter or role. The message says which and why."""


class FunctionRunner(Protocol):
    async def invoke(
        self, function: FunctionSpec, payload: bytes, *, request_id: str, client_context: str = ""
    ) -> InvocationResult:
        """Run one invocation. An exception, a time-out or a crash is a result with `error`.

        `client_context` is JSON that the function finds in its context. Raises FunctionsBusy or FunctionUnusable.
        """

    async def retire(self, function_arn: str) -> None:
        """End the idle processes of a function that was changed or deleted; busy ones end after their invocation."""

    async def close(self) -> None: ...


class FunctionLog(Protocol):
    """Where what a function prints goes."""

    def write(self, function: FunctionSpec, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        """Note lines, each with its time in milliseconds since 1970. Never blocks, never fails."""


class FunctionCode(Protocol):
    """Zip archives under opaque ids, one for each version of a function's code.

    All raise OutOfSpace or Unavailable when the disk does.
    """

    async def put(self, archive: bytes) -> str:
        """Keep an archive durably and return its id."""

    async def get(self, archive_id: str) -> bytes:
        """Raises NotFound."""

    async def delete(self, archive_id: str) -> None:
        """Deleting what is not there succeeds."""

    async def sweep(self, in_use: Collection[str]) -> int:
        """At start: remove archives that no function refers to, and what was half written. Returns how many."""
