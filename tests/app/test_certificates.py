"""Certificates of servers, put together of files and Certificate Manager."""

from datetime import timedelta

from tests.fakes.acm import Acm, make_server
from tests.fakes.clock import START
from tests.fakes.x509 import self_signed

from crossdock.adapters.host.certificate_files import CertificateFiles
from crossdock.app.certificates import FilesBeforeAcm
from crossdock.cloud.acm.serving import AcmServerCertificates

IN_FILES = "s-" + "f" * 17


async def test_files_come_before_the_certificate_that_the_server_names(tmp_path):
    acm, pair, stored = Acm(), self_signed("files.example.com"), self_signed("acm.example.com")
    (tmp_path / "chain.pem").write_bytes(pair.body)
    (tmp_path / "key.pem").write_bytes(pair.key)
    (tmp_path / "key.pem").chmod(0o600)
    arn = await acm.imported(stored)
    certificates = together(acm, CertificateFiles({IN_FILES: (tmp_path / "chain.pem", tmp_path / "key.pem")}))
    shown = await certificates.certificate(make_server(IN_FILES, certificate_arn=arn))
    assert shown.chain_pem.encode() == pair.body
    shown = await certificates.certificate(make_server(certificate_arn=arn))
    assert shown.chain_pem.encode() == stored.body


async def test_a_certificate_that_ends_soon_is_told_of_once(caplog):
    acm = Acm()
    arn = await acm.imported(self_signed(not_after=START + timedelta(days=31)))
    certificates, server = together(acm, CertificateFiles({})), make_server(certificate_arn=arn)
    await certificates.certificate(server)
    assert caplog.records == []
    acm.clock.advance(2 * 24 * 3600)
    for _ in range(2):
        await certificates.certificate(server)
    (record,) = caplog.records
    assert (record.server_id, record.not_after) == (server.server_id, (START + timedelta(days=31)).isoformat())
    await acm.imported(self_signed(not_after=START + timedelta(days=20)), CertificateArn=arn)
    await certificates.certificate(server)
    assert len(caplog.records) == 2


def together(acm: Acm, files: CertificateFiles) -> FilesBeforeAcm:
    stored = AcmServerCertificates(state=acm.house.state, sealer=acm.sealer, epoch=acm.epoch)
    return FilesBeforeAcm(files=files, acm=stored, clock=acm.clock)
