"""An S3 or a client of it that fails costs its own figures, and leaves nothing running."""

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import TimeoutExpired

import pytest
from bench.__main__ import run
from bench.ftp.servers.certificate import make_certificate
from bench.harness.clients.jobs import Endpoint
from bench.harness.figures import CROSSDOCK, Kind, Sample
from bench.harness.plan import Bench, Case, Plan
from bench.harness.running_order import Results, measure
from bench.harness.servers.running import Running, Unavailable
from bench.s3 import starting
from bench.s3.cases.streams import stream
from bench.s3.seeding import seed
from bench.s3.servers.aws_cli import AWS_CLI, run_aws
from bench.s3.servers.endpoints import S3Place, places_in, write_places
from bench.s3.starting import start_stub, told_as_unavailable
from bench.s3.suite import S3
from bench.s3.ways import RGW, STUB
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, EndpointConnectionError

NOBODY = S3Place(url="http://127.0.0.1:1", access_key="AK", secret_key="x")
PLAN = Plan(size=1 << 20, small_files=1, small_size=10)


@dataclass
class Still:
    """A meter of what does nothing."""

    def cpu_s(self):
        return 0.0


@contextmanager
def running(program=""):
    ways = {STUB: Endpoint(host="http://127.0.0.1:1", port=0, user="", folder=str(program))}
    yield Running(name=AWS_CLI, version="1", ways=ways, meter=Still(), roots=[])


def bench_in(folder: Path) -> Bench:
    return Bench(plan=PLAN, scratch=folder, disk=folder, start=None, client_module="")


def program_in(folder: Path, script: str) -> Path:
    program = folder / "aws"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    "trouble",
    [
        AssertionError("radosgw: no"),
        TimeoutExpired("radosgw-admin", 60),
        ClientError({"Error": {"Code": "SlowDown"}}, "PutObject"),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
        S3UploadFailedError("no"),
        ConnectionRefusedError("no"),
    ],
)
def test_what_goes_wrong_with_an_s3_is_told_as_what_is_not_to_be_had(trouble):
    with pytest.raises(Unavailable, match="Ceph does not start: "), told_as_unavailable("Ceph does not start"):
        raise trouble


def test_an_s3_that_takes_nothing_costs_the_figures_that_need_it_and_no_others(tmp_path):
    write_places(tmp_path, {STUB: NOBODY})
    sample = Sample(case="other", server=AWS_CLI, value=1.0)

    def seeded(bench, server):
        seed(bench, STUB)
        return []

    kinds = [Kind(case="x", title="", unit="")]
    cases = [
        Case(name="s3", kinds=kinds, measure=seeded),
        Case(name="other", kinds=kinds, measure=lambda bench, server: [sample]),
    ]
    results = Results()
    bench = replace(bench_in(tmp_path), start=lambda name: running(), plan=replace(PLAN, runs=1))
    measure(bench, [AWS_CLI], cases, results)
    assert results.samples == [sample]
    assert "nothing can be put into" in results.problems[0]


def test_a_ceph_that_does_not_start_is_left_out(tmp_path, monkeypatch, capsys):
    @contextmanager
    def broken(directory):
        raise AssertionError("ceph-mon: no")
        yield

    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/radosgw").touch()
    monkeypatch.setattr(starting, "UNPACKED", tmp_path)
    monkeypatch.setattr(starting, "ceph_rgw", broken)
    folder = tmp_path / "run"
    folder.mkdir()
    with ExitStack() as stack:
        starting.prepare(folder, stack)
    assert RGW not in places_in(folder)
    assert "Ceph's S3 gateway does not start: ceph-mon: no" in capsys.readouterr().err


def test_a_suite_that_cannot_go_on_leaves_the_results_of_the_others():
    sample = Sample(case="good", server=CROSSDOCK, value=1.0)
    case = Case(name="good", kinds=[], measure=lambda bench, server: [sample])

    def unprepared(folder, stack):
        raise Unavailable("the null S3 ended at once")

    good = replace(S3, name="good", prepare=lambda folder, stack: {}, crossdock=lambda *_, **__: running(), peers={})
    bad = replace(good, name="bad", prepare=unprepared)
    told = Told()
    measured = run(told, [bad, good, bad], {"bad": [case], "good": [case]})
    assert [each.results.samples for each in measured] == [[], [sample], []]
    assert "ended early: the null S3 ended at once" in measured[0].results.problems[-1]
    with pytest.raises(Unavailable):
        run(replace(told, profile=True), [bad], {"bad": [case]})


@dataclass(frozen=True)
class Told:
    """What the command line says."""

    quick: bool = True
    runs: int = 1
    profile: bool = False
    serve_args: str = ""
    disk: Path = Path("/")
    client: str = ""
    peers: None = None


def test_a_client_that_is_broken_off_does_not_go_on(tmp_path):
    write_places(tmp_path, {STUB: NOBODY})
    pid = tmp_path / "pid"
    # Words that cannot be read stand for any interruption, and come when they are waited for.
    program = program_in(tmp_path, f"echo $$ > {pid}; printf '\\377' >&2; exec 2>&-; exec sleep 600")
    with running(program) as server, pytest.raises(UnicodeDecodeError):
        run_aws(bench_in(tmp_path), server, what="down", way=STUB)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_cephs_garbage_is_nothing_to_uploads_that_went_elsewhere(tmp_path):
    make_certificate(tmp_path)
    with ExitStack() as stack:
        places = start_stub(tmp_path, stack)
        # A Ceph that cannot be asked for anything.
        write_places(tmp_path, {RGW: NOBODY, **places})
        with running(program_in(tmp_path, "exit 0")) as server:
            [sample] = stream(bench_in(tmp_path), server, case="s3-up-null-tls", what="up", way=STUB)
    assert sample.server == AWS_CLI
