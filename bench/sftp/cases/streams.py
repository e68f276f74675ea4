"""Large files by stock clients: one stream and two, with either cipher."""

import os
from collections.abc import Sequence
from functools import partial

from bench.harness.accounting import touch_memory
from bench.harness.clients.jobs import ClientFailed
from bench.harness.figures import Kind, Sample
from bench.harness.measuring import throughput
from bench.harness.plan import Bench, Case
from bench.harness.seeding import source_file
from bench.harness.servers.running import Running
from bench.sftp.seeding import seed_one
from bench.sftp.stock import LFTP, SFTP, Stock, Talk, run_stock
from bench.sftp.ways import AES, CHACHA

BIG = "big"
WORDS = {"down": "Download", "up": "Upload"}


def stream(
    bench: Bench, server: Running, *, case: str, what: str, way: str, streams: int = 1, stock: Stock = SFTP
) -> list[Sample]:
    size, endpoint = bench.plan.size, server.by(way)
    if what == "down":
        seed_one(bench, server, BIG, size)
        works = [[stock.download.format(remote=BIG, local=os.devnull)]] * streams
        run = run_stock(bench, server, endpoint, works, stock=stock, nbytes=size)
    else:
        source = source_file(bench.scratch, size)
        touch_memory(streams * size * 11 // 10, bench.scratch)
        names = [f"up-{number}" for number in range(streams)]
        works = [[stock.upload.format(local=source, remote=name)] for name in names]
        check = partial(check_and_remove, stock=stock, names=names, size=size)
        run = run_stock(bench, server, endpoint, works, stock=stock, nbytes=size, check=check)
    return [throughput(case, server.name, run)]


def check_and_remove(session: Talk, *, stock: Stock, names: Sequence[str], size: int) -> None:
    """Raises ClientFailed when what was uploaded has another size."""
    for name in names:
        listed = session.ask(stock.listing.format(remote=name))
        if not any(str(size) in line.split() for line in listed):
            raise ClientFailed(f"{name} does not have {size} bytes: {listed}")
        session.ask(f"rm {name}")


def stream_case(case: str, title: str, *, what: str, way: str = AES, streams: int = 1, stock: Stock = SFTP) -> Case:
    return Case(
        name=case,
        kinds=[Kind(case=case, title=title, unit="MB/s", per="GiB")],
        measure=partial(stream, case=case, what=what, way=way, streams=streams, stock=stock),
    )


def stream_cases() -> Sequence[Case]:
    found = [stream_case(f"sftp-{what}", f"{word}, {AES}", what=what) for what, word in WORDS.items()]
    for what, word in WORDS.items():
        found.append(stream_case(f"sftp-{what}-chacha20", f"{word}, {CHACHA}", what=what, way=CHACHA))
    for what, word in WORDS.items():
        found.append(stream_case(f"sftp-{what}-2", f"{word}, {AES}, 2 clients", what=what, streams=2))
    for what, word in WORDS.items():
        found.append(stream_case(f"sftp-{what}-lftp", f"{word}, {AES}, by lftp", what=what, stock=LFTP))
    return found
