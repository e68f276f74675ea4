"""What AWS does not offer, turned on in a real service on a real disk: appending, resuming, renaming directories."""

import ftplib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.clients import able
from tests.e2e.harness import start_service
from tests.e2e.quay import BUCKET, USER, Quay, open_quay

SETTINGS = {"CROSSDOCK_FTP_ALLOW_APPEND": "true", "CROSSDOCK_FTP_RENAME_DIRECTORIES": "true"}
MIB = 1 << 20


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    with open_quay(tmp_path_factory.mktemp("quay"), variables=SETTINGS, with_sftp=True) as quay:
        yield quay


@pytest.fixture
def ftp(quay: Quay) -> Iterator[ftplib.FTP]:
    with ftplib.FTP() as ftp:
        ftp.connect(quay.address, quay.port, timeout=30)
        ftp.login(USER, quay.password)
        yield ftp


@pytest.mark.parametrize("size", [100, 40 * MIB + 1])
def test_files_grow_and_are_continued(quay: Quay, ftp: ftplib.FTP, size: int) -> None:
    old, new, newer = os.urandom(size), os.urandom(3 * MIB), os.urandom(10)
    ftp.storbinary("STOR file", io.BytesIO(old))
    ftp.storbinary("APPE file", io.BytesIO(new))
    assert quay.content("file") == old + new
    ftp.storbinary("STOR file", io.BytesIO(newer), rest=size + 1)
    assert quay.content("file") == old + new[:1] + newer
    with pytest.raises(ftplib.error_perm, match="554"):
        ftp.storbinary("STOR file", io.BytesIO(newer), rest=size + 12)
    assert quay.content("file") == old + new[:1] + newer
    assert quay.open_uploads() == []


def test_a_file_in_parts_is_continued(quay: Quay, ftp: ftplib.FTP) -> None:
    parts = os.urandom(5 * MIB), os.urandom(MIB)
    upload = {"Bucket": BUCKET, "Key": "parts"}
    upload["UploadId"] = quay.s3.create_multipart_upload(**upload)["UploadId"]
    tags = [
        {"PartNumber": number, "ETag": quay.s3.upload_part(**upload, PartNumber=number, Body=part)["ETag"]}
        for number, part in enumerate(parts, start=1)
    ]
    quay.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": tags})
    ftp.storbinary("APPE parts", io.BytesIO(b"more"))
    assert quay.content("parts") == b"".join(parts) + b"more"


def test_a_directory_is_renamed(quay: Quay, ftp: ftplib.FTP) -> None:
    for number in range(30):
        quay.put(f"old/{number % 3}/{number}", str(number).encode())
    ftp.rename("old", "new")
    assert quay.keys("old/") == []
    assert len(quay.keys("new/")) == 30
    assert quay.content("new/2/29") == b"29"


def test_what_an_upload_was_to_replace_is_not_gone_on_with_after_a_restart(tmp_path: Path) -> None:
    old, new = b"the old file", b"the new file, which is longer"
    settings = {**SETTINGS, "CROSSDOCK_DRAIN_TIMEOUT": "0"}
    with open_quay(tmp_path, variables=settings) as quay, ftplib.FTP() as ftp:
        quay.put("file", old)
        ftp.connect(quay.address, quay.port, timeout=30)
        ftp.login(USER, quay.password)
        data = ftp.transfercmd("STOR file")
        data.sendall(new[:20])
        quay.service.stop()
        ftp.close()  # else it would say QUIT, and wait for an answer
    data.close()
    with start_service(tmp_path / "data", variables=settings) as service, ftplib.FTP() as ftp:
        ftp.connect(*service.ftp_endpoint(quay.server_id), timeout=30)
        ftp.login(USER, quay.password)
        for command, rest in (("STOR file", len(old)), ("APPE file", None)):
            with pytest.raises(ftplib.error_perm, match="554"):
                ftp.storbinary(command, io.BytesIO(new[len(old) :]), rest=rest)
        ftp.storbinary("STOR file", io.BytesIO(new[:20]))
        ftp.storbinary("APPE file", io.BytesIO(new[20:]))
        assert service.client("hub", "s3").get_object(Bucket=BUCKET, Key="file")["Body"].read() == new


@able("resume_upload")
@pytest.mark.parametrize("there", [1, 3 * MIB - 1])
def test_an_upload_over_sftp_goes_on_where_it_stopped(quay: Quay, client: Any, tmp_path: Path, there: int) -> None:
    """What is there already is other bytes, so that it shows that they were not sent again."""
    content = os.urandom(3 * MIB)
    (tmp_path / "file").write_bytes(content)
    quay.put(tmp_path.name, b"\0" * there)
    client.resume_upload(tmp_path / "file", tmp_path.name)
    assert quay.content(tmp_path.name) == b"\0" * there + content[there:]
    assert quay.open_uploads() == []


@able("rename")
def test_any_client_renames_a_directory(quay: Quay, client: Any, tmp_path: Path) -> None:
    old, new = f"{tmp_path.name}-old", f"{tmp_path.name}-new"
    for number in range(5):
        quay.put(f"{old}/{number}/file", str(number).encode())
    client.rename(old, new)
    assert quay.keys(f"{old}/") == []
    assert [quay.content(key) for key in quay.keys(f"{new}/")] == [b"0", b"1", b"2", b"3", b"4"]


@able("append")
def test_a_file_grows_over_sftp(quay: Quay, client: Any, tmp_path: Path) -> None:
    (tmp_path / "more").write_bytes(b"more")
    client.append(tmp_path / "more", tmp_path.name)
    client.append(tmp_path / "more", tmp_path.name)
    assert quay.content(tmp_path.name) == b"moremore"
