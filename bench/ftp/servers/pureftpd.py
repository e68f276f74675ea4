"""pure-ftpd with a virtual user in a PureDB."""

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.ftp.servers.certificate import certificate_in
from bench.ftp.ways import two_ways
from bench.harness.servers.debian import NOBODY, PASSWORD, USER, content_for, hashed, ids_of, need, unpacked_version
from bench.harness.servers.processes import libraries, process
from bench.harness.servers.running import Running, Workplace, free_port, free_range

SESSIONS = 1000
"""At once, in all and of one address; pure-ftpd's own 50 and 8 are fewer than the idle sessions."""
PORTS = 600
"""Passive ports: pure-ftpd admits half as many users as it has of these."""
LISTED = 200_000
"""Names in one listing; pure-ftpd's own 10,000 are fewer than the long listing."""


@contextmanager
def pureftpd(place: Workplace) -> Iterator[Running]:
    peer = need(place, "pureftpd", "usr/sbin/pure-ftpd")
    content = content_for(ids_of(NOBODY), place.folder / "content")
    users = make_users(place, peer, content)
    ports = {"plain": free_port(), "tls": free_port()}

    def run(name: str, *more: str) -> AbstractContextManager[int]:
        first, last = free_range(PORTS)
        command = [
            str(peer / "usr/sbin/pure-ftpd"),
            *("-S", f"127.0.0.1,{ports[name]}"),
            *("-p", f"{first}:{last}"),
            *("-l", f"puredb:{users}"),
            *("-c", str(SESSIONS)),
            *("-C", str(SESSIONS)),
            *("-L", f"{LISTED}:8"),
            *("-g", str(place.folder / f"{name}.pid")),
            *("-A", "-E", "-H", "-4"),
            *more,
        ]
        return process(command, place=place, port=ports[name], name=name, environment=libraries(peer))

    certificate = certificate_in(place.shared)
    tls = ("-Y", "2", "-2", f"{certificate.certificate},{certificate.key}", "-J", "ECDHE+AESGCM")
    with run("plain"), run("tls", *tls):
        yield Running(
            name="pure-ftpd",
            version=unpacked_version(peer, "pure-ftpd"),
            ways=two_ways(ports, USER, PASSWORD),
            meter=place.meter,
            roots=place.roots,
            content=content,
        )


def make_users(place: Workplace, peer: Path, content: Path) -> Path:
    """`pure-pw useradd` would choose a hash that takes seconds."""
    uid, gid = ids_of(NOBODY)
    users, made = place.folder / "users", place.folder / "users.pdb"
    users.touch(mode=0o600)
    users.write_text(f"{USER}:{hashed(PASSWORD)}:{uid}:{gid}::{content}/./::::::::::::\n")
    command = [str(peer / "usr/bin/pure-pw"), "mkdb", str(made), "-f", str(users)]
    subprocess.run(command, env=libraries(peer), capture_output=True, check=True)
    return made
