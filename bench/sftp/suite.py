"""SFTP: Crossdock beside other servers, OpenSSH before all."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench.harness.plan import QUICK, Plan
from bench.harness.suite import Picture, Suite
from bench.sftp.cases.table import all_cases
from bench.sftp.servers.crossdock import crossdock
from bench.sftp.servers.keys import make_keys
from bench.sftp.servers.table import PEERS, SFTPGO
from bench.sftp.targets import TARGETS


def prepare(folder: Path, _stack: ExitStack) -> Mapping[str, str]:
    make_keys(folder)
    return {}


SFTP = Suite(
    name="sftp",
    plan=Plan(login_concurrency=20),
    quick=replace(QUICK, login_concurrency=20),
    cases=all_cases,
    targets=TARGETS,
    crossdock=crossdock,
    peers=PEERS,
    prepare=prepare,
    client_module="bench.sftp.client",
    clients="OpenSSH's sftp as the client where no other is named",
    profiled=("sftp-down", "sftp-up", "sftp-small-up", "sftp-small-down", "sftp-logins"),
    pictures=(
        Picture(title="Large files over SFTP", unit="MB/s", file="sftp-large-files"),
        Picture(title="Small files over SFTP", unit="files/s", file="sftp-small-files"),
        Picture(title="Logins by key", unit="logins/s", file="sftp-logins"),
    ),
    left_out=(SFTPGO,),
)
