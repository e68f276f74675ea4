"""pyftpdlib, the Python server that sends files by `sendfile`; with its handlers as they are."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.ftp.servers.certificate import certificate_in
from bench.ftp.ways import two_ways
from bench.harness.servers.debian import PASSWORD, USER
from bench.harness.servers.processes import process
from bench.harness.servers.running import Running, Unavailable, Workplace, free_port, free_range

VERSION = "from importlib.metadata import version; print(version('pyftpdlib'))"


@contextmanager
def pyftpdlib(place: Workplace) -> Iterator[Running]:
    python = place.peers / "venv/bin/python"
    if not python.exists():
        raise Unavailable(f"pyftpdlib is not in {place.peers.name}: run scripts/install-peers")
    content = place.folder / "content"
    content.mkdir()
    ports = {"plain": free_port(), "tls": free_port()}
    told = {
        **ports,
        "user": USER,
        "password": PASSWORD,
        "folder": str(content),
        "pem": str(certificate_in(place.shared).both),
        "ports": free_range(),
    }
    script = Path(__file__).with_name("pyftpdlib_process.py")
    command = [str(python), "-P", str(script), json.dumps(told)]  # -P: this module has the library's name
    environment = {"PATH": os.defpath}
    with process(command, place=place, port=ports["plain"], name="pyftpdlib", environment=environment):
        yield Running(
            name="pyftpdlib",
            version=subprocess.run([python, "-c", VERSION], capture_output=True, text=True, check=True).stdout.strip(),
            ways=two_ways(ports, USER, PASSWORD),
            meter=place.meter,
            roots=place.roots,
            content=content,
        )
