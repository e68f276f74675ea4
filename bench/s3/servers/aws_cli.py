"""`aws s3 cp`: no server, but what moves a file to S3 and back without one."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

from bench.harness.clients.jobs import ClientFailed, Endpoint, Outcome
from bench.harness.measuring import Clock, Run
from bench.harness.plan import Bench
from bench.harness.seeding import source_file
from bench.harness.servers.processes import stop
from bench.harness.servers.running import Running, Unavailable, Workplace
from bench.s3.seeding import big_of
from bench.s3.servers.endpoints import REGION, credentials_file, meter_of_all, missing, places_in
from bench.s3.starting import told_as_unavailable
from bench.s3.ways import BUCKET

AWS_CLI = "aws-s3-cp"
UPLOADED = "aws-up"


@contextmanager
def aws_cli(place: Workplace) -> Iterator[Running]:
    program, places = place.peers / "venv/bin/aws", places_in(place.shared)
    if not program.exists():
        raise Unavailable(f"awscli is not in {place.peers.name}: run scripts/install-peers")
    with told_as_unavailable("awscli does not start"):
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    yield Running(
        name=AWS_CLI,
        version=told.split()[0].partition("/")[2],
        # What is started is the program, which finds its S3 at the URL.
        ways={name: Endpoint(host=there.url, port=0, user="", folder=str(program)) for name, there in places.items()},
        missing=missing(places),
        meter=place.meter,
        roots=place.roots,
        beside=meter_of_all(places),
    )


def run_aws(bench: Bench, server: Running, *, what: str, way: str) -> Run:
    """One file up or down, its start in the time. Raises ClientFailed."""
    size, endpoint, landing = bench.plan.size, server.by(way), bench.scratch / "aws-landing"
    if what == "up":
        work = [str(source_file(bench.scratch, size)), f"s3://{BUCKET}/{UPLOADED}"]
    else:
        work = [f"s3://{BUCKET}/{big_of(size)}", str(landing)]
    command = [endpoint.folder, "s3", "cp", "--only-show-errors", "--endpoint-url", endpoint.host, *work]
    clock, began, began_at = Clock(server), time.monotonic(), time.time()
    process = Popen(
        command, env=environment_for(bench.scratch, way), stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, text=True
    )
    assert process.stderr is not None
    try:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        ended = time.monotonic()
        process.returncode = os.waitstatus_to_exitcode(status)
    except BaseException:
        stop(process)
        raise
    finally:
        process.stderr.close()
    if process.returncode:
        raise ClientFailed(f"aws s3 cp ended with {process.returncode}: {said.strip()[-500:]}")
    used = usage.ru_utime + usage.ru_stime
    outcome = Outcome(began=began, ended=ended, began_at=began_at, nbytes=size, cpu_s=used)
    run = clock.run([outcome])
    landing.unlink(missing_ok=True)
    return run


def environment_for(folder: Path, way: str) -> Mapping[str, str]:
    """Nothing of whoever runs the benchmark."""
    ca_file = places_in(folder)[way].ca_file
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials_file(folder, way)),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        **({"AWS_CA_BUNDLE": ca_file} if ca_file else {}),
    }
