"""Files with a public key, and the files that are taken for one."""

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.public_keys import ed25519_line, line, string

from crossdock.core.public_key_files import MAX_FILE_CHARACTERS, read_public_key_file
from crossdock.core.ssh_public_keys import BadPublicKey, parse_public_key

KEY = ed25519_line("mine", "anna@laptop")


@pytest.mark.parametrize("text", [KEY, f"{KEY}\n", f"\n# the laptop's\n\n{KEY}\r\n", f"  {KEY}  "])
def test_the_one_key_of_a_file_is_read(text):
    found = read_public_key_file(text)
    assert (found, found.comment) == (parse_public_key(KEY), "anna@laptop")


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8])
def test_a_private_key_is_refused_and_nothing_of_it_told(form):
    text = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, form, NoEncryption()).decode()
    with pytest.raises(BadPublicKey, match="this is a private key, of which nothing was shown") as refusal:
        read_public_key_file(text)
    assert not any(part in str(refusal.value) for part in text.splitlines()[1:-1])


PEM = (
    ed25519.Ed25519PrivateKey.generate()
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\nAAAA\n", "private key"),
        ("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nAAAA\n", "private key"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n", "ssh-keygen -i -f FILE"),
        (PEM, "ssh-keygen -i -m PKCS8"),
        (line("ssh-ed25519-cert-v01@openssh.com", string(b"ssh-ed25519-cert-v01@openssh.com")), "a certificate"),
        ("", "0 lines with keys"),
        ("# nothing\n", "0 lines with keys"),
        (f"{KEY}\n{ed25519_line('other')}\n", "2 lines with keys"),
        (f'from="192.0.2.0/24" {KEY}', "not one line of key type"),
        (line("sk-ssh-ed25519@openssh.com", string(b"x")), "the key type is none of"),
        ("x" * (MAX_FILE_CHARACTERS + 1), "too large"),
    ],
)
def test_what_else_a_file_may_hold_is_said(text, words):
    with pytest.raises(BadPublicKey, match=words):
        read_public_key_file(text)


@given(st.text())
def test_whatever_a_file_holds_is_a_key_or_refused(text):
    with suppress(BadPublicKey):
        assert read_public_key_file(text).fingerprint.startswith("SHA256:")
