"""Certificates in files: read when they change, and the last good ones kept."""

import os
from pathlib import Path

import pytest
from tests.fakes.acm import make_server
from tests.fakes.sockets import no_descriptor_left
from tests.fakes.x509 import Pair, issued_by, self_signed

from crossdock.adapters.host.certificate_files import CertificateFiles, load_certificate_files
from crossdock.ports.certificates import CertificateUnavailable

SERVER, OTHER = make_server("s-" + "0" * 17), make_server("s-" + "1" * 17)


def put(path: Path, content: bytes, *, mode: int = 0o600) -> Path:
    """Replace a file as certbot does, so that no two states of it look alike."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content)
    fresh.chmod(mode)
    fresh.replace(path)
    return path


def write(folder: Path, pair: Pair, *, chain: bytes = b"", name: str = "own") -> tuple[Path, Path]:
    return put(folder / f"{name}.pem", pair.body + chain), put(folder / f"{name}.key", pair.key)


async def test_a_server_has_its_own_files_and_others_those_of_all(tmp_path):
    own, general = self_signed("own.example.com"), self_signed("all.example.com")
    files = CertificateFiles({SERVER.server_id: write(tmp_path, own), "*": write(tmp_path, general, name="all")})
    assert (await files.certificate(SERVER)).chain_pem.encode() == own.body
    assert (await files.certificate(OTHER)).chain_pem.encode() == general.body


async def test_a_server_without_files_is_not_covered(tmp_path):
    files = CertificateFiles({SERVER.server_id: write(tmp_path, self_signed())})
    assert files.cover(SERVER.server_id)
    assert not files.cover(OTHER.server_id)
    with pytest.raises(CertificateUnavailable, match="no certificate files"):
        await files.certificate(OTHER)


async def test_a_chain_is_shown_whole_and_the_key_is_in_no_repr(tmp_path):
    root = self_signed("Root", is_ca=True)
    leaf = issued_by(root)
    files = CertificateFiles({"*": write(tmp_path, leaf, chain=root.body)})
    found = await files.certificate(SERVER)
    assert found.chain_pem.encode() == leaf.body + root.body
    assert found.key_pem.encode() == leaf.key
    assert found.key_pem not in repr(found)


async def test_unchanged_files_are_not_read_again_and_changed_ones_are(tmp_path):
    paths = write(tmp_path, self_signed("old.example.com"))
    files = CertificateFiles({"*": paths})
    first = await files.certificate(SERVER)
    assert await files.certificate(SERVER) is first
    write(tmp_path, self_signed("new.example.com"))
    second = await files.certificate(SERVER)
    assert second.fingerprint != first.fingerprint


async def test_half_a_change_leaves_the_last_good_ones_and_is_logged_once(tmp_path, caplog):
    chain, key = write(tmp_path, self_signed())
    files = CertificateFiles({"*": (chain, key)})
    first = await files.certificate(SERVER)
    fresh = self_signed("new.example.com")
    put(chain, fresh.body)
    assert await files.certificate(SERVER) is first
    assert await files.certificate(SERVER) is first
    (line,) = [record.getMessage() for record in caplog.records]
    assert "the last good ones stay" in line
    assert "is not the key of the first certificate" in line
    put(key, fresh.key)
    assert (await files.certificate(SERVER)).chain_pem.encode() == fresh.body


async def test_files_that_vanish_leave_the_last_good_ones(tmp_path):
    chain, key = write(tmp_path, self_signed())
    files = CertificateFiles({"*": (chain, key)})
    first = await files.certificate(SERVER)
    chain.unlink()
    key.unlink()
    assert await files.certificate(SERVER) is first


async def test_what_was_put_right_counts_at_once(tmp_path):
    chain, key = write(tmp_path, self_signed())
    key.chmod(0o640)
    files = CertificateFiles({"*": (chain, key)})
    with pytest.raises(CertificateUnavailable, match=r"others may read the key file .* \(mode 0640\): chmod 600 it"):
        await files.certificate(SERVER)
    key.chmod(0o600)
    await files.certificate(SERVER)


async def test_files_that_could_not_be_read_once_are_read_again(tmp_path, caplog):
    paths = write(tmp_path, self_signed("old.example.com"))
    files = CertificateFiles({"*": paths})
    with no_descriptor_left(), pytest.raises(CertificateUnavailable, match="Too many open files"):
        await files.certificate(SERVER)
    first = await files.certificate(SERVER)
    fresh = self_signed("new.example.com")
    write(tmp_path, fresh)
    with no_descriptor_left():
        for _ in range(3):
            assert await files.certificate(SERVER) is first
    assert len(caplog.records) == 1
    assert (await files.certificate(SERVER)).chain_pem.encode() == fresh.body


async def test_what_cannot_be_used_is_said_in_a_sentence(tmp_path):
    pair = self_signed()
    chain, key = write(tmp_path, pair)
    nonsense = put(tmp_path / "nonsense", b"nonsense")
    locked = put(tmp_path / "locked", pair.locked_key)
    big = put(tmp_path / "big", b" " * ((1 << 20) + 1))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for paths, sentence in (
        ((tmp_path / "absent", key), "cannot read .*absent: No such file"),
        ((nonsense, key), "nonsense: there is no certificate in PEM"),
        ((chain, nonsense), "nonsense: there is no private key in PEM"),
        ((chain, locked), "locked: the private key is encrypted"),
        ((chain, put(tmp_path / "other", self_signed().key)), "other is not the key of the first certificate"),
        ((big, key), "is larger than"),
        ((tmp_path, key), "is not a file"),
        ((pipe, key), "is not a file"),
    ):
        with pytest.raises(CertificateUnavailable, match=sentence):
            load_certificate_files(*paths)
