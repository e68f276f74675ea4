"""What a function may do, what it finds, and what becomes of one that fails: real processes, quick ones."""

import json
import logging
import os
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fakes.functions import KeptLog, RealClock, archive, running, spec

from crossdock.ports.functions import FunctionUnusable

ECHO = "def handler(event, context): return event"
PID = "import os\ndef handler(event, context): return os.getpid()"


def command_lines() -> str:
    return b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")).decode(errors="replace")


def leftovers(directory: Path) -> list[Path]:
    return list((directory / "functions").glob("*/*"))


async def test_a_function_returns_what_its_handler_returns(tmp_path: Path):
    async with running(tmp_path) as runner:
        result = await runner.invoke(spec(ECHO), b'{"name": "\xc3\xa4"}', request_id="r-1")
    assert json.loads(result.payload) == {"name": "ä"}
    assert result.error == ""


async def test_a_warm_process_serves_again_and_keeps_its_globals(tmp_path: Path):
    source = (
        "import os\ncount = 0\ndef handler(event, context):\n global count\n count += 1\n return [os.getpid(), count]"
    )
    async with running(tmp_path) as runner:
        first, second = [
            json.loads((await runner.invoke(spec(source), b"{}", request_id=f"r-{n}")).payload) for n in range(2)
        ]
    assert first[0] == second[0]
    assert [first[1], second[1]] == [1, 2]


async def test_another_revision_gets_another_process(tmp_path: Path):
    async with running(tmp_path, processes=1) as runner:
        old = await runner.invoke(spec(PID, revision="1"), b"{}", request_id="r-1")
        new = await runner.invoke(spec(PID, revision="2"), b"{}", request_id="r-2")
    assert old.payload != new.payload


async def test_the_context_tells_the_request_the_function_and_the_time_left(tmp_path: Path):
    source = (
        "def handler(event, context):\n"
        " return [context.aws_request_id, context.function_name, context.invoked_function_arn,\n"
        "         context.get_remaining_time_in_millis(), context.memory_limit_in_mb, context.log_group_name,\n"
        "         context.client_context.custom]"
    )
    async with running(tmp_path) as runner:
        result = await runner.invoke(
            spec(source, timeout_s=10), b"{}", request_id="r-1", client_context='{"custom": {"a": "b"}}'
        )
    request_id, name, arn, left, memory, group, custom = json.loads(result.payload)
    assert (request_id, name, memory, group) == ("r-1", "f", "128", "/aws/lambda/f")
    assert arn == "arn:aws:lambda:us-east-1:111111111111:function:f"
    assert 5_000 < left <= 10_000
    assert custom == {"a": "b"}


async def test_an_exception_is_a_function_error_with_its_traceback_and_the_process_lives_on(tmp_path: Path):
    source = "import os\ndef handler(event, context):\n if event: raise ValueError('no such user')\n return os.getpid()"
    log = KeptLog()
    async with running(tmp_path, log=log) as runner:
        before = await runner.invoke(spec(source), b"0", request_id="r-0")
        failed = await runner.invoke(spec(source), b"1", request_id="r-1")
        after = await runner.invoke(spec(source), b"0", request_id="r-2")
    assert failed.error == "Unhandled"
    error = json.loads(failed.payload)
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no such user")
    assert "line 3, in handler" in error["stackTrace"][0]
    assert before.payload == after.payload
    # AWS keeps a traceback in one event.
    assert any(text.startswith("[ERROR] ValueError: no such user\nTraceback") for text in log.texts())


@pytest.mark.parametrize(
    ("source", "handler", "kind"),
    [
        ("import nowhere_to_be_found", "index.handler", "Runtime.ImportModuleError"),
        ("def handler(:", "index.handler", "Runtime.UserCodeSyntaxError"),
        ("x = 1", "index.handler", "Runtime.HandlerNotFound"),
        ("x = 1 / 0", "index.handler", "ZeroDivisionError"),
        ("x = 1", "other.handler", "Runtime.ImportModuleError"),
    ],
)
async def test_a_function_that_does_not_load_says_why(tmp_path: Path, source: str, handler: str, kind: str):
    async with running(tmp_path) as runner:
        result = await runner.invoke(spec(source, handler=handler), b"{}", request_id="r-1")
    assert result.error == "Unhandled"
    assert json.loads(result.payload)["errorType"] == kind


@pytest.mark.parametrize(
    ("act", "how"),
    [
        ("os._exit(3)", "exit status 3"),
        ("os.kill(os.getpid(), 9)", "signal: killed"),
        ("os.kill(os.getpid(), 11)", "signal: segmentation fault"),
    ],
)
async def test_a_crash_is_a_function_error_and_the_next_invocation_gets_a_new_process(
    tmp_path: Path, act: str, how: str
):
    source = f"import os\ndef handler(event, context):\n if event: {act}\n return 'well'"
    log = KeptLog()
    async with running(tmp_path, log=log) as runner:
        crashed = await runner.invoke(spec(source), b"1", request_id="r-1")
        after = await runner.invoke(spec(source), b"0", request_id="r-2")
    assert crashed.error == "Unhandled"
    assert json.loads(crashed.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: r-1 Error: Runtime exited with error: {how}",
    }
    assert json.loads(after.payload) == "well"
    assert any("Error Type: Runtime.ExitError" in text for text in log.texts())


