"""What is on a server before a run, and what is removed after it."""

from collections.abc import Sequence

from bench.ftp.client.control import Control
from bench.ftp.runs import run_checked
from bench.ftp.ways import PLAIN
from bench.harness.clients.jobs import Endpoint, Job
from bench.harness.plan import Bench
from bench.harness.seeding import SEEDING_SESSIONS, write_files
from bench.harness.servers.running import Running


def seed(bench: Bench, server: Running, folder: str, count: int, size: int) -> None:
    """`count` files of `size` bytes in a directory, a multiple of four; written at once where it is a folder.

    Their names are a digit, as four sessions upload them, and then six, from 000000 on.
    """
    if (server.name, folder) in bench.prepared:
        return
    each = count // SEEDING_SESSIONS
    if server.content is None:
        commands(server.by(PLAIN), [f"MKD {folder}"], "257")
        jobs = [
            Job(what="small-up", endpoint=server.by(PLAIN), path=f"{folder}/{part}", size=size, count=each)
            for part in range(SEEDING_SESSIONS)
        ]
        run_checked(bench, server, jobs)
    else:
        write_files(server.content / folder, each, size)
    bench.prepared.add((server.name, folder))


def seed_one(bench: Bench, server: Running, path: str, size: int) -> None:
    """One file, uploaded."""
    if (server.name, path) not in bench.prepared:
        run_checked(bench, server, [Job(what="up", endpoint=server.by(PLAIN), path=path, size=size)])
        bench.prepared.add((server.name, path))


def commands(endpoint: Endpoint, lines: Sequence[str], *codes: str) -> None:
    """In a session of their own, each answered by one of the codes; raises UnexpectedReply."""
    control = Control(endpoint)
    try:
        control.login()
        for line in lines:
            control.ask(line, *codes)
        control.quit()
    finally:
        control.close()
