"""Where processes are made: code unpacked, a scratch directory laid out, a uid, an environment and a log chosen."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from crossdock.adapters.host.functions.code import UnpackedCode, on_disk, remove_tree
from crossdock.adapters.host.functions.environment import function_environment, function_limits
from crossdock.adapters.host.functions.isolation import Isolation
from crossdock.adapters.host.functions.output import OutputPipe
from crossdock.adapters.host.functions.process import FunctionProcess
from crossdock.adapters.host.functions.runtime_api import RuntimeApi
from crossdock.adapters.host.functions.supervised import Launch
from crossdock.core.archives import BadArchive
from crossdock.core.errors import NotFound
from crossdock.core.ids import Entropy
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.functions import FunctionLog, FunctionSpec, FunctionUnusable
from crossdock.ports.host import Clock
from crossdock.settings import LambdaSettings

_log = logging.getLogger(__name__)

_PROGRAM = Path(__file__).with_name("runtime.py")
_OWN_RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"


class Workshop:
    """Makes processes and clears up after them. `open` first."""

    def __init__(
        self,
        directory: Path,
        *,
        settings: LambdaSettings,
        clock: Clock,
        entropy: Entropy,
        tasks: TaskSupervisor,
        log: FunctionLog,
        endpoint_url: Callable[[], str],
        interpreter: str,
        max_tasks: int,
    ) -> None:
        self._directory = directory
        self._settings = settings
        self._clock = clock
        self._entropy = entropy
        self._tasks = tasks
        self._log = log
        self._endpoint_url = endpoint_url
        self._interpreter = interpreter
        self._max_tasks = max_tasks
        self._code = UnpackedCode(directory / "code")
        self._tidying: set[asyncio.Task[None]] = set()
        self._noted: set[tuple[str, str]] = set()
        self.isolation = Isolation(directory, interpreters=[interpreter, *settings.runtimes.values()])
        self.api = RuntimeApi()

    async def open(self) -> None:
        await on_disk("sweeping unpacked functions", self._sweep)
        await self.isolation.start()
        await on_disk("preparing to run functions", self._lay_out)
        self._code = UnpackedCode(self.isolation.directory / "code")
        await self.api.start()

    async def close(self) -> None:
        """Once all processes have ended."""
        if self._tidying:
            await asyncio.wait(self._tidying)
        await self.api.close()
        await on_disk("sweeping unpacked functions", self._sweep)
        await self.isolation.close()

    async def make(
        self, function: FunctionSpec, on_end: Callable[[FunctionProcess], None]
    ) -> tuple[FunctionProcess, Launch]:
        """A process that can be started, and how. Raises FunctionUnusable, OutOfSpace or Unavailable."""
        interpreter = self._interpreter_for(function)
        uid = self.isolation.uid_for(function.account_id, interpreter)
        secret = self._entropy(16).hex()
        scratch = self.isolation.directory / "scratch" / secret[:16]
        stream = f"{self._clock.now():%Y/%m/%d}/[$LATEST]{self._entropy(16).hex()}"
        credentials = await function.credentials()
        try:
            task_root = await self._code.acquire(function, gid=uid)
        except (BadArchive, NotFound) as error:
            raise FunctionUnusable(f"the code of {function.name} cannot be unpacked: {error}") from error
        try:
            await on_disk("making a scratch directory", lambda: _make_scratch(scratch, uid))
        except BaseException:
            await self._code.release(function)
            raise
        environment = function_environment(
            function,
            credentials=credentials,
            task_root=task_root,
            scratch=scratch,
            runtime_api=f"127.0.0.1:{self.api.port}/{secret}",
            endpoint_url=self._endpoint_url(),
            stream=stream,
        )
        process = FunctionProcess(
            function,
            output=OutputPipe(now_ms=self._now_ms, sink=lambda lines: self._log.write(function, stream, lines)),
            expires_at=credentials.expires_at,
            on_end=lambda ended: self._after_end(ended, secret, scratch, on_end),
        )
        process.output.note(f"INIT_START Runtime Version: {function.runtime} ({interpreter})")
        self.api.admit(secret, process)
        return process, Launch(
            # The name is for those who read `ps`.
            argv=[interpreter, str(self.isolation.directory / _PROGRAM.name), function.name],
            environment=environment,
            cwd=task_root,
            uid=uid,
            limits=function_limits(function.memory_mib, self._max_tasks, has_own_uid=uid is not None),
        )

    def _after_end(
        self, process: FunctionProcess, secret: str, scratch: Path, on_end: Callable[[FunctionProcess], None]
    ) -> None:
        self.api.forget(secret)
        on_end(process)
        tidying = self._tasks.start(self._tidy(process, scratch), name=f"tidy after {process.function.name}")
        self._tidying.add(tidying)
        tidying.add_done_callback(self._tidying.discard)

    async def _tidy(self, process: FunctionProcess, scratch: Path) -> None:
        await on_disk("removing a scratch directory", lambda: remove_tree(scratch))
        await self._code.release(process.function)

    def _interpreter_for(self, function: FunctionSpec) -> str:
        if (chosen := self._settings.runtimes.get(function.runtime)) is not None:
            return chosen
        if function.runtime != _OWN_RUNTIME and (function.arn, function.runtime) not in self._noted:
            self._noted.add((function.arn, function.runtime))
            _log.warning(
                "a function runs under another version than it declares; lambda.runtimes can name an interpreter",
                extra={"function": function.arn, "declared": function.runtime, "used": _OWN_RUNTIME},
            )
        return self._interpreter

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    def _sweep(self) -> None:
        """Unpacked code and scratch directories, of this process or of one that was killed."""
        for name in ("code", "scratch"):
            remove_tree(self._directory / name)

    def _lay_out(self) -> None:
        """Other uids may pass through two directories to what is theirs, and list neither; the program is for all."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        program = self.isolation.directory / _PROGRAM.name
        program.unlink(missing_ok=True)
        program.write_bytes(_PROGRAM.read_bytes())
        program.chmod(0o444)
        for name in ("code", "scratch"):
            directory = self.isolation.directory / name
            directory.mkdir(exist_ok=True)
            directory.chmod(0o711)


def _make_scratch(path: Path, uid: int | None) -> None:
    path.mkdir(mode=0o700)
    if uid is not None:
        os.chown(path, uid, uid)
