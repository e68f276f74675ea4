"""The S3s of a run: the null S3, plain and over TLS, and Ceph's gateway where it is."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import SubprocessError

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tests.fakes.ceph_rgw import UNPACKED, Programs, ceph_rgw

from bench.ftp.servers.certificate import certificate_in, make_certificate, write_tls_config
from bench.harness.accounting import TreeMeter
from bench.harness.machine import ROOT
from bench.harness.servers.processes import process
from bench.harness.servers.running import Unavailable, Workplace, free_port
from bench.s3.servers.endpoints import REGION, S3Place, places_in, write_places
from bench.s3.ways import BUCKET, RGW, STUB, STUB_TLS
from bench.sftp.servers.keys import make_keys


@contextmanager
def told_as_unavailable(what: str) -> Iterator[None]:
    """What goes wrong with an S3 in the block costs no more than the figures that need it. Raises Unavailable."""
    try:
        yield
    except (AssertionError, SubprocessError, OSError, Boto3Error, BotoCoreError, ClientError) as error:
        raise Unavailable(f"{what}: {error}") from error


def prepare(folder: Path, stack: ExitStack) -> Mapping[str, str]:
    make_certificate(folder)
    make_keys(folder)
    places = dict(start_stub(folder, stack))
    if (UNPACKED / "usr/bin/radosgw").exists():
        try:
            # First, so that it is the home of those who can have but one.
            places = {RGW: start_rgw(folder, stack), **places}
        except Unavailable as error:
            print(error, file=sys.stderr)
    write_places(folder, places)
    for name in places:
        with told_as_unavailable(f"no bucket can be made at {name}"):
            s3_client(folder, name).create_bucket(Bucket=BUCKET)
    return {"OPENSSL_CONF": str(write_tls_config(folder))}


def start_stub(folder: Path, stack: ExitStack) -> Mapping[str, S3Place]:
    own = folder / "stub"
    own.mkdir()
    certificate = certificate_in(folder)
    plain, tls = free_port(), free_port()
    told = {"plain": plain, "tls": tls, "pem": str(certificate.both)}
    roots: list[int] = []
    place = Workplace(folder=own, peers=folder, shared=folder, meter=TreeMeter(roots=roots), roots=roots)
    command = [sys.executable, "-m", "bench.s3.stub", json.dumps(told)]
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
    pid = stack.enter_context(process(command, place=place, port=plain, name="stub", environment=environment))
    ca_file = str(certificate.certificate)
    return {
        STUB: _place(f"http://127.0.0.1:{plain}", pid),
        STUB_TLS: _place(f"https://127.0.0.1:{tls}", pid, ca_file=ca_file),
    }


def start_rgw(folder: Path, stack: ExitStack) -> S3Place:
    """Monitor, store and gateway; what is written stays in memory. Raises Unavailable."""
    own = folder / RGW
    own.mkdir()
    with told_as_unavailable("Ceph's S3 gateway does not start"):
        rgw = stack.enter_context(ceph_rgw(own))
    return S3Place(
        url=rgw.url, access_key=rgw.access_key, secret_key=rgw.secret_key, processes=_processes_about(str(own))
    )


def collect_garbage(folder: Path) -> None:
    """Let Ceph give back the memory of what was deleted; by itself it would do so hours later.

    Raises Unavailable.
    """
    if RGW in places_in(folder):
        with told_as_unavailable("Ceph does not give memory back"):
            programs = Programs(folder / RGW)
            programs.run("radosgw-admin", *programs.using, "gc", "process", "--include-all")


def s3_client(folder: Path, name: str) -> "boto3.client":
    place = places_in(folder)[name]
    return boto3.client(
        "s3",
        endpoint_url=place.url,
        region_name=REGION,
        aws_access_key_id=place.access_key,
        aws_secret_access_key=place.secret_key,
        verify=place.ca_file or True,
        config=Config(s3={"addressing_style": "path"}, proxies={}, request_checksum_calculation="when_required"),
    )


def _place(url: str, pid: int, *, ca_file: str = "") -> S3Place:
    return S3Place(url=url, access_key="NULL", secret_key="nobody asks", ca_file=ca_file, processes=(pid,))


def _processes_about(text: str) -> tuple[int, ...]:
    """Those that name it on their command lines."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
            if text.encode() in words:
                found.append(int(entry.name))
    return tuple(found)
