"""Ceph's S3 gateway on this computer: a real S3 of another vendor, all in memory, for as long as a block lasts.

    with ceph_rgw(directory) as rgw:
        rgw.url, rgw.access_key, rgw.secret_key      # an administrator's, who may make roles

`scripts/install-rgw` brings the programs. One monitor, one store (memstore: what is written stays in memory), one
gateway; no manager, which only collects statistics, and no `ceph` command: the keys and the map of the one store are
there when the monitor is made.
"""

import os
import shutil
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.fakes.sockets import free_ports, own_host

UNPACKED = Path(__file__).resolve().parents[2] / ".rgw" / "root"
ACCESS_KEY, SECRET_KEY = "RGWADMINISTRATOR", "a-secret-of-the-tests"
STORE_BYTES = 4 << 30
START_TIMEOUT_S = 90.0
_LIBRARIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/ceph")

# cephx, not `none`: without keys the gateway waits for ever. tcp_nodelay, or small answers take 40 ms.
CONFIGURATION = """\
[global]
fsid = {fsid}
mon_host = v2:{host}:{mon_port}
mon_initial_members = a
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
keyring = {directory}/keyring
run_dir = {directory}/run
admin_socket = {directory}/run/$name.asok
log_file = {directory}/$name.log
mon_cluster_log_file = {directory}/cluster.log
crash_dir = {directory}/run
ms_bind_ipv6 = false
public_addr = {host}
cluster_addr = {host}
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 5000
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
osd_objectstore = memstore
memstore_device_bytes = {store_bytes}
osd_client_watch_timeout = 2
{plugins}
[mon.a]
mon_data = {directory}/mon
public_addr = v2:{host}:{mon_port}
[osd.0]
osd_data = {directory}/osd
[client.rgw]
rgw_data = {directory}/rgw
rgw_frontends = beast endpoint={host}:{port} tcp_nodelay=1
rgw_rados_pool_pg_num_min = 1
rgw_s3_auth_use_sts = true
rgw_sts_key = 0123456789abcdef
"""
PLUGINS = """\
plugin_dir = {root}/usr/lib/x86_64-linux-gnu/ceph
erasure_code_dir = {root}/usr/lib/x86_64-linux-gnu/ceph/erasure-code
osd_class_dir = {root}/usr/lib/x86_64-linux-gnu/rados-classes
"""
KEYS: Mapping[str, Sequence[str]] = {
    "mon.": ("--cap", "mon", "allow *"),
    "client.admin": ("--cap", "mon", "allow *", "--cap", "osd", "allow *"),
    "osd.0": ("--cap", "mon", "allow profile osd", "--cap", "osd", "allow *"),
    "client.rgw": ("--cap", "mon", "allow rw", "--cap", "osd", "allow rwx"),
}


class Programs:
    """Ceph's, as unpacked or as the machine has them, in one directory of their data."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.using = ("-c", str(directory / "ceph.conf"))
        self.environment = dict(os.environ)
        self.plugins = ""
        if (UNPACKED / "usr/bin/radosgw").exists():
            libraries = ":".join(str(UNPACKED / name) for name in _LIBRARIES)
            self.environment |= {
                "PATH": f"{UNPACKED}/usr/bin:{os.environ.get('PATH', os.defpath)}",
                "LD_LIBRARY_PATH": libraries,
            }
            self.plugins = PLUGINS.format(root=UNPACKED)
        assert shutil.which("radosgw", path=self.environment["PATH"]), "radosgw is missing: run `make test-s3`"

    def run(self, *command: str) -> None:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{command[0]}: {done.stderr}"

    @contextmanager
    def running(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """A server, ended with the block, and with this process however that ends."""
        with (self.directory / f"{command[0]}.out").open("wb") as output:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                yield process
            finally:
                # What is in memory is thrown away: there is nothing to end in order.
                process.kill()
                process.wait()


class CephRgw:
    """The gateway process, which keeps nothing: what it wrote is in the store behind it."""

    access_key = ACCESS_KEY
    secret_key = SECRET_KEY

    def __init__(self, programs: Programs, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._programs = programs
        self._stack = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        """It ends with the thread that calls this. It listens later: see `wait`."""
        self._process = self._stack.enter_context(
            self._programs.running("radosgw", *self._programs.using, "-f", "-n", "client.rgw")
        )

    def wait(self) -> None:
        """Until it answers: the first time it makes its pools, which takes most of the time."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            assert self._process is not None
            assert self._process.poll() is None, (self._programs.directory / "radosgw.out").read_text()
            assert time.monotonic() < deadline, f"the gateway does not answer: see {self._programs.directory}"
            time.sleep(0.1)  # another process tells nobody when it listens

    def kill(self) -> None:
        self._stack.close()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/", timeout=5):
                return True
        except OSError:
            return False


@contextmanager
def ceph_rgw(directory: Path) -> Iterator[CephRgw]:
    for name in ("mon", "osd", "rgw", "run"):
        (directory / name).mkdir()
    programs = Programs(directory)
    host, (mon_port, port) = own_host(), free_ports(2)
    fsid = str(uuid.uuid4())
    (directory / "ceph.conf").write_text(
        CONFIGURATION.format(
            fsid=fsid,
            directory=directory,
            host=host,
            mon_port=mon_port,
            port=port,
            store_bytes=STORE_BYTES,
            plugins=programs.plugins,
        )
    )
    keyring, monmap, osdmap = (str(directory / name) for name in ("keyring", "monmap", "osdmap"))
    for number, (name, capabilities) in enumerate(KEYS.items()):
        make = ["--create-keyring"] if number == 0 else []
        programs.run("ceph-authtool", *make, keyring, "--gen-key", "-n", name, *capabilities)
    programs.run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:{host}:{mon_port}]", monmap)
    programs.run("osdmaptool", "--createsimple", "1", osdmap)
    using = programs.using
    programs.run("ceph-mon", *using, "--mkfs", "-i", "a", "--monmap", monmap, "--osdmap", osdmap, "--keyring", keyring)
    with ExitStack() as stack:
        stack.enter_context(programs.running("ceph-mon", *using, "-f", "-i", "a"))
        programs.run("ceph-osd", *using, "-i", "0", "--mkfs", "--osd-uuid", str(uuid.uuid4()))
        stack.enter_context(programs.running("ceph-osd", *using, "-f", "-i", "0"))
        gateway = CephRgw(programs, host, port)
        stack.callback(gateway.kill)
        gateway.start()
        gateway.wait()
        programs.run(
            *("radosgw-admin", *using, "user", "create", "--uid", "admin", "--display-name", "admin"),
            *("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY, "--caps", "roles=*;user-policy=*"),
        )
        yield gateway
