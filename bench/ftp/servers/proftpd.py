"""proftpd with a user in a file of its own; mod_delay, which makes each login wait, is off."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from bench.ftp.servers.certificate import certificate_in
from bench.ftp.ways import two_ways
from bench.harness.servers.debian import NOBODY, PASSWORD, USER, content_for, hashed, ids_of, need, unpacked_version
from bench.harness.servers.processes import libraries, process
from bench.harness.servers.running import Running, Workplace, free_port, free_range

CONFIGURATION = """ModulePath {peer}/usr/lib/proftpd
LoadModule mod_tls.c
ServerName "bench"
ServerType standalone
DefaultAddress 127.0.0.1
SocketBindTight on
UseIPv6 off
Port {port}
PassivePorts {first} {last}
User nobody
Group nogroup
AuthUserFile {folder}/users
AuthOrder mod_auth_file.c
RequireValidShell off
DefaultRoot ~
AllowOverwrite on
UseReverseDNS off
DelayEngine off
ControlsEngine off
WtmpLog off
TransferLog none
SystemLog {folder}/{name}-system.log
PidFile {folder}/{name}.pid
ScoreboardFile {folder}/{name}.scoreboard
MaxInstances none
"""
TLS = """TLSEngine on
TLSRequired on
TLSOptions NoSessionReuseRequired
TLSProtocol TLSv1.2 TLSv1.3
TLSCipherSuite ECDHE+AESGCM
TLSRSACertificateFile {certificate}
TLSRSACertificateKeyFile {key}
TLSVerifyClient off
"""


@contextmanager
def proftpd(place: Workplace) -> Iterator[Running]:
    peer = need(place, "proftpd", "usr/sbin/proftpd")
    content = content_for(ids_of(NOBODY), place.folder / "content")
    write_users(place, content=str(content))
    certificate = certificate_in(place.shared)
    ports = {}
    for name, addition in (("plain", ""), ("tls", TLS)):
        ports[name] = free_port()
        first, last = free_range()
        (place.folder / f"{name}.conf").write_text(
            (CONFIGURATION + addition).format(
                peer=peer,
                name=name,
                folder=place.folder,
                port=ports[name],
                first=first,
                last=last,
                certificate=certificate.certificate,
                key=certificate.key,
            )
        )

    def run(name: str) -> AbstractContextManager[int]:
        command = [str(peer / "usr/sbin/proftpd"), "--nodaemon", "--config", str(place.folder / f"{name}.conf")]
        return process(command, place=place, port=ports[name], name=name, environment=libraries(peer))

    with run("plain"), run("tls"):
        yield Running(
            name="proftpd",
            version=unpacked_version(peer, "proftpd-core"),
            ways=two_ways(ports, USER, PASSWORD),
            meter=place.meter,
            roots=place.roots,
            content=content,
        )


def write_users(place: Workplace, *, content: str) -> None:
    """passwd(5), with the hash that `ftpasswd --sha256` makes."""
    uid, gid = ids_of(NOBODY)
    path = place.folder / "users"
    path.touch(mode=0o600)
    path.write_text(f"{USER}:{hashed(PASSWORD)}:{uid}:{gid}::{content}:/bin/false\n")
