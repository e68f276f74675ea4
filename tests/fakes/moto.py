"""The moto server, another project's stand-in for AWS: a process on a loopback port, for as long as a block lasts.

with moto_server() as url: ...

It decides nothing about permissions. `scripts/make-venv .venv-moto requirements-moto.lock` brings it, as `make test-s3`
does.
"""

import re
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / ".venv-moto" / "bin" / "moto_server"
_RUNNING = re.compile(r"Running on (http://127\.0\.0\.1:[0-9]+)")


@contextmanager
def moto_server() -> Iterator[str]:
    assert PROGRAM.exists(), "the moto server is missing: run `make test-s3`, which installs it"
    # It ends with this process however that ends.
    command = ["setpriv", "--pdeathsig", "KILL", str(PROGRAM), "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = list[str]()
            for line in process.stderr:
                said.append(line)
                if found := _RUNNING.search(line):
                    break
            else:
                raise AssertionError(f"the moto server did not start: {said}")
            # What it says of each request would fill the pipe.
            threading.Thread(target=deque, args=(process.stderr, 0)).start()
            yield found[1]
        finally:
            process.kill()
