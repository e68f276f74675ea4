"""The servers there are."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.ftp.accounting import meter
from bench.ftp.figures import CROSSDOCK
from bench.ftp.servers.crossdock import crossdock
from bench.ftp.servers.proftpd import proftpd
from bench.ftp.servers.pureftpd import pureftpd
from bench.ftp.servers.pyftpdlib import pyftpdlib
from bench.ftp.servers.running import Adapter, Certificate, Running, Workplace
from bench.ftp.servers.vsftpd import vsftpd

PEERS: Mapping[str, Adapter] = {
    "vsftpd": vsftpd,
    "proftpd": proftpd,
    "pure-ftpd": pureftpd,
    "pyftpdlib": pyftpdlib,
}


@contextmanager
def start_server(
    name: str,
    *,
    scratch: Path,
    peers: Path,
    certificate: Certificate,
    folder: Path | None = None,
    wrapper: Sequence[str] = (),
) -> Iterator[Running]:
    """A fresh server in a folder of its own, which goes with it. Raises Unavailable."""
    adapter: Adapter = partial(crossdock, wrapper=wrapper) if name == CROSSDOCK else PEERS[name]
    roots: list[int] = []
    with (
        TemporaryDirectory(prefix=f"{name}-", dir=folder or scratch) as own,
        meter(Path(own).name, roots) as counted,
    ):
        path = Path(own)
        path.chmod(0o755)  # servers that become another user pass through
        place = Workplace(folder=path, peers=peers, certificate=certificate, meter=counted, roots=roots)
        with adapter(place) as running:
            yield running
