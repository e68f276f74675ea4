"""OpenSSH's client on the fast path: keys that change amid a transfer, both ways at once."""

import asyncio
import logging
import os
import shutil

import pytest
from tests.fakes.fast_ssh import ssh_house

from crossdock.sftp.fast_pipe import FastPipe

pytestmark = pytest.mark.slow

SIZE = 12_000_000
SUITES = [
    ("aes128-gcm@openssh.com", ""),
    ("chacha20-poly1305@openssh.com", ""),
    ("aes256-ctr", "hmac-sha2-256-etm@openssh.com"),
    ("aes128-ctr", "hmac-sha2-512"),
    ("aes192-ctr", "umac-128-etm@openssh.com"),
]


@pytest.mark.parametrize("suite", SUITES, ids="/".join)
@pytest.mark.parametrize("side", ["client", "server"])
async def test_openssh_gets_back_what_it_sends_while_keys_change(suite: tuple[str, str], side: str, caplog):
    """OpenSSH ends a connection on which data comes during a key exchange (RFC 4253 §7.1)."""
    data = os.urandom(SIZE)
    caplog.set_level(logging.DEBUG, logger="asyncssh")
    async with ssh_house(**({"rekey_bytes": 1_000_000} if side == "server" else {})) as house:
        program = shutil.which("ssh")
        assert program, "ssh is missing"
        words = ["-F", "none", "-p", str(house.port), "-l", "user1", "-o", "BatchMode=yes", "-c", suite[0]]
        words += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        words += ["-m", suite[1]] if suite[1] else []
        words += ["-o", "RekeyLimit=1M"] if side == "client" else []
        pipe = asyncio.subprocess.PIPE
        ssh = await asyncio.create_subprocess_exec(
            program, *words, "-s", "127.0.0.1", "sftp", stdin=pipe, stdout=pipe, stderr=pipe
        )
        async with asyncio.timeout(60):
            out, errors = await ssh.communicate(data)
        assert (errors.decode(), ssh.returncode) == ("", 0)
        assert out == data
        assert isinstance(house.sessions[0].pipe, FastPipe)
        assert not house.sessions[0].strays
    assert sum("Completed key exchange" in record.getMessage() for record in caplog.records) > 10
