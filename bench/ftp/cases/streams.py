"""Large files: one stream, and several at once; plain and under TLS."""

from collections.abc import Sequence
from functools import partial

from bench.ftp.other_clients import run_commands
from bench.ftp.runs import run_checked
from bench.ftp.seeding import commands, seed_one
from bench.ftp.ways import PLAIN, way
from bench.harness.accounting import touch_memory
from bench.harness.clients.jobs import Job
from bench.harness.figures import Kind, Sample
from bench.harness.measuring import throughput
from bench.harness.plan import Bench, Case
from bench.harness.servers.running import Running

BIG = "big"
WORDS = {"down": "download", "up": "upload"}


def size_of(bench: Bench, streams: int) -> int:
    """Two streams move the whole file each; more share what two would move, so that memory holds it."""
    return bench.plan.size if streams <= 2 else bench.plan.size * 2 // streams


def stream(bench: Bench, server: Running, *, case: str, what: str, streams: int, is_tls: bool) -> list[Sample]:
    endpoint = server.by(way(is_tls=is_tls))
    size = size_of(bench, streams)
    if what == "down":
        paths = [f"{BIG}-{size}"] * streams
        seed_one(bench, server, paths[0], size)
    else:
        paths = [f"up-{number}" for number in range(streams)]
        touch_memory(streams * size * 11 // 10, bench.scratch)
    jobs = [Job(what=what, endpoint=endpoint, path=path, size=size) for path in paths]
    run = run_commands(bench, server, jobs) if bench.client else run_checked(bench, server, jobs)
    if what == "up":
        commands(server.by(PLAIN), [f"DELE {path}" for path in paths], "250")
    return [throughput(case, server.name, run)]


def stream_case(what: str, *, streams: int = 1, is_tls: bool = False) -> Case:
    case = what + (f"-{streams}" if streams > 1 else "") + ("-tls" if is_tls else "")
    title = WORDS[what].capitalize() + (", TLS" if is_tls else "") + (f", {streams} streams" if streams > 1 else "")
    return Case(
        name=case,
        kinds=[Kind(case=case, title=title, unit="MB/s", per="GiB")],
        measure=partial(stream, case=case, what=what, streams=streams, is_tls=is_tls),
    )


def stream_cases() -> Sequence[Case]:
    single = [stream_case(what, is_tls=is_tls) for is_tls in (False, True) for what in WORDS]
    return single + [stream_case(what, streams=streams) for streams in (2, 8) for what in WORDS]
