"""`rclone serve sftp` of Debian's package, on a local folder.

It remembers what is in the folder, so files that are written there past it are not seen: they are uploaded instead.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bench.harness.servers.debian import USER, unpacked_version
from bench.harness.servers.processes import process
from bench.harness.servers.running import Running, Unavailable, Workplace, free_port
from bench.sftp.servers.keys import keys_in, ways_to


@contextmanager
def rclone(place: Workplace) -> Iterator[Running]:
    peer = place.peers / "rclone"
    if not (peer / "usr/bin/rclone").exists():
        raise Unavailable(f"rclone is not in {place.peers.name}: run scripts/install-peers")
    content, keys, port = place.folder / "content", keys_in(place.shared), free_port()
    content.mkdir()
    command = [
        str(peer / "usr/bin/rclone"),
        *("--config", os.devnull, "--cache-dir", str(place.folder / "cache")),
        *("serve", "sftp", "--addr", f"127.0.0.1:{port}"),
        *("--user", USER, "--authorized-keys", str(keys.authorized), "--key", str(keys.host)),
        str(content),
    ]
    with process(command, place=place, port=port, name="rclone", environment={"PATH": os.defpath}):
        yield Running(
            name="rclone",
            version=unpacked_version(peer, "rclone"),
            ways=ways_to("127.0.0.1", port, USER, place.shared),
            meter=place.meter,
            roots=place.roots,
        )
