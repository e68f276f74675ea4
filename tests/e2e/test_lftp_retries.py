"""lftp, which tries again by itself when S3 fails an upload: what it then sends must never be taken for the file.

Two habits of lftp 4.9.2: a file that it has sent whole, and that is answered with a 4xx, it sends again cut to 192 KiB,
and waits for ever; and it goes on from the size that the server tells, also where that is an older file's.
"""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests.e2e.aws_cloud import Cloud, open_cloud
from tests.e2e.harness import lftp, until
from tests.e2e.s3_fronts import Front, embedded_front
from tests.fakes.s3_fault_proxy import Deed, Fault

MIB = 1 << 20
NEW, OLD = os.urandom(24 * MIB + 12_345), os.urandom(10 * MIB)
PATIENCE = {"s3_attempts": 3, "s3_timeout_s": 2.0}
APPENDING = {"CROSSDOCK_FTP_ALLOW_APPEND": "true"}
RESUMING = {"CROSSDOCK_UPLOADS_INTERRUPTED": "resume"}
SLOWLY = "set net:limit-rate 0:12000000; "
"""So that an upload fails while lftp still sends."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with open_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="module", params=[{}, APPENDING, RESUMING], ids=["default", "append", "resume"])
def front(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Front]:
    with embedded_front(cloud, tmp_path_factory.mktemp("front"), aws=PATIENCE, variables=request.param) as front:
        yield front


@pytest.fixture
def waiting(request: pytest.FixtureRequest) -> int:
    """How many uploads may wait in S3 for their user to go on with them, when one could not be completed."""
    return int("resume" in request.node.callspec.id)


def put(front: Front, folder: Path, *, settings: str = "") -> CompletedProcess[str]:
    (folder / "file").write_bytes(NEW)
    script = f"set ftp:ssl-allow no; set net:max-retries 3; {settings}put file -o file"
    return lftp(*front.ftp, front.user, front.password, script, cwd=folder)


@pytest.mark.parametrize("settings", ["", "set ftp:use-allo yes; "], ids=["plain", "allo"])
def test_a_commit_that_fails_is_an_error_and_the_old_file_stays(
    front: Front, tmp_path: Path, settings: str, waiting: int
) -> None:
    front.put("file", OLD)
    front.proxy.begin(Fault(Deed.ERROR, kind="CompleteMultipartUpload"))
    done = put(front, tmp_path, settings=settings)
    assert front.proxy.has_struck
    assert (done.returncode, "551 The store failed" in done.stderr) == (1, True), done.stderr
    assert front.content("file") == OLD
    assert len(front.open_uploads()) <= waiting


def test_a_file_that_was_not_there_is_still_not_there(front: Front, tmp_path: Path, waiting: int) -> None:
    front.delete("file")
    front.proxy.begin(Fault(Deed.ERROR, kind="CompleteMultipartUpload"))
    assert put(front, tmp_path).returncode == 1
    assert front.content("file") is None
    assert len(front.open_uploads()) <= waiting


def test_no_end_of_the_new_file_is_put_behind_the_old_one(front: Front, tmp_path: Path, waiting: int) -> None:
    front.put("file", OLD)
    front.proxy.begin(Fault(Deed.ERROR, kind="UploadPart", times=PATIENCE["s3_attempts"]))
    done = put(front, tmp_path, settings=SLOWLY)
    assert front.proxy.has_struck
    found = front.content("file")
    assert found is not None
    # Which it is: lftp starts anew when it sees the data connection break first, and gives up when it sees the reply.
    assert sha256(found).digest() == sha256(NEW if done.returncode == 0 else OLD).digest(), done.stderr
    until("what nobody may go on with is aborted", lambda: len(front.open_uploads()) <= waiting)
