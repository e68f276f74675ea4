"""Who gets a process, who waits, and that nothing is left of one that ended, however it ended."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.functions import GATED, Gate, KeptLog, archive, running, spec

from crossdock.ports.functions import FunctionsBusy, FunctionUnusable

PID = "import os\ndef handler(event, context): return os.getpid()"

DAEMON = """
import os, time
def handler(event, context):
    pids = [os.getpid()]
    for leave in (lambda: None, os.setsid):
        down, up = os.pipe()
        if os.fork() == 0:
            leave()
            if os.fork() == 0:
                os.write(up, str(os.getpid()).encode())
                os.close(1), os.close(2)
                time.sleep(1000)
            os._exit(0)
        pids.append(int(os.read(down, 20)))
    open(event["path"], "w").write(repr(pids))
    if event.get("hang"):
        time.sleep(1000)
    return pids
"""


def gone(pid: int, within_s: float = 5.0) -> bool:
    """Wait for the end of any process, not only of a child."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], within_s)[0])
    finally:
        os.close(pidfd)


async def test_a_time_out_ends_the_process_and_the_next_invocation_gets_a_new_one(tmp_path: Path):
    source = "import os, time\ndef handler(event, context):\n time.sleep(event)\n return os.getpid()"
    log = KeptLog()
    async with running(tmp_path, log=log) as runner:
        function = spec(source, timeout_s=1)
        first = await runner.invoke(function, b"0", request_id="r-0")
        late = await runner.invoke(function, b"1000", request_id="r-1")
        after = await runner.invoke(function, b"0", request_id="r-2")
        assert gone(json.loads(first.payload))
    assert json.loads(late.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: r-1 Error: Task timed out after 1.00 seconds",
    }
    assert late.error == "Unhandled"
    assert first.payload != after.payload
    assert any(text.endswith("r-1 Task timed out after 1.00 seconds") for text in log.texts())
    assert any(text.endswith("\tStatus: timeout") for text in log.texts())


async def test_the_time_out_covers_the_invocation_only(tmp_path: Path):
    source = "import time\ntime.sleep(1.2)\ndef handler(event, context): return 'in time'"
    async with running(tmp_path) as runner:
        result = await runner.invoke(spec(source, timeout_s=1), b"{}", request_id="r-1")
    assert json.loads(result.payload) == "in time"


async def test_initialisation_has_a_time_limit_of_its_own(tmp_path: Path):
    async with running(tmp_path, processes=1, init_timeout_s=0.5) as runner:
        result = await runner.invoke(spec("import time\ntime.sleep(1000)", timeout_s=900), b"{}", request_id="r-1")
    assert result.error == "Unhandled"
    assert json.loads(result.payload)["errorType"] == "Sandbox.Timedout"
    assert "Initialization timed out after 0.50 seconds" in result.payload.decode()


async def test_nothing_that_a_function_started_survives_its_time_out_even_in_another_session(tmp_path: Path):
    payload = json.dumps({"path": str(tmp_path / "pids"), "hang": True}).encode()
    async with running(tmp_path) as runner:
        result = await runner.invoke(spec(DAEMON, timeout_s=1), payload, request_id="r-1")
        assert "timed out" in result.payload.decode()
        for pid in json.loads((tmp_path / "pids").read_text()):
            assert gone(pid)


async def test_nothing_that_a_function_started_survives_the_close_of_the_service(tmp_path: Path):
    async with running(tmp_path) as runner:
        result = await runner.invoke(
            spec(DAEMON), json.dumps({"path": str(tmp_path / "pids")}).encode(), request_id="r"
        )
        pids = json.loads(result.payload)
        assert not gone(pids[2], within_s=0)
    assert all(gone(pid, within_s=0) for pid in pids)


async def test_close_ends_a_function_that_is_at_work(tmp_path: Path):
    async with running(tmp_path) as runner, Gate(tmp_path / "gate") as gate:
        work = asyncio.ensure_future(runner.invoke(spec(GATED), gate.payload, request_id="r-1"))
        await gate.arrival()
        await runner.close()
        result = await work
        assert result.error == "Unhandled"
        with pytest.raises(FunctionUnusable):
            await runner.invoke(spec(PID), b"{}", request_id="r-2")


SERVICE = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from tests.fakes.functions import running, spec
async def main():
    async with running(Path(sys.argv[1])) as runner:
        result = await runner.invoke(spec(Path(sys.argv[2]).read_text()), sys.argv[3].encode(), request_id="r-1")
        print(result.payload.decode(), flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def test_nothing_survives_a_service_that_is_killed(tmp_path: Path):
    root = Path(__file__).parents[3]
    (tmp_path / "source.py").write_text(DAEMON)
    payload = json.dumps({"path": str(tmp_path / "pids")})
    service = subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(tmp_path), str(tmp_path / "source.py"), payload],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert service.stdout is not None
    with service, service.stdout:
        pids = json.loads(service.stdout.readline())
        supervisors = [int(pid) for pid in Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()]
        assert supervisors
        service.send_signal(signal.SIGKILL)
        service.wait()
    assert all(gone(pid) for pid in [*pids, *supervisors])