async def test_a_function_that_ends_without_a_reason_is_an_error_too(tmp_path: Path):
    async with running(tmp_path) as runner:
        result = await runner.invoke(
            spec("import os\ndef handler(event, context): os._exit(0)"), b"{}", request_id="r-1"
        )
    assert "Runtime exited without providing a reason" in json.loads(result.payload)["errorMessage"]


async def test_more_memory_than_allowed_is_an_error(tmp_path: Path):
    source = "def handler(event, context): return len(bytearray(event << 20))"
    async with running(tmp_path) as runner:
        fits = await runner.invoke(spec(source, memory_mib=128), b"64", request_id="r-1")
        too_much = await runner.invoke(spec(source, memory_mib=128), b"256", request_id="r-2")
    assert json.loads(fits.payload) == 64 << 20
    assert too_much.error == "Unhandled"
    assert json.loads(too_much.payload)["errorType"] == "MemoryError"


async def test_a_file_may_not_grow_without_end_and_no_core_is_left(tmp_path: Path):
    source = (
        "import resource\ndef handler(event, context):\n"
        " return [resource.getrlimit(n)[0] for n in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, "
        "resource.RLIMIT_NOFILE)]"
    )
    async with running(tmp_path) as runner:
        result = await runner.invoke(spec(source), b"{}", request_id="r-1")
    assert json.loads(result.payload) == [512 << 20, 0, 1024]


async def test_a_response_beyond_six_megabytes_is_an_error_and_the_process_lives_on(tmp_path: Path):
    source = "import os\ndef handler(event, context): return 'x' * event if event else os.getpid()"
    async with running(tmp_path) as runner:
        before = await runner.invoke(spec(source), b"0", request_id="r-0")
        largest = await runner.invoke(spec(source), b"6291554", request_id="r-1")
        too_large = await runner.invoke(spec(source), b"6291555", request_id="r-2")
        after = await runner.invoke(spec(source), b"0", request_id="r-3")
    assert len(largest.payload) == 6291556
    assert largest.error == ""
    assert json.loads(too_large.payload)["errorType"] == "Function.ResponseSizeTooLarge"
    assert too_large.error == "Unhandled"
    assert before.payload == after.payload


async def test_nothing_of_the_host_is_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CROSSDOCK_KEYS", "hub=AKIA:very-secret")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid")
    source = "import os\ndef handler(event, context): return dict(os.environ)"
    variables = {"TABLE": "users", "AWS_REGION": "mars-north-1", "AWS_ACCESS_KEY_ID": "stolen", "TZ": "Europe/Berlin"}
    async with running(tmp_path) as runner:
        result = await runner.invoke(spec(source, environment=variables), b"{}", request_id="r-1")
    found = json.loads(result.payload)
    assert "very-secret" not in result.payload.decode()
    assert "HTTP_PROXY" not in found
    assert found["TABLE"] == "users"
    assert found["TZ"] == "Europe/Berlin"
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "us-east-1"
    assert found["AWS_ACCESS_KEY_ID"] == "ASIAFUNCTION"
    assert found["AWS_SESSION_TOKEN"] == "the-function's-token"
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert found["AWS_EC2_METADATA_DISABLED"] == "true"
    assert found["_HANDLER"] == "index.handler"
    assert found["AWS_LAMBDA_LOG_STREAM_NAME"].partition("[$LATEST]")[2].isalnum()


async def test_boto3_is_there_and_knows_its_credentials(tmp_path: Path):
    source = (
        "import boto3\ndef handler(event, context):\n"
        " client = boto3.client('secretsmanager')\n"
        " return [client.meta.endpoint_url, client._request_signer._credentials.access_key]"
    )
    async with running(tmp_path) as runner:
        result = await runner.invoke(spec(source), b"{}", request_id="r-1")
    assert json.loads(result.payload) == ["http://127.0.0.1:4566", "ASIAFUNCTION"]


async def test_modules_beside_the_handler_can_be_imported_whatever_the_working_directory(tmp_path: Path):
    code = archive(
        {
            "app/main.py": "import os\nos.chdir('/')\ndef handler(event, context):\n import shared\n return shared.X",
            "shared.py": "X = 42",
        }
    )
    async with running(tmp_path) as runner:
        result = await runner.invoke(spec("", code=code, handler="app/main.handler"), b"{}", request_id="r-1")
    assert json.loads(result.payload) == 42


async def test_the_scratch_directory_is_the_functions_own_and_goes_with_it(tmp_path: Path):
    source = (
        "import os, tempfile\ndef handler(event, context):\n"
        " d = tempfile.mkdtemp()\n os.mkdir(d + '/locked', 0)\n return d"
    )
    async with running(tmp_path) as runner:
        result = await runner.invoke(spec(source), b"{}", request_id="r-1")
        scratch = os.path.dirname(json.loads(result.payload))
        assert os.stat(scratch).st_mode & 0o777 == 0o700
        assert len(os.listdir(scratch)) == 1
    assert leftovers(tmp_path) == []


