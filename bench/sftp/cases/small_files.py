"""Many files of 4 KiB by one command of the stock client, in one session."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.harness.clients.jobs import ClientFailed
from bench.harness.figures import Kind, Sample
from bench.harness.measuring import per_second
from bench.harness.plan import Bench, Case, Plan
from bench.harness.servers.running import Running
from bench.sftp.seeding import seed
from bench.sftp.stock import Talk, run_stock
from bench.sftp.ways import AES

FOLDER = "small"


def small_up(bench: Bench, server: Running, *, case: str) -> list[Sample]:
    plan = bench.plan
    check = partial(check_and_remove, count=plan.small_files)
    work = [f"put {small_sources(bench)}"]
    nbytes = plan.small_files * plan.small_size
    run = run_stock(bench, server, server.by(AES), [work], nbytes=nbytes, check=check)
    return [per_second(case, server.name, run, plan.small_files)]


def small_sources(bench: Bench) -> str:
    """A pattern of the files that are to be uploaded; they are written once."""
    plan, folder = bench.plan, bench.scratch / "small-sources"
    if not folder.exists():
        folder.mkdir()
        for number in range(plan.small_files):
            (folder / f"new-{number:06}").write_bytes(bytes(plan.small_size))
    return f"{folder}/new-*"


def check_and_remove(session: Talk, *, count: int) -> None:
    """Raises ClientFailed when not all are there."""
    found = [line for line in session.ask("ls -1 new-*") if line.startswith("new-")]
    if len(found) != count:
        raise ClientFailed(f"{len(found)} files are there instead of {count}")
    session.ask("rm new-*")


def small_down(bench: Bench, server: Running, *, case: str) -> list[Sample]:
    plan = bench.plan
    seed(bench, server, FOLDER, plan.small_files, plan.small_size)
    landing = bench.scratch / "landing"
    landing.mkdir(exist_ok=True)
    nbytes = plan.small_files * plan.small_size
    run = run_stock(bench, server, server.by(AES), [[f"get {FOLDER}/* {landing}/"]], nbytes=nbytes)
    take_away(landing, nbytes)
    return [per_second(case, server.name, run, plan.small_files)]


def take_away(landing: Path, nbytes: int) -> None:
    """Raises ClientFailed when not all of it has come."""
    found = list(landing.iterdir())
    came = sum(path.stat().st_size for path in found)
    for path in found:
        path.unlink()
    if came != nbytes:
        raise ClientFailed(f"{came} bytes came instead of {nbytes}")


def small_cases(plan: Plan) -> Sequence[Case]:
    title = f"{plan.small_files:,} files of {plan.small_size // 1024} KiB"
    return [
        Case(
            name=case,
            kinds=[Kind(case=case, title=f"{title} {word}", unit="files/s", per="file")],
            measure=partial(measure, case=case),
        )
        for case, word, measure in (("sftp-small-up", "up", small_up), ("sftp-small-down", "down", small_down))
    ]
