"""What AWS does not offer, turned on in a real service on a real disk: appending, resuming, renaming directories."""

import ftplib
import io
import os
from collections.abc import Iterator

import pytest
from tests.e2e.quay import BUCKET, USER, Quay, open_quay

SETTINGS = {"CROSSDOCK_FTP_ALLOW_APPEND": "true", "CROSSDOCK_FTP_RENAME_DIRECTORIES": "true"}
MIB = 1 << 20


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    with open_quay(tmp_path_factory.mktemp("quay"), variables=SETTINGS) as quay:
        yield quay


@pytest.fixture
def client(quay: Quay) -> Iterator[ftplib.FTP]:
    with ftplib.FTP() as client:
        client.connect(quay.address, quay.port, timeout=30)
        client.login(USER, quay.password)
        yield client


@pytest.mark.parametrize("size", [100, 40 * MIB + 1])
def test_files_grow_and_are_continued(quay: Quay, client: ftplib.FTP, size: int) -> None:
    old, new, newer = os.urandom(size), os.urandom(3 * MIB), os.urandom(10)
    client.storbinary("STOR file", io.BytesIO(old))
    client.storbinary("APPE file", io.BytesIO(new))
    assert quay.content("file") == old + new
    client.storbinary("STOR file", io.BytesIO(newer), rest=size + 1)
    assert quay.content("file") == old + new[:1] + newer
    with pytest.raises(ftplib.error_perm, match="554"):
        client.storbinary("STOR file", io.BytesIO(newer), rest=size + 12)
    assert quay.content("file") == old + new[:1] + newer
    assert quay.open_uploads() == []


def test_a_file_in_parts_is_continued(quay: Quay, client: ftplib.FTP) -> None:
    parts = os.urandom(5 * MIB), os.urandom(MIB)
    upload = {"Bucket": BUCKET, "Key": "parts"}
    upload["UploadId"] = quay.s3.create_multipart_upload(**upload)["UploadId"]
    tags = [
        {"PartNumber": number, "ETag": quay.s3.upload_part(**upload, PartNumber=number, Body=part)["ETag"]}
        for number, part in enumerate(parts, start=1)
    ]
    quay.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": tags})
    client.storbinary("APPE parts", io.BytesIO(b"more"))
    assert quay.content("parts") == b"".join(parts) + b"more"


def test_a_directory_is_renamed(quay: Quay, client: ftplib.FTP) -> None:
    for number in range(30):
        quay.put(f"old/{number % 3}/{number}", str(number).encode())
    client.rename("old", "new")
    assert quay.keys("old/") == []
    assert len(quay.keys("new/")) == 30
    assert quay.content("new/2/29") == b"29"
