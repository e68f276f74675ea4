"""Many uploads in a row, over FTP and FTPS: none may be lost, or short."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.quay import Quay, open_quay
from tests.e2e.scripted_clients import Lftp, Python

FILE_BYTES = 1 << 20
BLOCK = random.Random(2).randbytes(FILE_BYTES + 1000)


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    with open_quay(tmp_path_factory.mktemp("quay")) as running:
        yield running


def content(number: int) -> bytes:
    """Of one file: unlike any other's, and one mebibyte."""
    return number.to_bytes(4, "big") + BLOCK[number % 1000 :][: FILE_BYTES - 4]


def lose_nothing(client: Lftp | Python, directory: Path, count: int) -> None:
    quay = client.quay
    folder = directory.name
    quay.put(f"{folder}/", b"")
    files = [directory / f"{number}.bin" for number in range(count)]
    for number, file in enumerate(files):
        file.write_bytes(content(number))
    client.put(files, folder)
    assert set(quay.keys(f"{folder}/")) == {f"{folder}/", *(f"{folder}/{file.name}" for file in files)}
    for number, file in enumerate(files):
        assert quay.content(f"{folder}/{file.name}") == content(number), file.name


@pytest.mark.parametrize("protection", ["1.2", "1.3"])
def test_lftp_uploads_a_hundred_files_under_tls_and_none_is_short(quay: Quay, tmp_path: Path, protection: str) -> None:
    lose_nothing(Lftp(quay, protection, tmp_path, quay.password), tmp_path, 100)


@pytest.mark.soak
@pytest.mark.parametrize("protection", ["", "1.2", "1.3"])
@pytest.mark.parametrize("make", [Lftp, Python])
def test_a_thousand_files_go_up_and_none_is_short(
    quay: Quay, tmp_path: Path, make: type[Lftp] | type[Python], protection: str
) -> None:
    """In batches, so that they take no gigabyte here."""
    for batch in range(10):
        directory = tmp_path / f"{make.__name__}{protection}-{batch}"
        directory.mkdir()
        lose_nothing(make(quay, protection, directory, quay.password), directory, 100)
        for file in directory.iterdir():
            if file.is_file():
                file.unlink()
