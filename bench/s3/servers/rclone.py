"""`rclone serve sftp` on a bucket of Ceph's, as its documentation starts it.

It has no cache of its own then, so that a file is in the bucket when its handle is closed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bench.harness.servers.debian import USER, unpacked_version
from bench.harness.servers.processes import process
from bench.harness.servers.running import Running, Unavailable, Workplace, free_port
from bench.s3.servers.endpoints import REGION, meter_of_all, missing, places_in
from bench.s3.ways import BUCKET, RGW, RGW_BY_SFTP
from bench.sftp.servers.keys import keys_in, ways_to
from bench.sftp.ways import AES

RCLONE = "rclone"
LEFT_OUT = "rclone serve ftp is left out: Debian's rclone is built without it"


@contextmanager
def rclone(place: Workplace) -> Iterator[Running]:
    peer, places = place.peers / "rclone", places_in(place.shared)
    if not (peer / "usr/bin/rclone").exists():
        raise Unavailable(f"rclone is not in {place.peers.name}: run scripts/install-peers")
    if RGW not in places:
        raise Unavailable(missing(places)[RGW])
    keys, port, there = keys_in(place.shared), free_port(), places[RGW]
    command = [
        str(peer / "usr/bin/rclone"),
        *("--config", os.devnull, "--cache-dir", str(place.folder / "cache")),
        *("serve", "sftp", "--addr", f"127.0.0.1:{port}"),
        *("--user", USER, "--authorized-keys", str(keys.authorized), "--key", str(keys.host)),
        f":s3:{BUCKET}",
    ]
    environment = {
        "PATH": os.defpath,
        "RCLONE_S3_PROVIDER": "Ceph",
        "RCLONE_S3_ENDPOINT": there.url,
        "RCLONE_S3_REGION": REGION,
        "RCLONE_S3_ACCESS_KEY_ID": there.access_key,
        "RCLONE_S3_SECRET_ACCESS_KEY": there.secret_key,
    }
    with process(command, place=place, port=port, name="rclone", environment=environment):
        yield Running(
            name=RCLONE,
            version=unpacked_version(peer, "rclone"),
            ways={RGW_BY_SFTP: ways_to("127.0.0.1", port, USER, place.shared)[AES]},
            meter=place.meter,
            roots=place.roots,
            beside=meter_of_all(places),
        )
