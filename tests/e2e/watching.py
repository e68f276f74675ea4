"""What a running service holds, seen from outside: descriptors, connections, memory."""

from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.e2e.harness import until
from tests.e2e.quay import Quay

_LISTENS = "0A"
_LOOPBACK = "0100007F"


def descriptors_at_rest(quay: Quay) -> Counter[str]:
    """The service's open descriptors by kind, once no client is connected any more."""
    until("every connection is closed", lambda: connections(quay) == 0)
    quay.s3.close()
    found: Counter[str] = Counter()
    for path in Path(f"/proc/{quay.service.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found[str(path.readlink()).partition(":")[0]] += 1
    return found


def ftp_connections(quay: Quay) -> int:
    """Control and data connections that the service has not closed."""
    return _connections_at(quay.port, *quay.passive_ports)


def connections(quay: Quay) -> int:
    """Those of FTP and SFTP that the service has not closed."""
    return _connections_at(quay.port, *quay.passive_ports, *(jetty.port for jetty in quay.jetties.values()))


def _connections_at(*ports: int) -> int:
    """Source: proc(5), /proc/net/tcp."""
    places = {f"{_LOOPBACK}:{port:04X}" for port in ports}
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = (line.split() for line in lines)
    return sum(1 for row in rows if row[1] in places and row[3] != _LISTENS and row[9] != "0")


def resident_bytes(quay: Quay, field: str = "VmRSS") -> int:
    """Of the service's own process; `VmHWM` for the most it ever had."""
    for line in Path(f"/proc/{quay.service.process.pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"no {field}")
