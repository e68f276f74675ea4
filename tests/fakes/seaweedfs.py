"""SeaweedFS on this computer: a real S3 of another vendor, in one process, for as long as a block lasts.

    with seaweedfs(directory) as weed:
        weed.url, weed.access_key, weed.secret_key      # an administrator's, who may make roles

`scripts/install-seaweedfs` builds the program where there is a Go to build it with; `why_absent` says why it is not.
Its master, volumes, filer and S3 gateway listen on loopback, and what is written lies in the directory.
"""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.sockets import free_ports, own_host

BUILT = Path(__file__).resolve().parents[2] / ".seaweedfs"
ADMINISTRATOR = "admin"
ACCESS_KEY, SECRET_KEY = "SEAWEEDADMINISTRATOR", "a-secret-of-the-tests"
START_TIMEOUT_S = 60.0
_SERVICES = ("master", "volume", "filer", "s3")


def why_absent() -> str:
    """In a sentence, why the program could not be built on this machine. Empty where it was, or was never tried."""
    lacking = BUILT / ".lacking"
    return lacking.read_text().strip() if lacking.exists() else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeaweedFs:
    host: str
    port: int
    access_key: str = ACCESS_KEY
    secret_key: str = field(default=SECRET_KEY, repr=False)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@contextmanager
def seaweedfs(directory: Path) -> Iterator[SeaweedFs]:
    program = BUILT / "weed"
    assert program.exists(), "weed is missing: run `make test-s3`"
    host, found = own_host(), free_ports(2 * len(_SERVICES))
    ports = dict(zip(_SERVICES, zip(found[::2], found[1::2], strict=True), strict=True))
    (directory / "data").mkdir()
    (directory / "identities.json").write_text(json.dumps(IDENTITIES))
    (directory / "iam.json").write_text(json.dumps(IAM))
    environment = {"PATH": os.defpath, "HOME": str(directory), "TMPDIR": str(directory)}
    with (directory / "weed.out").open("wb") as output:
        # It ends with this process however that ends.
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", str(program), *command(directory, host, ports)],
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            weed = SeaweedFs(host=host, port=ports["s3"][0])
            _wait(process, weed.url, directory)
            _configure(f"http://{host}:{ports['filer'][0]}")
            yield weed
        finally:
            # What was written is thrown away: there is nothing to end in order.
            process.kill()
            process.wait()
            for service, (_, grpc) in ports.items():
                # It puts them there whatever is set.
                Path(f"/tmp/seaweedfs-{service}-grpc-{grpc}.sock").unlink(missing_ok=True)


IDENTITIES = {
    "identities": [
        {
            "name": ADMINISTRATOR,
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}
IAM = {
    "sts": {
        "tokenDuration": "1h",
        "maxSessionLength": "12h",
        "issuer": "seaweedfs",
        "signingKey": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    },
    "policy": {"defaultEffect": "Deny"},
}
"""Without it there are neither roles nor STS."""


FILER = {"version": 1, "locations": [{"locationPrefix": "/buckets/", "collection": "all"}]}
"""All buckets in the same volumes. Else it makes some for each, for which whoever writes first waits."""


def command(directory: Path, host: str, ports: Mapping[str, tuple[int, int]]) -> Sequence[str]:
    """Of each service an HTTP and a gRPC port."""
    listening = [
        f"-{service}.port{kind}={port}"
        for service, pair in ports.items()
        for kind, port in zip(("", ".grpc"), pair, strict=True)
    ]
    return [
        "-logtostderr=true",
        "server",
        f"-dir={directory}/data",
        *(f"-ip={host}", f"-ip.bind={host}"),
        *listening,
        # By default it tells its makers of each cluster.
        "-master.telemetry=false",
        "-volume.max=100",
        f"-filer.localSocket={directory}/filer.sock",
        "-s3",
        f"-s3.localSocket={directory}/s3.sock",
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        f"-s3.config={directory}/identities.json",
        f"-s3.iam.config={directory}/iam.json",
        "-s3.iam.readOnly=false",
    ]


def _wait(process: "subprocess.Popen[bytes]", url: str, directory: Path) -> None:
    """Until it answers. It has no volumes yet, for which whoever writes first waits."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _answers(url):
        said = directory / "weed.out"
        assert process.poll() is None, said.read_text()[-3000:]
        assert time.monotonic() < deadline, f"it does not answer: see {said}"
        time.sleep(0.1)  # another process tells nobody when it listens


def _configure(filer: str) -> None:
    """As `weed shell` does: the configuration is a file of the filer's."""
    url = f"{filer}/etc/seaweedfs/filer.conf"
    request = urllib.request.Request(url, data=json.dumps(FILER).encode(), method="PUT")
    with urllib.request.urlopen(request, timeout=START_TIMEOUT_S) as answer:
        assert answer.status == 201


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/", timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 403
    except OSError:
        return False
