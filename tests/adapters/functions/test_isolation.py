"""Functions under uids of their accounts' own, where the service is root and an interpreter can be reached."""

import json
import os
import shutil
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.functions import running, spec

from crossdock.adapters.host.functions.isolation import FIRST_UID, UID_COUNT, Isolation

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can give functions another uid")


STRANGER = 1_700_000
PACKAGES = ("awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "s3transfer", "simplejson", "urllib3")


def an_interpreter_for_everybody() -> str | None:
    """One of this version that any uid can run: this one, or the system's."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        say = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            said = subprocess.run(say, user=STRANGER, group=STRANGER, extra_groups=[], env={}, capture_output=True)
        except OSError:
            continue
        if said.stdout.decode().strip() == version:
            return candidate
    return None


@pytest.fixture(scope="module")
def reachable_interpreter() -> Iterator[str]:
    """An environment with this one's packages, where every uid can reach it."""
    interpreter = an_interpreter_for_everybody()
    if interpreter is None:
        pytest.skip("no interpreter of this version is readable for other uids on this computer")
    home = Path(tempfile.mkdtemp(prefix="crossdock-test-python-"))
    subprocess.run([interpreter, "-m", "venv", "--without-pip", str(home)], check=True)
    [packages] = home.glob("lib/python3.*/site-packages")
    for source in map(Path, site.getsitepackages()):
        for name in PACKAGES:
            if (found := source / name).is_dir():
                shutil.copytree(found, packages / name, ignore=shutil.ignore_patterns("data"))
        for found in (*source.glob("runtime_client*.so"), source / "six.py", source / "snapshot_restore_py.py"):
            shutil.copy(found, packages)
    subprocess.run(["chmod", "-R", "a+rX", str(home)], check=True)
    yield str(home / "bin" / "python3")
    shutil.rmtree(home)


@AS_ROOT
async def test_each_account_has_a_uid_of_its_own(tmp_path: Path, reachable_interpreter: str):
    source = "import os\ndef handler(event, context): return [os.getuid(), os.getgid(), os.getgroups(), os.getcwd()]"
    async with running(tmp_path, interpreter=reachable_interpreter) as runner:
        assert runner.isolation == f"functions run as one unprivileged uid per account, from {FIRST_UID} on"
        found = [
            json.loads((await runner.invoke(spec(source, account_id=account), b"{}", request_id=account)).payload)
            for account in ("111111111111", "222222222222")
        ]
    for uid, gid, groups, task_root in found:
        assert FIRST_UID <= uid < FIRST_UID + UID_COUNT
        assert (gid, groups) == (uid, [])
        # Even where the data directory lets no other uid in.
        assert not task_root.startswith(str(tmp_path))
        assert not exists(task_root)
    assert found[0][0] != found[1][0]


@AS_ROOT
async def test_an_account_cannot_read_the_code_scratch_or_environment_of_another(
    tmp_path: Path, reachable_interpreter: str
):
    victim = "import os\ndef handler(event, context): return [os.environ['TMPDIR'], os.getcwd(), os.getpid()]"
    thief = (
        "import os, glob\n"
        "def attempt(act):\n"
        "  try: act()\n"
        "  except OSError as error: return type(error).__name__\n"
        "  return 'done'\n"
        "def handler(event, context):\n"
        "  scratch, code, pid = event\n"
        "  return [attempt(lambda: os.listdir(scratch)), attempt(lambda: open(code + '/index.py')),\n"
        "          attempt(lambda: open(f'/proc/{pid}/environ').read()), attempt(lambda: os.kill(pid, 9)),\n"
        "          attempt(lambda: os.kill(os.getppid(), 9)), attempt(lambda: os.listdir(os.path.dirname(code))),\n"
        "          attempt(lambda: open(os.environ['LAMBDA_TASK_ROOT'] + '/new', 'w')), attempt(lambda: os.setuid(0))]"
    )
    async with running(tmp_path, interpreter=reachable_interpreter) as runner:
        found = await runner.invoke(spec(victim, name="victim"), b"{}", request_id="r-1")
        result = await runner.invoke(
            spec(thief, name="thief", account_id="222222222222"), found.payload, request_id="r-2"
        )
    assert json.loads(result.payload) == ["PermissionError"] * 8


@AS_ROOT
async def test_a_fork_bomb_meets_its_limit_and_ends_with_the_time_out(tmp_path: Path, reachable_interpreter: str):
    source = (
        "import os, time\n"
        "def handler(event, context):\n"
        "  if not event: return 'calm'\n"
        "  count = 0\n"
        "  while True:\n"
        "    try:\n"
        "      if os.fork() == 0: os.setsid()\n"
        "      else: count += 1\n"
        "    except BlockingIOError:\n"
        "      print(f'stopped after {count}', flush=True)\n"
        "      time.sleep(1000)\n"
    )
    async with running(tmp_path, interpreter=reachable_interpreter, max_tasks=40, processes=1) as runner:
        result = await runner.invoke(spec(source, timeout_s=1), b"1", request_id="r-1")
        assert "timed out" in json.loads(result.payload)["errorMessage"]
        assert b"stopped after " in result.log_tail
        calm = await runner.invoke(spec(source, timeout_s=1), b"0", request_id="r-2")
        assert json.loads(calm.payload) == "calm"
    assert [pid for pid in os.listdir("/proc") if pid.isdigit() and is_a_functions(pid)] == []


def exists(path: str) -> bool:
    return os.path.lexists(path)


def is_a_functions(pid: str) -> bool:
    try:
        return FIRST_UID <= os.stat(f"/proc/{pid}").st_uid <= FIRST_UID + UID_COUNT
    except FileNotFoundError:
        return False


@AS_ROOT
async def test_an_interpreter_that_other_uids_cannot_use_is_found_out_and_named(tmp_path: Path):
    hidden = tmp_path / "python"
    hidden.symlink_to(sys.executable)
    os.chmod(tmp_path, 0o700)
    isolation = Isolation(tmp_path / "functions", interpreters=[str(hidden)])
    await isolation.start()
    assert isolation.sentence.startswith("functions run as root: whoever may create functions is trusted with this")
    assert str(hidden) in isolation.sentence
    assert isolation.uid_for("111111111111", str(hidden)) is None
    assert isolation.directory == tmp_path / "functions"
    await isolation.close()


@AS_ROOT
async def test_what_a_killed_service_left_elsewhere_is_removed_at_the_next_start(
    tmp_path: Path, reachable_interpreter: str
):
    killed = Isolation(tmp_path / "functions", interpreters=[reachable_interpreter])
    await killed.start()
    left = str(killed.directory)
    assert exists(left)
    successor = Isolation(tmp_path / "functions", interpreters=[reachable_interpreter])
    await successor.start()
    assert not exists(left)
    await successor.close()
    assert not exists(str(successor.directory))


@pytest.mark.skipif(os.getuid() == 0, reason="root gives functions uids of their own or says that it cannot")
async def test_a_service_that_is_not_root_says_whom_functions_are_trusted_with(tmp_path: Path):
    isolation = Isolation(tmp_path, interpreters=[sys.executable])
    await isolation.start()
    assert "trusted with that user" in isolation.sentence
