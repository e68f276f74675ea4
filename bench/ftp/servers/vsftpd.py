"""vsftpd with an anonymous user that may write: any other user needs PAM, so a file in /etc. It checks no password, and
its files are in a folder, for it refuses a root that the user may write."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.ftp.servers.certificate import certificate_in
from bench.ftp.ways import two_ways
from bench.harness.clients.jobs import Endpoint
from bench.harness.servers.debian import content_for, ids_of, need, unpacked_version
from bench.harness.servers.processes import libraries, process
from bench.harness.servers.running import Running, Workplace, free_port, free_range

ANONYMOUS = "daemon"
"""A user with a home, for vsftpd goes there before it goes to `anon_root`."""
FOLDER = "files"
USER, PASSWORD = "ftp", "bench@example.com"
ORDINARY = """listen=YES
background=NO
listen_address=127.0.0.1
listen_port={port}
pasv_min_port={first}
pasv_max_port={last}
anonymous_enable=YES
local_enable=NO
no_anon_password=YES
ftp_username={user}
anon_root={root}
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_umask=022
secure_chroot_dir={empty}
max_clients=0
max_per_ip=0
xferlog_enable=NO
use_localtime=NO
seccomp_sandbox=NO
"""
TLS = """ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=NO
ssl_ciphers=ECDHE-RSA-AES128-GCM-SHA256
rsa_cert_file={certificate}
rsa_private_key_file={key}
"""


@contextmanager
def vsftpd(place: Workplace) -> Iterator[Running]:
    peer = need(place, "vsftpd", "usr/sbin/vsftpd")
    root = place.folder / "root"
    root.mkdir(mode=0o755)
    content = content_for(ids_of(ANONYMOUS), root / FOLDER)
    certificate = certificate_in(place.shared)
    tls = TLS.format(certificate=certificate.certificate, key=certificate.key)
    ports = {"plain": configured(place, root, "plain"), "tls": configured(place, root, "tls", tls)}
    with _process(place, "plain", ports["plain"]), _process(place, "tls", ports["tls"]):
        yield Running(
            name="vsftpd",
            version=unpacked_version(peer, "vsftpd"),
            ways=two_ways(ports, USER, PASSWORD, folder=FOLDER),
            meter=place.meter,
            roots=place.roots,
            content=content,
        )


@contextmanager
def vsftpd_on(place: Workplace, root: Path) -> Iterator[Endpoint]:
    """Plain FTP for the files in `root`'s FOLDER, which are the anonymous user's."""
    port = configured(place, root, "plain")
    with _process(place, "plain", port):
        yield Endpoint(host="127.0.0.1", port=port, user=USER, password=PASSWORD, folder=FOLDER)


def configured(place: Workplace, root: Path, name: str, further: str = "") -> int:
    """Write a configuration; returns its port."""
    port, (first, last), empty = free_port(), free_range(), place.folder / "empty"
    empty.mkdir(mode=0o755, exist_ok=True)
    ordinary = ORDINARY.format(port=port, user=ANONYMOUS, first=first, last=last, root=root, empty=empty)
    (place.folder / f"{name}.conf").write_text(ordinary + further)
    return port


def _process(place: Workplace, name: str, port: int) -> AbstractContextManager[int]:
    peer = place.peers / "vsftpd"
    command = [str(peer / "usr/sbin/vsftpd"), str(place.folder / f"{name}.conf")]
    return process(command, place=place, port=port, name=name, environment=libraries(peer))
