"""asyncssh's own SFTP server as its documentation starts it, with uvloop: what Crossdock's SFTP is built on."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.harness.servers.debian import USER
from bench.harness.servers.processes import process
from bench.harness.servers.running import Running, Unavailable, Workplace, free_port
from bench.sftp.servers.keys import keys_in, ways_to

VERSION = "from importlib.metadata import version; print(version('asyncssh'), 'with uvloop', version('uvloop'))"


@contextmanager
def asyncssh(place: Workplace) -> Iterator[Running]:
    python = place.peers / "venv/bin/python"
    if not python.exists():
        raise Unavailable(f"asyncssh is not in {place.peers.name}: run scripts/install-peers")
    found = subprocess.run([python, "-c", VERSION], capture_output=True, text=True, check=False)
    if found.returncode:
        raise Unavailable(f"asyncssh or uvloop is not in {place.peers.name}: run scripts/install-peers")
    content, keys, port = place.folder / "content", keys_in(place.shared), free_port()
    content.mkdir()
    told = {
        "port": port,
        "folder": str(content),
        "host_key": str(keys.host),
        "authorized": str(keys.authorized),
        "ciphers": [endpoint.cipher for endpoint in ways_to("", port, USER, place.shared).values()],
    }
    command = [str(python), "-P", str(Path(__file__).with_name("asyncssh_process.py")), json.dumps(told)]
    with process(command, place=place, port=port, name="asyncssh", environment={"PATH": os.defpath}):
        yield Running(
            name="asyncssh",
            version=found.stdout.strip(),
            ways=ways_to("127.0.0.1", port, USER, place.shared),
            meter=place.meter,
            roots=place.roots,
            content=content,
        )
