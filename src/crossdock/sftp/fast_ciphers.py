"""SSH packets opened and sealed in place, by the ciphers that asyncssh has set up.

asyncssh makes new cipher objects and several copies for each packet; these keep one object per key and write into the
buffer that is given. They go on with the very state of asyncssh's objects, so that packets that asyncssh seals itself
may come between.

A packet in clear lies at the beginning of a buffer `plain`: four bytes of length, then `length` bytes: how much padding
there is, payload, padding (RFC 4253 §6). Nothing is opened or sealed over itself, since `cryptography` does not promise
that to work.
"""

import hmac
import struct
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from asyncssh.encryption import BasicEncryption, ChachaEncryption, Encryption, ETMEncryption, GCMEncryption
from asyncssh.mac import _HMAC, MAC
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.poly1305 import Poly1305

HEADROOM = 96
"""A sealed packet is at most so much longer than its `length`: length field, longest MAC, a block that CBC asks for."""
_TAG = 16
_LENGTH = 4
_BLOCK = 16
_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_NONCE = struct.Struct(">QQ")
"""Of ChaCha20: the block to begin with (little-endian, but it is 0), and the number of the packet."""
_EMPTY_BLOCK = bytes(64)


class Opener(Protocol):
    """Opens the packets of one direction under one key, in order. `head` bytes tell a packet's length.

    After its `length` a packet has `mac` bytes. `length` may be asked again while the packet is incomplete.
    """

    head: int
    mac: int

    def length(self, seq: int, data: memoryview, at: int) -> int: ...

    def open(self, seq: int, data: memoryview, at: int, length: int, plain: memoryview) -> bool:
        """Write the packet that begins at `at` into `plain`. False if it is not the peer's, or was changed."""


class Sealer(Protocol):
    """Seals packets of one direction under one key. What asyncssh sends itself must not come between begin and end."""

    def begin(self) -> None: ...

    def seal(self, seq: int, plain: memoryview, length: int, out: memoryview, at: int) -> int:
        """Write the packet in `plain` to `at`, where HEADROOM must follow `length`. Returns where it ends."""

    def end(self) -> None: ...


class _Gcm:
    """AES-GCM. The nonce counts packets; asyncssh keeps it in `_iv` (RFC 5647 §7.1)."""

    head = _LENGTH
    mac = _TAG

    def __init__(self, encryption: GCMEncryption) -> None:
        self._theirs = encryption._cipher
        self._aead = AESGCM(self._theirs._key)
        self._nonce = bytearray(self._theirs._iv)
        self._count = 0
        self.begin()

    def begin(self) -> None:
        self._nonce[:] = self._theirs._iv
        self._count = _U64.unpack_from(self._nonce, 4)[0]

    def end(self) -> None:
        self._theirs._iv = bytes(self._nonce)

    def length(self, seq: int, data: memoryview, at: int) -> int:
        length: int = _U32.unpack_from(data, at)[0]
        return length

    def open(self, seq: int, data: memoryview, at: int, length: int, plain: memoryview) -> bool:
        body = at + _LENGTH
        end = _LENGTH + length
        try:
            self._aead.decrypt_into(self._nonce, data[body : at + end + _TAG], data[at:body], plain[_LENGTH:end])
        except InvalidTag:
            return False
        self._step()
        return True

    def seal(self, seq: int, plain: memoryview, length: int, out: memoryview, at: int) -> int:
        body = at + _LENGTH
        end = body + length + _TAG
        head = out[at:body]
        head[:] = plain[:_LENGTH]
        self._aead.encrypt_into(self._nonce, plain[_LENGTH : _LENGTH + length], head, out[body:end])
        self._step()
        return end

    def _step(self) -> None:
        self._count = (self._count + 1) & 0xFFFF_FFFF_FFFF_FFFF
        _U64.pack_into(self._nonce, 4, self._count)


class _Chacha:
    """chacha20-poly1305@openssh.com: the length under one key, all else under another; the nonce is the number.

    Source: OpenSSH, PROTOCOL.chacha20poly1305.
    """

    head = _LENGTH
    mac = _TAG

    def __init__(self, encryption: ChachaEncryption) -> None:
        cipher = encryption._cipher
        self._length = bytearray(_LENGTH)
        self._lengths = _chacha20(cipher._adkey)
        self._bodies = _chacha20(cipher._key)
        self._first = bytearray(64)
        self._mac_key = memoryview(self._first)[:32]

    def begin(self) -> None: ...

    def end(self) -> None: ...

    def length(self, seq: int, data: memoryview, at: int) -> int:
        self._lengths.reset_nonce(_NONCE.pack(0, seq))
        self._lengths.update_into(data[at : at + _LENGTH], self._length)
        length: int = _U32.unpack(self._length)[0]
        return length

    def open(self, seq: int, data: memoryview, at: int, length: int, plain: memoryview) -> bool:
        self._use(seq)
        end = at + _LENGTH + length
        try:
            Poly1305.verify_tag(self._mac_key, data[at:end], bytes(data[end : end + _TAG]))
        except InvalidSignature:
            return False
        self._bodies.update_into(data[at + _LENGTH : end], plain[_LENGTH : _LENGTH + length])
        return True

    def seal(self, seq: int, plain: memoryview, length: int, out: memoryview, at: int) -> int:
        self._use(seq)
        self._lengths.reset_nonce(_NONCE.pack(0, seq))
        body = at + _LENGTH
        end = body + length
        self._lengths.update_into(plain[:_LENGTH], out[at:body])
        self._bodies.update_into(plain[_LENGTH : _LENGTH + length], out[body:end])
        out[end : end + _TAG] = Poly1305.generate_tag(self._mac_key, out[at:end])
        return end + _TAG

    def _use(self, seq: int) -> None:
        """Block 0 of the key stream has the key of the MAC; the packet begins with block 1."""
        self._bodies.reset_nonce(_NONCE.pack(0, seq))
        self._bodies.update_into(_EMPTY_BLOCK, self._first)


