"""`rclone serve ftp` and `rclone serve sftp` on a bucket of Ceph's, as its documentation starts them.

Without a cache of its own, as is its default, a file is sent to the bucket while it comes in, and is there when its
handle is closed: before the 226, or the answer to CLOSE.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.harness.clients.jobs import Endpoint
from bench.harness.servers.debian import PASSWORD, USER
from bench.harness.servers.processes import process
from bench.harness.servers.rclone_program import rclone_in
from bench.harness.servers.running import Running, Unavailable, Workplace, free_port, free_range
from bench.s3.servers.endpoints import REGION, meter_of_all, missing, places_in
from bench.s3.ways import BUCKET, RGW, RGW_BY_SFTP
from bench.sftp.servers.keys import keys_in, ways_to
from bench.sftp.ways import AES

RCLONE = "rclone"


@contextmanager
def rclone(place: Workplace) -> Iterator[Running]:
    found, places = rclone_in(place.peers), places_in(place.shared)
    if RGW not in places:
        raise Unavailable(missing(places)[RGW])
    keys, there = keys_in(place.shared), places[RGW]
    ports = {"sftp": free_port(), "ftp": free_port()}
    first, last = free_range()
    own = {
        "sftp": ["--authorized-keys", str(keys.authorized), "--key", str(keys.host)],
        "ftp": ["--passive-port", f"{first}-{last}"],
    }
    environment = {
        "PATH": os.defpath,
        "RCLONE_S3_PROVIDER": "Ceph",
        "RCLONE_S3_ENDPOINT": there.url,
        "RCLONE_S3_REGION": REGION,
        "RCLONE_S3_ACCESS_KEY_ID": there.access_key,
        "RCLONE_S3_SECRET_ACCESS_KEY": there.secret_key,
    }
    ways = {RGW_BY_SFTP: ways_to("127.0.0.1", ports["sftp"], USER, place.shared)[AES]}
    variables = {"sftp": environment, "ftp": {**environment, "RCLONE_PASS": PASSWORD}}
    if not found.without_ftp:
        ways[RGW] = Endpoint(host="127.0.0.1", port=ports["ftp"], user=USER, password=PASSWORD)
    with ExitStack() as stack:
        for protocol in ("sftp", "ftp") if RGW in ways else ("sftp",):
            command = [
                str(found.program),
                *("--config", os.devnull, "--cache-dir", str(place.folder / "cache")),
                *("serve", protocol, "--addr", f"127.0.0.1:{ports[protocol]}", "--user", USER, *own[protocol]),
                f":s3:{BUCKET}",
            ]
            port, name = ports[protocol], f"rclone-{protocol}"
            stack.enter_context(process(command, place=place, port=port, name=name, environment=variables[protocol]))
        yield Running(
            name=RCLONE,
            version=found.version,
            ways=ways,
            missing={RGW: found.without_ftp},
            meter=place.meter,
            roots=place.roots,
            beside=meter_of_all(places),
        )
