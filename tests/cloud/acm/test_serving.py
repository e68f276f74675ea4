"""What Transfer servers get of Certificate Manager."""

import ssl

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from tests.fakes.acm import HUB, REGION, Acm, make_server
from tests.fakes.house import CountingState, PlainSealer
from tests.fakes.x509 import issued_by, rsa_key, self_signed

from crossdock.cloud.acm.serving import AcmCertificateCheck, AcmServerCertificates
from crossdock.ports.certificates import CertificateUnavailable


@pytest.fixture
def acm():
    return Acm()


def serving(acm: Acm, state=None, sealer=None) -> AcmServerCertificates:
    return AcmServerCertificates(state=state or acm.house.state, sealer=sealer or acm.sealer, epoch=acm.epoch)


async def objection(acm: Acm, arn: str) -> str:
    async with acm.house.state.reading() as tx:
        return await AcmCertificateCheck(acm.clock).objection(tx, arn)


async def test_a_server_shows_the_chain_and_the_key_that_were_imported(acm, tmp_path):
    root = self_signed("Root", is_ca=True)
    leaf = issued_by(root)
    arn = await acm.imported(leaf, CertificateChain=root.body)
    found = await serving(acm).certificate(make_server(certificate_arn=arn))
    assert found.chain_pem == (leaf.body + root.body).decode()
    assert "PRIVATE KEY" not in repr(found)
    (tmp_path / "both.pem").write_text(found.chain_pem + found.key_pem)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "both.pem")


async def test_without_a_chain_the_fingerprint_is_the_usual_one(acm):
    pair = self_signed()
    found = await serving(acm).certificate(make_server(certificate_arn=await acm.imported(pair)))
    assert found.fingerprint == pair.certificate.fingerprint(SHA256()).hex()


async def test_a_certificate_is_read_once_until_it_changes(acm):
    arn = await acm.imported(self_signed("old.example.com"))
    state = CountingState(acm.house.state)
    certificates, server = serving(acm, state), make_server(certificate_arn=arn)
    first = await certificates.certificate(server)
    assert await certificates.certificate(server) is first
    assert state.reads == 1
    await acm.imported(self_signed("new.example.com"), CertificateArn=arn)
    second = await certificates.certificate(server)
    assert second.fingerprint != first.fingerprint
    assert state.reads == 2


async def test_a_server_without_a_certificate_that_can_be_shown_says_what_to_do(acm):
    arn = await acm.imported()
    for named, sealer, sentence in (
        ("", None, "names no certificate: aws transfer update-server --certificate"),
        (arn[:-1] + "x", None, "there is no certificate"),
        (arn, PlainSealer(b"another key"), "cannot be opened"),
        ("nonsense", None, "is not the ARN of a certificate"),
    ):
        with pytest.raises(CertificateUnavailable) as refusal:
            await serving(acm, sealer=sealer).certificate(make_server(certificate_arn=named))
        assert sentence in str(refusal.value)


async def test_a_server_may_name_what_exists_and_fits(acm):
    for pair in (self_signed(), self_signed(private=rsa_key())):
        assert await objection(acm, await acm.imported(pair)) == ""
    assert "does not exist" in await objection(acm, f"arn:aws:acm:{REGION}:{HUB}:certificate/none")
    assert "is not the ARN" in await objection(acm, f"arn:aws:acm:{REGION}:{HUB}:acme-account/none")
    assert "RSA_1024" in await objection(acm, await acm.imported(self_signed(private=rsa_key(1024))))
    arn = await acm.imported()
    acm.clock.advance(90 * 24 * 3600)
    assert await objection(acm, arn) == f"Certificate {arn} has expired"