async def test_what_a_killed_service_left_on_disk_is_removed_at_the_next_start(tmp_path: Path):
    for name in ("code", "scratch"):
        (tmp_path / "functions" / name / "left").mkdir(parents=True)
    async with running(tmp_path):
        assert list((tmp_path / "functions" / "code").iterdir()) == []
        assert list((tmp_path / "functions" / "scratch").iterdir()) == []


async def test_a_cancelled_invocation_ends_its_process_and_frees_its_place(tmp_path: Path):
    async with running(tmp_path, processes=1) as runner, Gate(tmp_path / "gate") as gate:
        work = asyncio.ensure_future(runner.invoke(spec(GATED), gate.payload, request_id="r-1"))
        await gate.arrival()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        result = await runner.invoke(spec(PID), b"{}", request_id="r-2")
        assert result.error == ""


async def test_beyond_the_queue_functions_are_busy(tmp_path: Path):
    async with running(tmp_path, processes=1, queue=1) as runner, Gate(tmp_path / "gate") as gate:
        first = asyncio.ensure_future(runner.invoke(spec(GATED), gate.payload, request_id="r-1"))
        await gate.arrival()
        second = asyncio.ensure_future(runner.invoke(spec(GATED), gate.payload, request_id="r-2"))
        await asyncio.sleep(0)
        with pytest.raises(FunctionsBusy):
            await runner.invoke(spec(GATED), gate.payload, request_id="r-3")
        gate.open()
        assert (await first).payload == (await second).payload


async def test_one_slow_function_does_not_keep_another_from_its_turn(tmp_path: Path):
    slow, quick = spec(GATED, name="slow", timeout_s=900), spec(PID, name="quick")
    async with running(tmp_path, processes=2, queue=100) as runner, Gate(tmp_path / "gate") as gate:
        works = [asyncio.ensure_future(runner.invoke(slow, gate.payload, request_id=f"s-{n}")) for n in range(20)]
        await gate.arrival()
        for n in range(3):
            assert (await runner.invoke(quick, b"{}", request_id=f"q-{n}")).error == ""
        assert not any(work.done() for work in works)
        gate.open()
        assert all(result.error == "" for result in await asyncio.gather(*works))


async def test_no_more_processes_than_allowed_ever_run_and_the_longest_idle_one_makes_room(tmp_path: Path):
    async with running(tmp_path, processes=2) as runner:
        pids = [
            json.loads((await runner.invoke(spec(PID, name=name), b"{}", request_id=name)).payload) for name in "abc"
        ]
        assert gone(pids[0])
        assert not gone(pids[1], within_s=0)
        again = await runner.invoke(spec(PID, name="b"), b"{}", request_id="again")
        assert json.loads(again.payload) == pids[1]


async def test_an_idle_process_ends_after_a_while(tmp_path: Path):
    async with running(tmp_path, idle_seconds=0.05) as runner:
        pid = json.loads((await runner.invoke(spec(PID), b"{}", request_id="r-1")).payload)
        assert await asyncio.to_thread(gone, pid)


async def test_a_retired_function_loses_its_idle_processes_and_a_busy_one_ends_after_its_work(tmp_path: Path):
    async with running(tmp_path, processes=3) as runner, Gate(tmp_path / "gate") as gate:
        idle = json.loads((await runner.invoke(spec(PID), b"{}", request_id="r-1")).payload)
        work = asyncio.ensure_future(runner.invoke(spec(GATED), gate.payload, request_id="r-2"))
        await gate.arrival()
        await runner.retire(spec(PID).arn)
        assert gone(idle)
        gate.open()
        busy = json.loads((await work).payload)
        assert gone(busy)


async def test_a_stranger_on_the_runtime_api_learns_nothing(tmp_path: Path):
    async with running(tmp_path) as runner:
        await runner.invoke(spec(PID), b"{}", request_id="r-1")
        for path in ("/2018-06-01/runtime/invocation/next", f"/{'0' * 32}/2018-06-01/runtime/invocation/next"):
            reader, writer = await asyncio.open_connection("127.0.0.1", runner.runtime_api_port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert (await reader.read()).startswith(b"HTTP/1.1 403 Forbidden")
            writer.close()
            await writer.wait_closed()


async def test_close_waits_for_a_function_that_is_about_to_start_and_does_not_start_it(tmp_path: Path):
    fetching, fetched = asyncio.Event(), asyncio.Event()

    async def code() -> bytes:
        fetching.set()
        await fetched.wait()
        return archive({"index.py": PID})

    async with running(tmp_path) as runner:
        work = asyncio.ensure_future(runner.invoke(replace(spec(PID), code=code), b"{}", request_id="r-1"))
        await fetching.wait()
        closing = asyncio.ensure_future(runner.close())
        await asyncio.sleep(0)
        assert not closing.done()
        fetched.set()
        await closing
        assert "the service is shutting down" in json.loads((await work).payload)["errorMessage"]
