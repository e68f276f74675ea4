"""Secrets at rest."""

import os
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.adapters.host.sealing import AesGcmSealer, KeyUnusable, SealingKey, load_key, load_or_create_key
from crossdock.ports.host import SealBroken


def key(n=1):
    return SealingKey(key_id=f"key{n}", secret=bytes([n]) * 32)


@given(st.binary(), st.text())
def test_what_was_sealed_is_unsealed_in_its_place_only(plaintext, context):
    sealer = AesGcmSealer(key())
    sealed = sealer.seal(plaintext, context=context)
    assert sealer.unseal(sealed, context=context) == plaintext
    with pytest.raises(SealBroken):
        sealer.unseal(sealed, context=context + "x")


def test_the_same_text_never_looks_the_same():
    sealer = AesGcmSealer(key())
    assert len({sealer.seal(b"secret", context="a") for _ in range(100)}) == 100


def test_any_changed_character_breaks_the_seal():
    sealer = AesGcmSealer(key())
    sealed = sealer.seal(b"secret", context="a")
    for position in range(len(sealed)):
        for other in ("A", "B", "=", "é", ""):
            changed = sealed[:position] + other + sealed[position + 1 :]
            if changed != sealed:
                with pytest.raises(SealBroken):
                    sealer.unseal(changed, context="a")


@pytest.mark.parametrize("text", ["", "v1", "v1.", "v1.key1.", "v1.key1.AAAA", "v2.key1.AAAA", "\udcff", "secret"])
def test_what_was_never_sealed_is_broken(text):
    with pytest.raises(SealBroken):
        AesGcmSealer(key()).unseal(text, context="a")


def test_an_older_key_still_opens_what_it_sealed_and_seals_nothing_more():
    sealed = AesGcmSealer(key(1)).seal(b"secret", context="a")
    sealer = AesGcmSealer(key(2), older=[key(1)])
    assert sealer.unseal(sealed, context="a") == b"secret"
    assert sealer.seal(b"secret", context="a").startswith("v1.key2.")
    with pytest.raises(SealBroken, match="does not have"):
        AesGcmSealer(key(2)).unseal(sealed, context="a")


def test_nothing_shows_the_key():
    shown = repr(key(7)) + str(key(7)) + repr(AesGcmSealer(key(7)))
    assert key(7).secret.hex() not in shown
    assert repr(key(7).secret) not in shown


def test_a_key_is_made_once_and_readable_by_its_owner_only(tmp_path):
    path = tmp_path / "sealing.key"
    made = load_or_create_key(path)
    assert load_or_create_key(path) == load_key(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(made.secret) == 32
    assert made.key_id not in path.read_text()
    assert os.listdir(tmp_path) == ["sealing.key"]


def test_a_key_comes_from_the_entropy_that_was_given(tmp_path):
    numbers = count(1)
    made = load_or_create_key(tmp_path / "key", entropy=lambda size: bytes([next(numbers)]) * size)
    assert made.secret == b"\x01" * 32


def test_a_key_file_that_others_may_read_is_refused(tmp_path):
    load_or_create_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        load_or_create_key(tmp_path / "key")


@pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "zz" * 32])
def test_a_key_file_with_something_else_in_it_is_refused_without_showing_it(tmp_path, text):
    (tmp_path / "key").write_text(text)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(KeyUnusable) as refused:
        load_key(tmp_path / "key")
    assert "64 hex digits" in str(refused.value)
    assert not text or text not in str(refused.value)


def test_a_key_that_cannot_be_read_or_made_is_refused(tmp_path):
    with pytest.raises(KeyUnusable, match="cannot read"):
        load_key(tmp_path / "missing")
    with pytest.raises(KeyUnusable, match="cannot make"):
        load_or_create_key(tmp_path / "missing" / "key")
