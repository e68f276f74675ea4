"""OpenSSH's sshd with its internal SFTP server, from Debian's package, in a mount namespace of its own.

sshd wants a user of that name, a directory /run/sshd, and users of the system: they are in files that only it sees.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.harness.servers.debian import NOBODY, USER, content_for, ids_of, need, unpacked_version
from bench.harness.servers.processes import libraries, process
from bench.harness.servers.running import Running, Workplace, free_port
from bench.sftp.servers.keys import keys_in, ways_to

CONFIGURATION = """ListenAddress 127.0.0.1:{port}
HostKey {host_key}
AuthorizedKeysFile {authorized}
PidFile none
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
PrintLastLog no
MaxStartups 1000
Subsystem sftp internal-sftp
"""
PASSWD = """root:x:0:0:root:/root:/bin/sh
sshd:x:{uid}:{gid}::/run/sshd:/usr/sbin/nologin
{user}:x:{uid}:{gid}::{content}:/bin/sh
"""
NAMESPACE = 'mount --bind "$0" /etc/passwd && mount -t tmpfs none /run && mkdir /run/sshd && exec "$@"'


@contextmanager
def openssh(place: Workplace) -> Iterator[Running]:
    peer = need(place, "openssh", "usr/sbin/sshd")
    uid, gid = ids_of(NOBODY)
    content = content_for((uid, gid), place.folder / "content")
    keys, port = keys_in(place.shared), free_port()
    passwd, configuration = place.folder / "passwd", place.folder / "sshd_config"
    passwd.write_text(PASSWD.format(user=USER, uid=uid, gid=gid, content=content))
    configuration.write_text(CONFIGURATION.format(port=port, host_key=keys.host, authorized=keys.authorized))
    command = [*in_namespace(passwd), str(peer / "usr/sbin/sshd"), "-D", "-e", "-f", str(configuration)]
    with process(command, place=place, port=port, name="sshd", environment=libraries(peer)):
        yield Running(
            name="openssh",
            version=unpacked_version(peer, "openssh-server"),
            ways=ways_to("127.0.0.1", port, USER, place.shared),
            meter=place.meter,
            roots=place.roots,
            content=content,
        )


def in_namespace(passwd: Path) -> list[str]:
    """What a command follows that is to see this file in place of /etc/passwd, and an empty /run."""
    return ["unshare", "--mount", "sh", "-c", NAMESPACE, str(passwd)]
