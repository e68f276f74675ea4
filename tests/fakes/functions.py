"""Functions to run: archives made of source text, specs, a log that keeps what it is given.

async with running(tmp_path) as runner:
    result = await runner.invoke(spec("def handler(event, context): return event"), b"{}", request_id="r-1")
"""

import asyncio
import io
import json
import os
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from crossdock.adapters.host.functions.runner import SubprocessRunner
from crossdock.core.errors import NotFound
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.functions import FunctionLog, FunctionSpec, InvocationResult, TemporaryCredentials
from crossdock.settings import LambdaSettings


class RealClock:
    """Implements `ports.host.Clock`; `ahead` lets it run ahead of the computer's."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return time.monotonic()


class KeptLog:
    """Implements `ports.functions.FunctionLog`."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, str]] = []

    def write(self, function: FunctionSpec, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        self.events.extend((function.name, stream, text) for _, text in lines)

    def texts(self, name: str = "f") -> list[str]:
        return [text for function, _, text in self.events if function == name]


GATED = """
import os, socket
def handler(event, context):
    with socket.socket(socket.AF_UNIX) as gate:
        gate.connect(event["gate"])
        gate.recv(1)
    return os.getpid()
"""
"""A function that waits at a `Gate`."""


class Gate:
    """Where functions of the source GATED wait until `open` is called."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._arrivals: asyncio.Queue[None] = asyncio.Queue()
        self._is_open = asyncio.Event()

    @property
    def payload(self) -> bytes:
        return json.dumps({"gate": str(self._path)}).encode()

    async def __aenter__(self) -> "Gate":
        self._server = await asyncio.start_unix_server(self._hold, self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.open()
        self._server.close()
        await self._server.wait_closed()

    async def arrival(self) -> None:
        """Wait until one more function stands there."""
        async with asyncio.timeout(10):
            await self._arrivals.get()

    def open(self) -> None:
        self._is_open.set()

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._arrivals.put_nowait(None)
        end = asyncio.ensure_future(reader.read())
        opened = asyncio.ensure_future(self._is_open.wait())
        await asyncio.wait((end, opened), return_when=asyncio.FIRST_COMPLETED)
        opened.cancel()
        end.cancel()
        writer.close()


class MemoryFunctionCode:
    """Implements `ports.functions.FunctionCode`."""

    def __init__(self) -> None:
        self.archives: dict[str, bytes] = {}
        self._count = 0

    async def put(self, archive: bytes) -> str:
        self._count += 1
        self.archives[f"archive-{self._count}"] = archive
        return f"archive-{self._count}"

    async def get(self, archive_id: str) -> bytes:
        if archive_id not in self.archives:
            raise NotFound(archive_id)
        return self.archives[archive_id]

    async def delete(self, archive_id: str) -> None:
        self.archives.pop(archive_id, None)

    async def sweep(self, in_use: Sequence[str]) -> int:
        lost = [archive_id for archive_id in self.archives if archive_id not in in_use]
        for archive_id in lost:
            del self.archives[archive_id]
        return len(lost)


class EchoRunner:
    """Implements `ports.functions.FunctionRunner` without processes: every function returns what it was given."""

    def __init__(self, *answers: InvocationResult | Exception) -> None:
        self.answers = list(answers)
        self.invocations: list[tuple[FunctionSpec, bytes, str]] = []
        self.retired: list[str] = []

    async def invoke(
        self, function: FunctionSpec, payload: bytes, *, request_id: str, client_context: str = ""
    ) -> InvocationResult:
        self.invocations.append((function, payload, client_context))
        answer = self.answers.pop(0) if self.answers else InvocationResult(payload=payload, log_tail=b"END\n")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def retire(self, function_arn: str) -> None:
        self.retired.append(function_arn)

    async def close(self) -> None:
        return


def archive(files: Mapping[str, str | bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in files.items():
            file.writestr(name, text)
    return content.getvalue()


def spec(
    source: str,
    *,
    name: str = "f",
    account_id: str = "111111111111",
    revision: str = "",
    runtime: str = f"python{sys.version_info.major}.{sys.version_info.minor}",
    handler: str = "index.handler",
    timeout_s: int = 10,
    memory_mib: int = 128,
    environment: Mapping[str, str] | None = None,
    code: bytes | None = None,
    expires_at: datetime | None = None,
) -> FunctionSpec:
    """A function of the given `index.py`; without a `revision`, another source is another revision."""
    zipped = archive({"index.py": source}) if code is None else code

    async def fetch() -> bytes:
        return zipped

    async def credentials() -> TemporaryCredentials:
        return TemporaryCredentials(
            access_key_id="ASIAFUNCTION",
            secret_access_key="the-function's-secret-key",
            session_token="the-function's-token",
            expires_at=expires_at or datetime.now(UTC) + timedelta(hours=12),
        )

    return FunctionSpec(
        arn=f"arn:aws:lambda:us-east-1:{account_id}:function:{name}",
        name=name,
        account_id=account_id,
        region="us-east-1",
        revision=revision or sha256(source.encode()).hexdigest()[:12],
        runtime=runtime,
        handler=handler,
        timeout_s=timeout_s,
        memory_mib=memory_mib,
        code=fetch,
        environment=environment or {},
        credentials=credentials,
    )


@asynccontextmanager
async def running(
    directory: Path,
    *,
    log: FunctionLog | None = None,
    clock: RealClock | None = None,
    processes: int = 2,
    queue: int = 10,
    idle_seconds: float = 60.0,
    runtimes: Mapping[str, str] | None = None,
    interpreter: str = sys.executable,
    init_timeout_s: float = 10.0,
    max_tasks: int = 1024,
    endpoint_url: Callable[[], str] = lambda: "http://127.0.0.1:4566",
) -> AsyncIterator[SubprocessRunner]:
    """A runner with its files below `directory`, closed at the end."""
    tasks = TaskSupervisor()
    runner = SubprocessRunner(
        directory / "functions",
        settings=LambdaSettings(processes=processes, queue=queue, idle_seconds=idle_seconds, runtimes=runtimes or {}),
        clock=clock or RealClock(),
        entropy=os.urandom,
        tasks=tasks,
        log=log or KeptLog(),
        endpoint_url=endpoint_url,
        interpreter=interpreter,
        init_timeout_s=init_timeout_s,
        max_tasks=max_tasks,
    )
    await runner.start()
    try:
        yield runner
    finally:
        await runner.close()
        await tasks.close()
