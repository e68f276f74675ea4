"""Uploads that S3 refuses while their client still sends: programs read why, say it and end.

curl reads the reply when it has sent everything; lftp stops when it comes, and begins anew, again and again, when the
data connection breaks before.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import urlsplit

import pytest
from tests.e2e.aws_cloud import PASSWORD, SERVER_ID, USER, configuration, open_cloud
from tests.e2e.harness import lftp, run, start_service, until
from tests.fakes.certificates import self_signed
from tests.fakes.s3_fault_proxy import Deed, Fault, S3FaultProxy, answer, s3_fault_proxy_beside

CONTENT = os.urandom(40_000_000)
DENIED = answer(403, "AccessDenied")
SAID_BY_CURL = (18, "curl: (18) server did not report OK, got 550")
TLS = {"ftp": (), "ftps": ("--ssl-reqd", "--insecure")}
LFTP_TLS = {
    "ftp": "set ftp:ssl-allow no",
    "ftps": "set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:verify-certificate no",
}
protocols = pytest.mark.parametrize("protocol", TLS)
at_any_rate = pytest.mark.parametrize("rate", [0, 20_000_000], ids=["fast", "slow"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    address: tuple[str, int]
    proxy: S3FaultProxy
    file: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("refused")
    (folder / "chain.pem").write_text(self_signed().chain_pem)
    (folder / "key.pem").write_text(self_signed().key_pem)
    (folder / "key.pem").chmod(0o600)
    (folder / "file").write_bytes(CONTENT)
    with open_cloud(folder) as cloud:
        cloud.admit("s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads")
        api = urlsplit(cloud.service.api_url)
        config = configuration(cloud, folder, protocols=("FTP", "FTPS"))
        with s3_fault_proxy_beside(str(api.hostname), int(api.port or 0)) as proxy:
            variables = {
                **cloud.variables(),
                "AWS_ENDPOINT_URL_S3": proxy.url,
                "CROSSDOCK_FTPS_CERTIFICATES": f"*={folder / 'chain.pem'} {folder / 'key.pem'}",
            }
            with start_service(folder / "gateway", "--config", str(config), variables=variables) as gateway:
                yield Place(address=gateway.ftp_endpoint(SERVER_ID), proxy=proxy, file=folder / "file")


def refuse(place: Place) -> None:
    """From now on no part of a file is taken."""
    place.proxy.begin(Fault(Deed.ANSWER, kind="UploadPart", answer=DENIED))


def attempts(place: Place) -> int:
    return place.proxy.calls.count("CreateMultipartUpload")


def by_curl(place: Place, *options: str) -> CompletedProcess:
    host, port = place.address
    command = ["curl", "-q", "-sS", "--max-time", "50", "--config", "-", *options]
    url = f"ftp://{host}:{port}/file"
    return run([*command, "-T", str(place.file), url], input_text=f'user = "{USER}:{PASSWORD}"\n', check=False)


@protocols
@at_any_rate
def test_curl_reads_why_and_says_it(place: Place, protocol: str, rate: int) -> None:
    refuse(place)
    done = by_curl(place, *TLS[protocol], "--limit-rate", str(rate))
    assert place.proxy.has_struck
    assert (done.returncode, done.stderr.strip()) == SAID_BY_CURL
    assert attempts(place) == 1


@protocols
@at_any_rate
def test_lftp_says_why_and_sends_it_once(place: Place, tmp_path: Path, protocol: str, rate: int) -> None:
    refuse(place)
    script = f"set net:max-retries 5; {LFTP_TLS[protocol]}; set net:limit-rate 0:{rate}; put {place.file} -o file"
    done = lftp(*place.address, USER, PASSWORD, script, cwd=tmp_path)
    assert place.proxy.has_struck
    assert (done.returncode, "Access failed: 550 Permission denied. (file)" in done.stderr) == (1, True), done.stderr
    assert attempts(place) == 1


def test_the_next_upload_is_not_troubled(place: Place) -> None:
    refuse(place)
    assert by_curl(place).returncode == SAID_BY_CURL[0]
    until("what had come of it is gone", lambda: "AbortMultipartUpload" in place.proxy.calls)
    place.proxy.begin(None)
    done = by_curl(place)
    assert (done.returncode, done.stderr) == (0, "")
