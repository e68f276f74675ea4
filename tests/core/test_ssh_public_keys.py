"""SSH public keys in one line."""

import base64
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.public_keys import ed25519_line, line, mpint, string, true_line

from crossdock.core.ssh_public_keys import KEY_TYPES, BadPublicKey, PublicKeyLine, fingerprint, parse_public_key

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
RSA = b"ssh-rsa"
MODULUS = (1 << 2047) + 1


def rsa_line(*, exponent: bytes = mpint(65537), modulus: bytes = mpint(MODULUS), rest: bytes = b"") -> str:
    return line("ssh-rsa", string(RSA) + exponent + modulus + rest)


def blob_of(text: str) -> bytes:
    return base64.b64decode(text.split()[1])


@pytest.mark.parametrize("algorithm", KEY_TYPES)
def test_a_key_of_every_type_is_read_and_written_as_it_came(algorithm):
    text = true_line(algorithm)
    key = parse_public_key(f" \n{text} \t a comment,  of words \r\n")
    assert (key.algorithm, key.blob, key.comment) == (algorithm, blob_of(text), "a comment,  of words")
    assert str(key) == f"{text} a comment,  of words"
    assert str(parse_public_key(text)) == text


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", KEY_TYPES)
def test_the_fingerprint_is_that_of_ssh_keygen(algorithm):
    keygen = shutil.which("ssh-keygen")
    assert keygen, "ssh-keygen is missing: run `make test`, which installs it"
    said = subprocess.run(
        [keygen, "-l", "-f", "-"], input=true_line(algorithm), capture_output=True, text=True, check=True
    )
    assert said.stdout.split()[1] == parse_public_key(true_line(algorithm)).fingerprint


def test_the_fingerprint_has_no_padding():
    key = parse_public_key(ed25519_line())
    assert key.fingerprint == fingerprint(key.blob)
    assert len(key.fingerprint) == len("SHA256:") + 43


def test_a_key_is_the_same_whatever_its_comment_and_another_with_another_body():
    assert parse_public_key(ed25519_line("a", "at home")) == parse_public_key(ed25519_line("a"))
    assert parse_public_key(ed25519_line("a")) != parse_public_key(ed25519_line("b"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        f"restrict {ed25519_line()}",
        f"{ed25519_line()}\n{ed25519_line('b')}",
        "---- BEGIN SSH2 PUBLIC KEY ----",
        ed25519_line().replace("AAAA", "AA\nAA", 1),
    ],
    ids=["nothing", "no body", "options", "two keys", "SSH2", "a broken line"],
)
def test_what_is_not_one_line_is_no_key(text):
    with pytest.raises(BadPublicKey):
        parse_public_key(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ssh-dss AAAA", "the key type is none of ssh-rsa, ecdsa-sha2-nistp256"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "the key type is none of"),
        ("sk-ssh-ed25519@openssh.com AAAA", "the key type is none of"),
        (ed25519_line() + "=", "is not base64"),
        ("ssh-ed25519 A", "is not base64"),
        ("ssh-ed25519 AAAA", "ends too early"),
        (line("ssh-ed25519", string(b"ssh-ed25519")), "ends too early"),
        (line("ssh-ed25519", string(b"ssh-ed25519") + string(bytes(31))), "has 32 bytes"),
        (line("ssh-ed25519", blob_of(ed25519_line()) + b"\0"), "has bytes behind the key"),
        (f"ssh-rsa {ed25519_line().split()[1]}", "is not a key of the type ssh-rsa"),
        (rsa_line(modulus=mpint((1 << 1023) + 1)), "must have 2048 to 16384 bits; this one has 1024"),
        (rsa_line(modulus=mpint((1 << 16384) + 1)), "this one has 16385"),
        (rsa_line(modulus=mpint(1 << 2047)), "is not an RSA key"),
        (rsa_line(exponent=mpint(1)), "is not an RSA key"),
        (rsa_line(exponent=mpint(4)), "is not an RSA key"),
        (rsa_line(exponent=string(b"\x00\x03")), "not in its normal form"),
        (rsa_line(exponent=string(b"\x83")), "not in its normal form"),
        (rsa_line(exponent=string(b"")), "not in its normal form"),
        (rsa_line(rest=b"more"), "has bytes behind the key"),
    ],
)
def test_what_is_wrong_with_a_key_is_said_in_words(text, sentence):
    with pytest.raises(BadPublicKey, match=sentence):
        parse_public_key(text)


def test_needless_bits_do_not_write_one_key_in_two_ways():
    head, encoded = rsa_line(modulus=mpint((1 << 2055) + 1)).split()
    body = encoded.rstrip("=")
    assert body != encoded
    other = body[:-1] + BASE64[BASE64.index(body[-1]) + 1] + encoded[len(body) :]
    assert base64.b64decode(other) == base64.b64decode(encoded)
    with pytest.raises(BadPublicKey, match="normal form"):
        parse_public_key(f"{head} {other}")


@pytest.mark.parametrize("algorithm", ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"])
def test_a_point_must_lie_on_the_curve_that_the_line_names(algorithm):
    blob = blob_of(true_line(algorithm))
    curve = algorithm.rpartition("-")[2].encode()
    head = string(algorithm.encode()) + string(curve)
    point = blob[len(head) + 4 :]
    wrong = (
        head + string(point[:-1] + bytes([point[-1] ^ 1])),
        head + string(b"\x02" + point[1 : 1 + len(point) // 2]),
        head + string(b"\x04" + b"\xff" * (len(point) - 1)),
        string(algorithm.encode()) + string(b"nistp999") + string(point),
    )
    for body in wrong:
        with pytest.raises(BadPublicKey, match="is not a point of"):
            parse_public_key(line(algorithm, body))


@given(st.sampled_from(["ssh-rsa", "ssh-dss", "-----BEGIN"]), st.text(alphabet=BASE64, min_size=16, max_size=200))
def test_a_refusal_quotes_nothing_of_what_it_refuses(head, body):
    with pytest.raises(BadPublicKey) as refusal:
        parse_public_key(f"{head} {body}")
    assert body not in str(refusal.value)


@given(st.text(max_size=200))
def test_no_text_is_more_than_wrong(text):
    with pytest.raises(BadPublicKey):
        parse_public_key(text)


@given(st.integers(0, 200), st.sampled_from(KEY_TYPES))
def test_no_part_of_a_key_is_one(length, algorithm):
    blob = blob_of(true_line(algorithm))
    if length < len(blob):
        with pytest.raises(BadPublicKey):
            parse_public_key(line(algorithm, blob[:length]))


@given(st.binary(min_size=32, max_size=32), st.text(alphabet="ab ü,", max_size=20))
def test_what_is_written_is_read_again(point, comment):
    key = PublicKeyLine(
        algorithm="ssh-ed25519", blob=string(b"ssh-ed25519") + string(point), comment=comment.strip(" ")
    )
    again = parse_public_key(str(key))
    assert (again, again.comment) == (key, key.comment)
