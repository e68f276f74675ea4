"""Clients that speak TLS from the first byte on (`ftps://`), on the port that is tagged for it."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.harness import CLEAN, run
from tests.e2e.quay import USER, Quay, open_quay

SOME = random.Random(3).randbytes(300_000)


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    with open_quay(tmp_path_factory.mktemp("quay"), is_tls_implicit=True) as running:
        # GnuTLS misses a session ticket that comes late, and wget can then resume nothing.
        details = {"TlsSessionResumptionMode": "ENABLED"}
        running.service.client("hub", "transfer").update_server(ServerId=running.server_id, ProtocolDetails=details)
        yield running


def curl(quay: Quay, url: str, into: Path) -> list[str]:
    return [
        "curl",
        "-q",
        "-sS",
        "--cacert",
        str(quay.certificate),
        "-u",
        f"{USER}:{quay.password}",
        "-o",
        str(into),
        url,
    ]


def wget(quay: Quay, url: str, into: Path) -> list[str]:
    login = [f"--user={USER}", f"--password={quay.password}", f"--ca-certificate={quay.certificate}"]
    return ["wget", "--no-config", "--tries=1", "--ftps-implicit", *login, "-O", str(into), url]


def lftp(quay: Quay, url: str, into: Path) -> list[str]:
    script = f"set ssl:ca-file {quay.certificate}; set net:max-retries 1; get {url} -o {into}; bye"
    return ["lftp", "--norc", "-e", script.replace("ftps://", f"ftps://{USER}:{quay.password}@")]


@pytest.mark.parametrize("client", [curl, wget, lftp])
def test_a_file_comes_down_whole_over_implicit_tls(quay: Quay, tmp_path: Path, client) -> None:
    quay.put("a b.csv", SOME)
    url = f"ftps://{quay.host}:{quay.port}/a%20b.csv"
    run(client(quay, url, tmp_path / "taken"), environment={**CLEAN, "HOME": str(tmp_path)})
    assert (tmp_path / "taken").read_bytes() == SOME


def test_curl_uploads_over_implicit_tls(quay: Quay, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(SOME)
    command = curl(quay, f"ftps://{quay.host}:{quay.port}/up.csv", tmp_path / "nothing")
    run([*command, "-T", str(tmp_path / "file")])
    assert quay.content("up.csv") == SOME
