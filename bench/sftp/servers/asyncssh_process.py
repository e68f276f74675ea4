"""asyncssh's own process, under the Python of .bench: a folder over SFTP, to whoever has the user's key.

python -P asyncssh_process.py '{"port": …, "folder": …, "host_key": …, "authorized": …, "ciphers": […]}'
"""

# mypy: disable-error-code="import-not-found"
import asyncio
import functools
import json
import sys

import asyncssh
import uvloop

told = json.loads(sys.argv[1])


async def serve() -> None:
    await asyncssh.listen(
        "127.0.0.1",
        told["port"],
        server_host_keys=[told["host_key"]],
        authorized_client_keys=told["authorized"],
        encryption_algs=told["ciphers"],
        compression_algs=["none"],
        sftp_factory=functools.partial(asyncssh.SFTPServer, chroot=told["folder"]),
    )
    await asyncio.Event().wait()


uvloop.run(serve())
