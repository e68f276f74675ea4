"""FTP and FTPS: Crossdock beside other servers."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.ftp.cases.table import all_cases
from bench.ftp.servers.certificate import make_certificate, write_tls_config
from bench.ftp.servers.crossdock import crossdock
from bench.ftp.servers.table import PEERS
from bench.ftp.targets import TARGETS
from bench.harness.plan import QUICK, Plan
from bench.harness.suite import Picture, Suite


def prepare(folder: Path, _stack: ExitStack) -> Mapping[str, str]:
    make_certificate(folder)
    return {"OPENSSL_CONF": str(write_tls_config(folder))}


FTP = Suite(
    name="ftp",
    plan=Plan(),
    quick=QUICK,
    cases=all_cases,
    targets=TARGETS,
    crossdock=crossdock,
    peers=PEERS,
    prepare=prepare,
    client_module="bench.ftp.client",
    clients="fast client",
    profiled=("down", "up", "down-tls", "up-tls"),
    pictures=(
        Picture(title="Large files", unit="MB/s", file="large-files"),
        Picture(title="Small files", unit="files/s", file="small-files"),
    ),
)
