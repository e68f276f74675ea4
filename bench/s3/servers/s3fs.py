"""s3fs, which makes a bucket of Ceph's a file system (FUSE), under vsftpd with its anonymous user."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.ftp.servers.vsftpd import ANONYMOUS, FOLDER, vsftpd_on
from bench.harness.servers.debian import ids_of, need, unpacked_version
from bench.harness.servers.processes import libraries, process
from bench.harness.servers.running import Running, Unavailable, Workplace
from bench.s3.servers.endpoints import REGION, meter_of_all, missing, places_in, s3fs_passwd_file
from bench.s3.starting import told_as_unavailable
from bench.s3.ways import BUCKET, RGW

S3FS = "s3fs+vsftpd"
FUSE = Path("/dev/fuse")


@contextmanager
def s3fs(place: Workplace) -> Iterator[Running]:
    peer, places = need(place, "s3fs", "usr/bin/s3fs"), places_in(place.shared)
    need(place, "vsftpd", "usr/sbin/vsftpd")
    if not os.access(FUSE, os.R_OK | os.W_OK):
        raise Unavailable(f"s3fs needs {FUSE}, which is not here")
    if RGW not in places:
        raise Unavailable(missing(places)[RGW])
    root, temporary = place.folder / "root", place.folder / "temporary"
    root.mkdir(mode=0o755)
    temporary.mkdir()
    mounted = root / FOLDER
    mounted.mkdir()
    uid, gid = ids_of(ANONYMOUS)
    options = {
        "url": places[RGW].url,
        "endpoint": REGION,
        "passwd_file": str(s3fs_passwd_file(place.shared, RGW)),
        "tmpdir": str(temporary),
        "uid": str(uid),
        "gid": str(gid),
        "umask": "022",
        "mp_umask": "022",
    }
    given = [f"-o{name}={value}" for name, value in options.items()]
    command = [str(peer / "usr/bin/s3fs"), BUCKET, str(mounted), "-f", "-ouse_path_request_style", "-oallow_other"]
    environment = libraries(peer)
    with (
        _unmounted(mounted),
        process([*command, *given], place=place, is_ready=mounted.is_mount, name="s3fs", environment=environment),
        vsftpd_on(place, root) as endpoint,
    ):
        yield Running(
            name=S3FS,
            version=f"{unpacked_version(peer, 's3fs')}, {unpacked_version(place.peers / 'vsftpd', 'vsftpd')}",
            ways={RGW: endpoint},
            meter=place.meter,
            roots=place.roots,
            beside=meter_of_all(places),
        )


@contextmanager
def _unmounted(mounted: Path) -> Iterator[None]:
    """In the end, also when s3fs was killed, which leaves a file system that nobody answers for."""
    try:
        yield
    finally:
        if str(mounted) in Path("/proc/self/mounts").read_text():
            with told_as_unavailable("s3fs stays mounted"):
                subprocess.run(["umount", "--lazy", str(mounted)], check=True)
