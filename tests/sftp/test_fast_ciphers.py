"""What the fast ciphers seal asyncssh opens, and the other way round, in turns and under the same keys."""

import os

import pytest
from asyncssh.encryption import Encryption, get_encryption, get_encryption_algs, get_encryption_params
from asyncssh.mac import get_mac_algs
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.sftp.fast_ciphers import HEADROOM, KINDS, opener_for, sealer_for

OWN_MAC = (b"chacha20-poly1305@openssh.com", b"aes256-gcm@openssh.com", b"aes128-gcm@openssh.com")
MACS = [mac for mac in get_mac_algs() if b"md5" not in mac]
SUITES = [(cipher, b"") for cipher in OWN_MAC]
SUITES += [(b"aes128-ctr", mac) for mac in MACS]
SUITES += [(cipher, b"hmac-sha2-256") for cipher in (b"aes192-ctr", b"aes256-ctr", b"aes256-cbc")]
SUITES += [(b"aes256-cbc", b"hmac-sha2-512-etm@openssh.com")]
PAYLOADS = st.binary(min_size=1, max_size=700)
IDS = [b"/".join(suite).decode() for suite in SUITES]


class Direction:
    """One direction of a connection: the same keys at both ends, and what asyncssh knows of them."""

    def __init__(self, cipher: bytes, mac: bytes) -> None:
        key_size, iv_size, block, mac_key_size, self.mac_size, self.is_etm = get_encryption_params(cipher, mac)
        key, iv, mac_key = os.urandom(key_size), os.urandom(iv_size), os.urandom(mac_key_size)
        self._new = lambda: get_encryption(cipher, key, iv, mac, mac_key, self.is_etm)
        self.block = max(8, block)

    def encryption(self) -> Encryption:
        return self._new()

    def packet(self, payload: bytes) -> bytes:
        """Padding length, payload, padding (RFC 4253 §6)."""
        size = -((1 if self.is_etm else 5) + len(payload)) % self.block
        size += self.block if size < 4 else 0
        return bytes([size]) + payload + os.urandom(size)

    def opened_by_asyncssh(self, encryption: Encryption, seq: int, sealed: bytes) -> bytes | None:
        first, length = encryption.decrypt_header(seq, sealed[: self.block], 4)
        end = 4 + int.from_bytes(length, "big")
        assert len(sealed) == end + self.mac_size
        return encryption.decrypt_packet(seq, first, sealed[self.block : end], 4, sealed[end:])


def seal(sealer, seq: int, packet: bytes, at: int = 3) -> bytes:
    plain = bytearray(len(packet).to_bytes(4, "big") + packet + bytes(HEADROOM))
    out = bytearray(at + len(packet) + HEADROOM)
    end = sealer.seal(seq, memoryview(plain), len(packet), memoryview(out), at)
    return bytes(out[at:end])


def opened(opener, seq: int, sealed: bytes, before: bytes = b"xyz") -> bytes | None:
    data = memoryview(before + sealed + b"next")
    length = opener.length(seq, data, len(before))
    assert opener.length(seq, data, len(before)) == length  # asked again
    assert len(sealed) == 4 + length + opener.mac
    plain = memoryview(bytearray(4 + length + HEADROOM))
    is_sound = opener.open(seq, data, len(before), length, plain)
    return bytes(plain[4 : 4 + length]) if is_sound else None


def test_every_cipher_of_asyncssh_is_of_a_kind_that_is_known():
    for cipher in get_encryption_algs():
        for mac in MACS:
            assert type(Direction(cipher, mac).encryption()) in KINDS


@pytest.mark.parametrize("suite", SUITES, ids=IDS)
@settings(max_examples=20, deadline=None)
@given(
    payloads=st.lists(st.tuples(st.binary(min_size=1, max_size=700), st.booleans()), min_size=1, max_size=8),
    data=st.data(),
)
def test_asyncssh_opens_what_is_sealed_in_turns_with_its_own(suite, payloads, data):
    way = Direction(*suite)
    theirs, reader = way.encryption(), way.encryption()
    ours = sealer_for(theirs)
    first = data.draw(st.integers(0, 2**32 - 10))
    for seq, (payload, is_asyncsshs) in enumerate(payloads, first):
        packet = way.packet(payload)
        if is_asyncsshs:
            sealed = b"".join(theirs.encrypt_packet(seq, len(packet).to_bytes(4, "big"), packet))
        else:
            ours.begin()
            sealed = seal(ours, seq, packet)
            ours.end()
        assert way.opened_by_asyncssh(reader, seq, sealed) == packet


@pytest.mark.parametrize("suite", SUITES, ids=IDS)
@settings(max_examples=20, deadline=None)
@given(payloads=st.lists(PAYLOADS, min_size=2, max_size=8), data=st.data())
def test_what_asyncssh_seals_is_opened_from_where_asyncssh_stopped(suite, payloads, data):
    way = Direction(*suite)
    writer, reader = way.encryption(), way.encryption()
    turn = data.draw(st.integers(0, len(payloads) - 1))
    opener = None
    for seq, payload in enumerate(payloads):
        packet = way.packet(payload)
        sealed = b"".join(writer.encrypt_packet(seq, len(packet).to_bytes(4, "big"), packet))
        if seq < turn:
            assert way.opened_by_asyncssh(reader, seq, sealed) == packet
        else:
            opener = opener or opener_for(reader)
            assert opened(opener, seq, sealed) == packet


@pytest.mark.parametrize("suite", SUITES, ids=IDS)
@settings(max_examples=20, deadline=None)
@given(payload=st.binary(min_size=20, max_size=300), data=st.data())
def test_a_changed_packet_is_not_opened(suite, payload, data):
    way = Direction(*suite)
    sealed = bytearray(seal(sealer_for(way.encryption()), 5, way.packet(payload)))
    sealed[data.draw(st.integers(16, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))  # the length is sound
    assert opened(opener_for(way.encryption()), 5, bytes(sealed)) is None


@pytest.mark.parametrize("suite", [suite for suite in SUITES if not suite[0].endswith(b"gcm@openssh.com")])
def test_a_packet_counts_under_its_own_number_only(suite):
    way = Direction(*suite)
    sealed = seal(sealer_for(way.encryption()), 5, way.packet(b"payload"))
    opener = opener_for(way.encryption())
    data = memoryview(sealed + bytes(1 << 20))
    if suite[0].startswith(b"chacha"):
        assert opener.length(6, data, 0) != opener.length(5, data, 0)
    length = opener.length(5, data, 0)
    assert not opener.open(6, data, 0, length, memoryview(bytearray(length + HEADROOM)))


def test_a_packet_shorter_than_a_block_is_not_opened():
    """Its length is what a block of garbage says, which may be anything."""
    way = Direction(b"aes128-ctr", b"hmac-sha2-256")
    writer = way.encryption()
    garbage = b"".join(writer.encrypt_packet(0, (5).to_bytes(4, "big"), bytes(28)))
    opener = opener_for(way.encryption())
    assert opener.length(0, memoryview(garbage), 0) == 5
    assert not opener.open(0, memoryview(garbage), 0, 5, memoryview(bytearray(200)))
