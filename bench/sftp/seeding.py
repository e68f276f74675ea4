"""What is on a server before a run."""

from bench.harness.clients.jobs import Job
from bench.harness.measuring import run_jobs
from bench.harness.plan import Bench
from bench.harness.seeding import SEEDING_SESSIONS, source_file, write_files
from bench.harness.servers.running import Running
from bench.sftp.stock import SFTP, run_stock, talk
from bench.sftp.ways import AES


def seed(bench: Bench, server: Running, folder: str, count: int, size: int) -> None:
    """`count` files of `size` bytes in a directory, a multiple of four; see `write_files`."""
    if (server.name, folder) in bench.prepared:
        return
    each = count // SEEDING_SESSIONS
    if server.content is None:
        endpoint = server.by(AES)
        with talk(SFTP, endpoint, bench.scratch) as session:
            session.ask(f"mkdir {folder}")
        jobs = [
            Job(what="small-up", endpoint=endpoint, path=f"{folder}/{part}", size=size, count=each)
            for part in range(SEEDING_SESSIONS)
        ]
        run_jobs(bench, server, jobs)
    else:
        write_files(server.content / folder, each, size)
    bench.prepared.add((server.name, folder))


def seed_one(bench: Bench, server: Running, name: str, size: int) -> None:
    """One file, uploaded."""
    if (server.name, name) not in bench.prepared:
        source = source_file(bench.scratch, size)
        run_stock(bench, server, server.by(AES), [[f"put {source} {name}"]], nbytes=size)
        bench.prepared.add((server.name, name))
