"""The null S3 as a process of its own, against boto3; and what is told to servers and clients of an S3."""

import os
import socket
import stat
from contextlib import ExitStack
from dataclasses import dataclass, field
from mmap import MAP_PRIVATE, mmap

import pytest
from bench.ftp.servers.certificate import make_certificate
from bench.harness.clients.jobs import Endpoint, Outcome
from bench.harness.figures import CROSSDOCK
from bench.harness.measuring import Clock
from bench.harness.plan import Bench, Plan
from bench.harness.servers.running import Running
from bench.s3.cases.memory import own_memory_kib, watched
from bench.s3.cases.streams import stream_cases
from bench.s3.seeding import SMALL, big_of, seed
from bench.s3.servers.aws_cli import environment_for
from bench.s3.servers.endpoints import S3Place, meter_of_all, missing, places_in, write_places
from bench.s3.starting import s3_client, start_stub
from bench.s3.stub.shelf import KEPT_BYTES, SIZE_HEADER, Asked, Shelf
from bench.s3.suite import S3
from bench.s3.ways import BUCKET, RGW, STUB, STUB_TLS
from botocore.exceptions import ClientError

MIB = 1 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With a null S3 that runs."""
    folder = tmp_path_factory.mktemp("null")
    make_certificate(folder)
    with ExitStack() as stack:
        write_places(folder, start_stub(folder, stack))
        yield folder


@pytest.fixture(params=[STUB, STUB_TLS])
def s3(folder, request):
    return s3_client(folder, request.param)


def test_a_small_object_comes_back_as_it_was(s3):
    s3.put_object(Bucket=BUCKET, Key="a//b ü", Body=b"small")
    assert s3.get_object(Bucket=BUCKET, Key="a//b ü")["Body"].read() == b"small"
    assert s3.get_object(Bucket=BUCKET, Key="a//b ü", Range="bytes=1-2")["Body"].read() == b"ma"
    s3.delete_object(Bucket=BUCKET, Key="a//b ü")
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=BUCKET, Key="a//b ü")
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=BUCKET, Key="a//b ü")


def test_of_a_large_object_only_the_size_is_known(s3):
    s3.put_object(Bucket=BUCKET, Key="large", Body=b"x" * (3 * MIB + 5))
    assert s3.head_object(Bucket=BUCKET, Key="large")["ContentLength"] == 3 * MIB + 5
    answer = s3.get_object(Bucket=BUCKET, Key="large", Range=f"bytes={2 * MIB}-{9 * MIB}")
    assert answer["ContentRange"] == f"bytes {2 * MIB}-{3 * MIB + 4}/{3 * MIB + 5}"
    assert answer["Body"].read() == bytes(MIB + 5)
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket=BUCKET, Key="large", Range=f"bytes={4 * MIB}-")


def test_an_upload_in_parts_is_as_large_as_they_are_together(s3):
    begun = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")
    upload = {"Bucket": BUCKET, "Key": "parts", "UploadId": begun["UploadId"]}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(PartNumber=number, Body=body, **upload)["ETag"]}
        for number, body in ((1, bytes(2 * MIB)), (2, b"the rest"))
    ]
    s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **upload)
    assert s3.head_object(Bucket=BUCKET, Key="parts")["ContentLength"] == 2 * MIB + 8
    begun = s3.create_multipart_upload(Bucket=BUCKET, Key="never")
    s3.abort_multipart_upload(Bucket=BUCKET, Key="never", UploadId=begun["UploadId"])
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_a_directory_is_listed(s3):
    for key in ("listed/a&b", "listed/d/one", "listed/d/two"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"1")
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix="listed/", Delimiter="/")
    assert [item["Key"] for item in found["Contents"]] == ["listed/a&b"]
    assert [item["Prefix"] for item in found["CommonPrefixes"]] == ["listed/d/"]
    assert len(s3.list_objects_v2(Bucket=BUCKET, Prefix="listed/")["Contents"]) == 3


def test_a_body_in_chunks_is_thrown_away_to_its_end(folder):
    host, _, port = places_in(folder)[STUB].url.removeprefix("http://").partition(":")
    head = "PUT /bench/chunks HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX-Amz-Decoded-Content-Length: 7\r\n\r\n"
    body = "5\r\nabcde\r\n20001\r\n" + "x" * 0x20001 + "\r\n0\r\n\r\n"
    with socket.create_connection((host, int(port))) as link, link.makefile("rb") as answers:
        for _ in range(2):
            link.sendall((head + body).encode())
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            while answers.readline() != b"\r\n":
                pass
    assert s3_client(folder, STUB).head_object(Bucket=BUCKET, Key="chunks")["ContentLength"] == 7


def test_a_client_that_asks_first_is_invited(folder):
    host, _, port = places_in(folder)[STUB].url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as link, link.makefile("rb") as answers:
        link.sendall(b"PUT /bench/asked HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        assert [answers.readline(), answers.readline()] == [b"HTTP/1.1 100 Continue\r\n", b"\r\n"]
        link.sendall(b"x")
        assert answers.readline() == b"HTTP/1.1 200 OK\r\n"


def test_an_object_of_any_size_is_made_without_its_bytes():
    shelf = Shelf()
    shelf.answer(Asked(method="PUT", target="/b/k", headers={SIZE_HEADER: str(1 << 40)}), 0, b"")
    said = shelf.answer(Asked(method="GET", target="/b/k"), 0, b"")
    assert (said.zeros, f"Content-Length: {1 << 40}" in said.head().decode()) == (1 << 40, True)
    assert KEPT_BYTES < 1 << 40


def test_what_is_read_lies_there_before_a_server_looks(folder):
    plan = Plan(size=5 * MIB, small_files=3, small_size=10)
    bench = Bench(plan=plan, scratch=folder, disk=folder, start=None, client_module="")
    for _ in range(2):
        seed(bench, STUB)
    s3 = s3_client(folder, STUB)
    assert s3.head_object(Bucket=BUCKET, Key=big_of(5 * MIB))["ContentLength"] == 5 * MIB
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{SMALL}/")["Contents"]
    assert [(item["Key"], item["Size"]) for item in found] == [(f"{SMALL}/00000{n}", 10) for n in range(3)]


PLACES = {
    RGW: S3Place(url="http://127.0.0.1:1", access_key="AK", secret_key="open-sesame", processes=(7, 8)),
    STUB_TLS: S3Place(url="https://127.0.0.1:2", access_key="AK", secret_key="x", ca_file="/ca.pem", processes=(8,)),
}


def test_all_servers_of_a_run_know_where_the_s3s_are(tmp_path):
    write_places(tmp_path, PLACES)
    assert places_in(tmp_path) == PLACES
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert set(missing(PLACES)) == {STUB}
    assert meter_of_all(PLACES).roots == [7, 8]
    assert "open-sesame" not in repr(PLACES)


def test_the_bare_client_has_nothing_of_ours_and_no_secret_but_by_file(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    write_places(tmp_path, PLACES)
    plain, tls = environment_for(tmp_path, RGW), environment_for(tmp_path, STUB_TLS)
    assert not {"mine", "open-sesame"} & set(plain.values())
    assert tls["AWS_CA_BUNDLE"] == "/ca.pem"
    assert "AWS_CA_BUNDLE" not in plain


@dataclass
class Counting:
    """A meter that shows one value after the other."""

    values: list[float] = field(default_factory=list)

    def cpu_s(self):
        return self.values.pop(0)


def test_what_the_s3_works_is_neither_the_servers_nor_a_strangers():
    def foreign(*, beside):
        server = Running(name=CROSSDOCK, version="", ways={}, meter=Counting([1.0, 3.0]), roots=[], beside=beside)
        run = Clock(server).run([Outcome(began=0, ended=1, began_at=0, nbytes=1, cpu_s=0.5)])
        assert run.server_cpu_s == 2.0
        return run.foreign

    assert foreign(beside=Counting([10.0, 10_000.0])) == 0.0
    assert foreign(beside=None) >= 0.0


def test_the_most_memory_that_was_seen_is_told():
    before = own_memory_kib(os.getpid())
    # The allocator might give memory that the process has already.
    with mmap(-1, 64 * MIB, flags=MAP_PRIVATE) as held, watched(os.getpid()) as peak:
        held.write(b"x" * len(held))
    assert peak.kib - before > 64 * MIB / 1024 * 0.9


def test_a_gateways_cpu_is_a_figure_of_its_own_only_where_the_s3_costs_nothing():
    with_cpu = [case.name for case in stream_cases() if len(case.kinds) == 2]
    assert with_cpu == ["s3-up-null", "s3-down-null"]
    figures = {kind.case for case in S3.cases(S3.plan) for kind in case.kinds}
    assert {target.case for target in S3.targets} <= figures


def test_an_s3_that_is_not_here_is_told_in_words():
    lacking = Running(
        name=CROSSDOCK,
        version="",
        ways={STUB: Endpoint(host="", port=0, user="")},
        missing=missing({STUB: PLACES[RGW]}),
        meter=None,
        roots=[],
    )
    with pytest.raises(Exception, match="scripts/install-rgw"):
        lacking.by(RGW)