async def test_what_is_printed_goes_to_the_log_between_start_and_report(tmp_path: Path):
    source = (
        "import sys\ndef handler(event, context):\n"
        " print('one')\n print('two', file=sys.stderr)\n print('three', end='')"
    )
    log = KeptLog()
    async with running(tmp_path, log=log) as runner:
        result = await runner.invoke(spec(source), b"{}", request_id="r-1")
    texts = log.texts()
    assert texts[0].startswith("INIT_START Runtime Version: python")
    assert texts[1:6] == ["START RequestId: r-1 Version: $LATEST", "one", "two", "three", "END RequestId: r-1"]
    assert texts[6].startswith("REPORT RequestId: r-1\tDuration: ")
    assert "\tMemory Size: 128 MB\tMax Memory Used: " in texts[6]
    assert "\tInit Duration: " in texts[6]
    assert result.log_tail.decode().splitlines() == texts
    assert {stream for _, stream, _ in log.events} == {log.events[0][1]}


async def test_the_tail_is_the_last_four_kilobytes_of_this_invocation(tmp_path: Path):
    source = "def handler(event, context):\n for n in range(event): print(f'line {n}')"
    async with running(tmp_path) as runner:
        long = await runner.invoke(spec(source), b"5000", request_id="r-1")
        short = await runner.invoke(spec(source), b"1", request_id="r-2")
    assert len(long.log_tail) == 4096
    assert b"line 4999\nEND RequestId: r-1" in long.log_tail
    assert short.log_tail.startswith(b"START RequestId: r-2")


async def test_a_function_that_prints_a_great_deal_does_not_stand_still(tmp_path: Path):
    source = (
        "def handler(event, context):\n for n in range(30): print('x' * 9999)\n print('y' * 300_000)\n return 'done'"
    )
    log = KeptLog()
    async with running(tmp_path, log=log) as runner:
        result = await runner.invoke(spec(source), b"{}", request_id="r-1")
    assert json.loads(result.payload) == "done"
    assert sum(text == "x" * 9999 for text in log.texts()) == 30
    assert [len(text) for text in log.texts() if text.startswith("y")] == [256 * 1024, 300_000 - 256 * 1024]


async def test_a_process_ends_before_its_credentials_do(tmp_path: Path):
    clock = RealClock()
    function = spec(PID, timeout_s=10, expires_at=clock.now() + timedelta(hours=1))
    async with running(tmp_path, clock=clock) as runner:
        first = await runner.invoke(function, b"{}", request_id="r-1")
        clock.ahead = timedelta(minutes=58, seconds=45)
        second = await runner.invoke(function, b"{}", request_id="r-2")
        clock.ahead = timedelta(minutes=58, seconds=55)
        third = await runner.invoke(function, b"{}", request_id="r-3")
    assert first.payload == second.payload
    assert second.payload != third.payload


async def test_another_interpreter_can_be_named_and_a_wrong_one_says_so(tmp_path: Path):
    log = KeptLog()
    async with running(tmp_path, log=log, runtimes={"python3.9": "/nowhere/python3.9"}) as runner:
        result = await runner.invoke(spec(ECHO, runtime="python3.9"), b"{}", request_id="r-1")
    assert "exit status 126" in json.loads(result.payload)["errorMessage"]
    assert any("cannot start /nowhere/python3.9: " in text for text in log.texts())


async def test_a_version_that_differs_is_noted_once(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    async with running(tmp_path) as runner:
        with caplog.at_level(logging.WARNING, logger="crossdock"):
            for n in range(2):
                result = await runner.invoke(spec(ECHO, runtime="python3.8", revision=str(n)), b"1", request_id="r")
                assert result.payload == b"1"
    assert [record.declared for record in caplog.records] == ["python3.8"]


async def test_code_that_cannot_be_unpacked_makes_the_function_unusable_and_blocks_nothing(tmp_path: Path):
    async with running(tmp_path, processes=1) as runner:
        for _ in range(3):
            with pytest.raises(FunctionUnusable, match="cannot be unpacked"):
                await runner.invoke(spec(ECHO, code=b"no archive"), b"{}", request_id="r-1")
        result = await runner.invoke(spec(ECHO, name="g"), b"1", request_id="r-2")
    assert result.payload == b"1"


async def test_secrets_of_a_function_are_in_no_log_line_and_no_repr(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    function = spec(ECHO, environment={"API_KEY": "extremely-secret"})
    log = KeptLog()
    with caplog.at_level(logging.DEBUG):
        async with running(tmp_path, log=log) as runner:
            await runner.invoke(function, b'{"password": "hunter2"}', request_id="r-1")
            seen_by_all = command_lines()
    everything = repr(function) + caplog.text + repr(log.events) + seen_by_all
    for secret in ("extremely-secret", "hunter2", "the-function's-secret-key", "the-function's-token"):
        assert secret not in everything
