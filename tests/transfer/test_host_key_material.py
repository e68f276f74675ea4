"""Private host keys in every form that Transfer reads, and those that it refuses."""

import base64
import hashlib
from contextlib import suppress
from itertools import product

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.host_keys import MAKERS, private_key

from crossdock.core.errors import ServiceError
from crossdock.transfer.host_key_material import GENERATED_RSA_BITS, TYPES, generate_host_keys, read_host_key

FORMATS = {
    "OpenSSH": PrivateFormat.OpenSSH,
    "PKCS8": PrivateFormat.PKCS8,
    "traditional": PrivateFormat.TraditionalOpenSSL,
}

WITH_PASSPHRASE = """\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABBLYRA2Zl
P0rRRqjzFoJBM8AAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIDvM0y7osDbJItuV
wHNDbQ6xMWnpFp/izRbW0NpuN6AIAAAAkLLM3TNd/dJLoSs4XQkqeOoUuuP6WSw6LPcTGB
D8yl7Y4YQAFhvhqCLrwUHftcRLWRHbUMnAKbtmpOXO9wer64FHTDxnVGHQtGRSMvQUjRHo
BRAesQfhFgX5OucQrfDMXUkpI9B1uOsrMMmrxPNBs+ngEA3w18XVf/nGmJgsewapuO79kB
NL44DM2PD/fL+DqA==
-----END OPENSSH PRIVATE KEY-----
"""
"""By `ssh-keygen -t ed25519 -N secret`; nothing trusts it."""


def pem(key, form=PrivateFormat.OpenSSH, passphrase=None):
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, encryption).decode()


def refusal(text):
    with pytest.raises(ServiceError) as error:
        read_host_key(text)
    assert error.value.code == "InvalidRequestException"
    return error.value.message


@pytest.mark.parametrize(
    ("algorithm", "form"),
    # ED25519 came after the traditional form.
    [pair for pair in product(MAKERS, FORMATS) if pair != ("ssh-ed25519", "traditional")],
)
def test_a_key_is_read_in_every_form_that_ssh_keygen_writes(algorithm, form):
    key = private_key(algorithm)
    found = read_host_key(pem(key, FORMATS[form]))
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    assert (found.algorithm, found.fingerprint) == (algorithm, f"SHA256:{base64.b64encode(digest).decode()}")
    again = load_ssh_private_key(found.private_key, password=None)
    assert again.public_key() == key.public_key()


@pytest.mark.parametrize("dress", ["\n  {}", "{}\n\n", "{}"], ids=["indented", "trailing", "bare"])
def test_space_around_a_key_and_windows_line_ends_do_not_matter(dress):
    text = pem(private_key("ssh-ed25519")).strip()
    expected = read_host_key(text).fingerprint
    assert read_host_key(dress.format(text)).fingerprint == expected
    assert read_host_key(dress.format(text.replace("\n", "\r\n"))).fingerprint == expected


@pytest.mark.parametrize("form", ["PKCS8", "traditional"])
def test_a_key_with_a_passphrase_is_refused_with_a_sentence(form):
    assert "passphrase" in refusal(pem(private_key("ecdsa-sha2-nistp256"), FORMATS[form], b"secret"))


def test_a_key_with_a_passphrase_in_openssh_form_is_refused_with_a_sentence():
    assert "passphrase" in refusal(WITH_PASSPHRASE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519 AAAA",
        "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nä€\udc80\n-----END OPENSSH PRIVATE KEY-----",
    ],
)
def test_what_is_no_private_key_is_refused(text):
    assert refusal(text) == "Invalid host key format"


@given(algorithm=st.sampled_from(("ecdsa-sha2-nistp256", "ssh-ed25519")), data=st.data())
def test_a_damaged_key_is_read_or_refused_and_nothing_else(algorithm, data):
    first, *lines, last = pem(private_key(algorithm)).strip().splitlines()
    blob = bytearray(base64.b64decode("".join(lines)))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    text = "\n".join((first, base64.b64encode(blob).decode(), last))
    with suppress(ServiceError):
        assert read_host_key(text).algorithm == algorithm


def test_a_compressed_point_is_refused():
    key = private_key("ecdsa-sha2-nistp256")
    first, *lines, last = pem(key).strip().splitlines()
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    blob = base64.b64decode("".join(lines)).replace(point, b"\x02" + point[1:])
    text = "\n".join((first, base64.b64encode(blob).decode(), last))
    assert refusal(text) == "Invalid host key format"


def test_a_public_key_is_refused():
    public = private_key("ssh-rsa").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert refusal(public.decode()) == "Invalid host key format"


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(65537, 1024),
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: ed448.Ed448PrivateKey.generate(),
        lambda: dsa.generate_private_key(1024),
    ],
    ids=["short RSA", "another curve", "ED448", "DSA"],
)
def test_keys_of_other_kinds_are_refused(make):
    assert "ED25519 key" in refusal(pem(make(), PrivateFormat.PKCS8))


def test_generated_keys_are_one_of_each_type_and_new_each_time():
    first, second = generate_host_keys(), generate_host_keys()
    assert [TYPES[key.algorithm] for key in first] == ["RSA", "ECDSA", "ED25519"]
    assert first[1].algorithm == "ecdsa-sha2-nistp256"
    assert load_ssh_private_key(first[0].private_key, password=None).key_size == GENERATED_RSA_BITS
    assert not {key.fingerprint for key in first} & {key.fingerprint for key in second}
    assert "PRIVATE" not in repr(first)