class _MacThenCipher:
    """A cipher, and a MAC of the packet in clear (RFC 4253 §6.4): the length can be read only by opening a block."""

    def __init__(self, encryption: BasicEncryption, context: CipherContext) -> None:
        self._context = context
        self._sign = _signer(encryption._mac)
        self.head = _BLOCK
        self.mac = _mac_size(encryption._mac)
        self._first = bytearray(2 * _BLOCK)
        self._is_begun = False

    def begin(self) -> None: ...

    def end(self) -> None: ...

    def length(self, seq: int, data: memoryview, at: int) -> int:
        if not self._is_begun:
            self._context.update_into(data[at : at + _BLOCK], self._first)
            self._is_begun = True
        length: int = _U32.unpack_from(self._first)[0]
        return length

    def open(self, seq: int, data: memoryview, at: int, length: int, plain: memoryview) -> bool:
        self._is_begun = False
        end = _LENGTH + length
        if end < _BLOCK:
            return False
        plain[:_BLOCK] = self._first[:_BLOCK]
        if end > _BLOCK:
            self._context.update_into(data[at + _BLOCK : at + end], plain[_BLOCK : end + _BLOCK])
        return hmac.compare_digest(self._sign(seq, plain[:end]), data[at + end : at + end + self.mac])

    def seal(self, seq: int, plain: memoryview, length: int, out: memoryview, at: int) -> int:
        packet = plain[: _LENGTH + length]
        end = at + _LENGTH + length
        self._context.update_into(packet, out[at : end + _BLOCK])
        out[end : end + self.mac] = self._sign(seq, packet)
        return end + self.mac


class _CipherThenMac:
    """A cipher, and a MAC of the length in clear and the sealed packet (`-etm@openssh.com`)."""

    def __init__(self, encryption: ETMEncryption, context: CipherContext) -> None:
        self._context = context
        self._sign = _signer(encryption._mac)
        self.head = _LENGTH
        self.mac = _mac_size(encryption._mac)

    def begin(self) -> None: ...

    def end(self) -> None: ...

    def length(self, seq: int, data: memoryview, at: int) -> int:
        length: int = _U32.unpack_from(data, at)[0]
        return length

    def open(self, seq: int, data: memoryview, at: int, length: int, plain: memoryview) -> bool:
        end = at + _LENGTH + length
        if not hmac.compare_digest(self._sign(seq, data[at:end]), data[end : end + self.mac]):
            return False
        self._context.update_into(data[at + _LENGTH : end], plain[_LENGTH : _LENGTH + length + _BLOCK])
        return True

    def seal(self, seq: int, plain: memoryview, length: int, out: memoryview, at: int) -> int:
        body = at + _LENGTH
        end = body + length
        out[at:body] = plain[:_LENGTH]
        self._context.update_into(plain[_LENGTH : _LENGTH + length], out[body : end + _BLOCK])
        out[end : end + self.mac] = self._sign(seq, out[at:end])
        return end + self.mac


def opener_for(encryption: Encryption) -> Opener:
    """What opens the packets that `encryption` would have opened; it is of no more use itself.

    Raises KeyError for a kind of encryption that is not known here.
    """
    return _OPENERS[type(encryption)](encryption)


def sealer_for(encryption: Encryption) -> Sealer:
    """What seals packets as `encryption` does, in turns with it. Raises KeyError as `opener_for` does."""
    return _SEALERS[type(encryption)](encryption)


def _opening(encryption: BasicEncryption) -> CipherContext:
    encryption._cipher.decrypt(b"")  # asyncssh makes it at first use
    context = encryption._cipher._decryptor
    assert context is not None
    return context


def _sealing(encryption: BasicEncryption) -> CipherContext:
    encryption._cipher.encrypt(b"")
    context = encryption._cipher._encryptor
    assert context is not None
    return context


_OPENERS: Mapping[type[Encryption], Callable[[Any], Opener]] = {
    GCMEncryption: _Gcm,
    ChachaEncryption: _Chacha,
    BasicEncryption: lambda encryption: _MacThenCipher(encryption, _opening(encryption)),
    ETMEncryption: lambda encryption: _CipherThenMac(encryption, _opening(encryption)),
}
_SEALERS: Mapping[type[Encryption], Callable[[Any], Sealer]] = {
    GCMEncryption: _Gcm,
    ChachaEncryption: _Chacha,
    BasicEncryption: lambda encryption: _MacThenCipher(encryption, _sealing(encryption)),
    ETMEncryption: lambda encryption: _CipherThenMac(encryption, _sealing(encryption)),
}
KINDS: frozenset[type[Encryption]] = frozenset(_OPENERS)
"""All kinds of encryption that can be opened and sealed here."""


def _chacha20(key: bytes) -> CipherContext:
    return Cipher(ChaCha20(key, bytes(16)), mode=None).encryptor()


def _mac_size(mac: MAC) -> int:
    return len(mac.sign(0, b""))


def _signer(mac: MAC) -> Callable[[int, memoryview], bytes]:
    """Computes the MAC of a packet and its number."""
    if type(mac) is not _HMAC:
        return lambda seq, packet: mac.sign(seq, bytes(packet))
    keyed = hmac.new(mac._key, digestmod=mac._hash_alg)
    size = mac._hash_size

    def sign(seq: int, packet: memoryview) -> bytes:
        turn = keyed.copy()
        turn.update(_U32.pack(seq))
        turn.update(packet)
        return turn.digest()[:size]

    return sign
