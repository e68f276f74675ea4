"""Functions: what is needed to run one, and who runs it."""

from collections.abc import Awaitable, Callable, Mapping
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

    `revision` changes with code or configuration; a process serves one revision.
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
    code: bytes = field(repr=False)
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


class FunctionRunner(Protocol):
    async def invoke(self, function: FunctionSpec, payload: bytes, *, request_id: str) -> InvocationResult:
        """Run one invocation. An exception, a time-out or a crash is a result with `error`. Raises FunctionsBusy."""

    async def retire(self, function_arn: str) -> None:
        """End the idle processes of a function that was changed or deleted; busy ones end after their invocation."""

    async def close(self) -> None: ...
