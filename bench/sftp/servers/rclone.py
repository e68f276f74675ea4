"""`rclone serve sftp` on a local folder.

It remembers what is in the folder, so files that are written there past it are not seen: they are uploaded instead.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bench.harness.servers.debian import USER
from bench.harness.servers.processes import process
from bench.harness.servers.rclone_program import rclone_in
from bench.harness.servers.running import Running, Workplace, free_port
from bench.sftp.servers.keys import keys_in, ways_to


@contextmanager
def rclone(place: Workplace) -> Iterator[Running]:
    found = rclone_in(place.peers)
    content, keys, port = place.folder / "content", keys_in(place.shared), free_port()
    content.mkdir()
    command = [
        str(found.program),
        *("--config", os.devnull, "--cache-dir", str(place.folder / "cache")),
        *("serve", "sftp", "--addr", f"127.0.0.1:{port}"),
        *("--user", USER, "--authorized-keys", str(keys.authorized), "--key", str(keys.host)),
        str(content),
    ]
    with process(command, place=place, port=port, name="rclone", environment={"PATH": os.defpath}):
        yield Running(
            name="rclone",
            version=found.version,
            ways=ways_to("127.0.0.1", port, USER, place.shared),
            meter=place.meter,
            roots=place.roots,
        )
