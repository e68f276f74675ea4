"""Certificates and keys as PEM texts."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.fakes.x509 import issued_by, rsa_key, self_signed

from crossdock.core.pem import (
    BadPem,
    belongs_to,
    certificates_pem,
    fingerprint,
    private_key_pem,
    read_certificates,
    read_chain_and_key,
    read_private_key,
)


def test_certificates_are_read_in_their_order_and_written_as_they_were():
    root = self_signed("Root", is_ca=True)
    leaf = issued_by(root)
    text = leaf.body + b"a remark\n" + root.body
    assert read_certificates(text) == (leaf.certificate, root.certificate)
    assert certificates_pem(read_certificates(text)) == (leaf.body + root.body).decode()


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("pair", [self_signed(), self_signed(private=rsa_key())], ids=["curve", "rsa"])
def test_a_key_is_read_in_both_forms_and_known_by_its_certificate(pair, form):
    key = read_private_key(pair.private.private_bytes(Encoding.PEM, form, NoEncryption()))
    assert private_key_pem(key).encode() == pair.key
    assert belongs_to(pair.certificate, key)
    assert not belongs_to(self_signed().certificate, key)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "no private key"),
        (self_signed().body, "no private key"),
        (self_signed().locked_key, "encrypted"),
        (self_signed(private=ed25519.Ed25519PrivateKey.generate()).key, "neither RSA nor elliptic curve"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(text, sentence):
    with pytest.raises(BadPem, match=sentence):
        read_private_key(text)


@pytest.mark.parametrize(
    "text", [b"", b"text", self_signed().key, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_holds_no_certificate_is_refused(text):
    with pytest.raises(BadPem, match="no certificate"):
        read_certificates(text)


def test_the_fingerprint_of_one_is_its_usual_one_and_that_of_a_chain_another():
    root = self_signed("Root", is_ca=True)
    leaf = issued_by(root)
    assert fingerprint([leaf.certificate]) == leaf.certificate.fingerprint(SHA256()).hex()
    assert fingerprint([leaf.certificate, root.certificate]) != fingerprint([leaf.certificate])


@pytest.mark.parametrize("private", [None, rsa_key()], ids=["curve", "rsa"])
def test_chain_and_key_are_found_in_one_text_in_any_order(private):
    root = self_signed("Root", is_ca=True, private=private)
    leaf = issued_by(root, private=private)
    for text in (leaf.body + root.body + leaf.key, leaf.key + leaf.body + b"a remark\n" + root.body):
        chain, key = read_chain_and_key(text, text, chain_in="x", key_in="x")
        assert chain == (leaf.certificate, root.certificate)
        assert private_key_pem(key).encode() == leaf.key


def test_what_does_not_belong_together_is_named():
    own, other = self_signed(), self_signed()
    with pytest.raises(BadPem, match="the key in b is not the key of the first certificate in a"):
        read_chain_and_key(own.body, other.key, chain_in="a", key_in="b")
    with pytest.raises(BadPem, match="a: there is no certificate"):
        read_chain_and_key(own.key, own.key, chain_in="a", key_in="b")
    with pytest.raises(BadPem, match="b: there is no private key"):
        read_chain_and_key(own.body, own.body, chain_in="a", key_in="b")
