"""Files of certificate authorities: whom one makes us trust, and what is said of one that has none."""

import ssl
from pathlib import Path

import pytest
from tests.fakes.x509 import self_signed

from crossdock.settings import BadSetting
from crossdock.settings.trusted_files import BadAuthorities, trusting

OWN = self_signed("Own", is_ca=True)


def test_the_authorities_of_the_file_are_trusted_and_no_others(tmp_path: Path):
    further = self_signed("Further", is_ca=True)
    (tmp_path / "ca.pem").write_bytes(b"as openssl writes it\n" + OWN.body + further.body)
    context = trusting(tmp_path / "ca.pem", named_by="aws.ca_file")
    subjects = [dict(part[0] for part in one["subject"])["commonName"] for one in context.get_ca_certs()]
    assert sorted(subjects) == ["Further", "Own"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds no certificate in PEM"),
        (b"hello", "holds no certificate in PEM"),
        (OWN.key, "holds no certificate in PEM"),
        (OWN.body[:200], "holds a certificate that is cut off or damaged"),
        (OWN.body + OWN.body.replace(b"MI", b"!!", 1), "holds a certificate that is cut off or damaged"),
    ],
    ids=["nothing", "a text", "a key", "half of one", "a damaged one"],
)
def test_a_file_without_certificates_is_named_with_what_is_wrong(tmp_path: Path, content: bytes, sentence: str):
    file = tmp_path / "ca.pem"
    file.write_bytes(content)
    with pytest.raises(BadAuthorities) as refused:
        trusting(file, named_by="AWS_CA_BUNDLE")
    assert str(refused.value) == f"AWS_CA_BUNDLE: the file of certificate authorities {file} {sentence}"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("none.pem", "does not exist"), ("", "is a directory: name one file"), ("x" * 300, "cannot be read: File name")],
)
def test_what_cannot_be_read_is_named_too(tmp_path: Path, name: str, sentence: str):
    with pytest.raises(BadSetting, match=sentence) as refused:
        trusting(tmp_path / name, named_by="aws.ca_file")
    assert str(refused.value).startswith(f"aws.ca_file: the file of certificate authorities {tmp_path / name} ")
