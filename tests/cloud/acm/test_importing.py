"""ImportCertificate: what is taken, what is refused, and what a reimport may change."""

import ipaddress
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from tests.fakes.acm import Acm
from tests.fakes.clock import START
from tests.fakes.x509 import Pair, ec_key, issued_by, rsa_key, self_signed

from crossdock.cloud.acm import store as acm_store
from crossdock.cloud.acm.records import CERTIFICATES
from crossdock.cloud.acm.store import open_key
from crossdock.core.ids import hex_id

SERVER_AUTH, CLIENT_AUTH = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@pytest.fixture
def acm():
    return Acm()


async def test_a_self_signed_certificate_is_imported_and_described(acm):
    pair = self_signed(
        alternatives=[x509.DNSName("ftp.example.com"), x509.DNSName("www.example.com")],
        usages=["digital_signature", "key_agreement", "encipher_only"],
        extended=[SERVER_AUTH, x509.ObjectIdentifier("1.2.3.4")],
    )
    arn = await acm.imported(pair, Tags=[{"Key": "team", "Value": "press"}])
    assert arn.startswith("arn:aws:acm:us-east-1:111111111111:certificate/")
    found = await acm.described(arn)
    assert (found["DomainName"], found["SubjectAlternativeNames"]) == (
        "ftp.example.com",
        ["ftp.example.com", "www.example.com"],
    )
    assert (found["Status"], found["Type"], found["KeyAlgorithm"]) == ("ISSUED", "IMPORTED", "EC_prime256v1")
    assert found["SignatureAlgorithm"] == "SHA256WITHECDSA"
    assert (found["Subject"], found["Issuer"]) == ("CN=ftp.example.com", "ftp.example.com")
    assert int(found["Serial"].replace(":", ""), 16) == pair.certificate.serial_number
    assert (found["NotBefore"], found["NotAfter"]) == (START - timedelta(days=1), START + timedelta(days=90))
    assert (found["CreatedAt"], found["ImportedAt"]) == (START, START)
    assert [usage["Name"] for usage in found["KeyUsages"]] == ["DIGITAL_SIGNATURE", "KEY_AGREEMENT", "ENCIPHER_ONLY"]
    assert found["ExtendedKeyUsages"] == [
        {"Name": "TLS_WEB_SERVER_AUTHENTICATION", "OID": "1.3.6.1.5.5.7.3.1"},
        {"Name": "CUSTOM", "OID": "1.2.3.4"},
    ]
    assert found["InUseBy"] == []
    assert "DomainValidationOptions" not in found


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        (lambda: ec_key(ec.SECP384R1), "EC_secp384r1"),
        (lambda: ec_key(ec.SECP521R1), "EC_secp521r1"),
        (rsa_key, "RSA_2048"),
    ],
)
async def test_every_kind_of_key_is_told(acm, private, algorithm):
    assert (await acm.described(await acm.imported(self_signed(private=private()))))["KeyAlgorithm"] == algorithm


async def test_a_chain_need_not_reach_the_root_and_comes_back_as_it_was(acm):
    root = self_signed("Root", is_ca=True)
    between = issued_by(root, "Between", is_ca=True)
    leaf = issued_by(between)
    arn = await acm.imported(leaf, CertificateChain=between.body)
    assert await acm("GetCertificate", CertificateArn=arn) == {
        "Certificate": leaf.body.decode(),
        "CertificateChain": between.body.decode(),
    }
    await acm.imported(leaf, CertificateChain=between.body + root.body)


async def test_what_stands_around_a_certificate_is_passed_over(acm):
    pair = self_signed()
    arn = await acm.imported(pair)
    noisy = b"subject=ftp.example.com\n" + pair.body + b"\n\n"
    result = await acm("ImportCertificate", Certificate=noisy, PrivateKey=pair.key, CertificateArn=arn)
    assert result == {"CertificateArn": arn}
    assert (await acm("GetCertificate", CertificateArn=arn))["Certificate"] == pair.body.decode()


async def test_the_key_is_sealed_for_its_row_and_in_no_repr(acm):
    pair = self_signed()
    arn = await acm.imported(pair)
    async with acm.house.state.reading() as tx:
        (record,) = await CERTIFICATES.everything(tx)
    assert open_key(acm.sealer, record).encode() == pair.key
    assert record.sealed_key not in repr(record)
    assert "PRIVATE KEY" not in str(await acm.described(arn))


ROOT = self_signed("Root", is_ca=True)
LONG_OCSP = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.example/" + "x" * 1000)
        )
    ]
)


@pytest.mark.parametrize(
    ("pair", "changes", "sentence"),
    [
        (self_signed(), {"PrivateKey": self_signed().key}, "do not match"),
        (self_signed(), {"PrivateKey": self_signed().locked_key}, "encrypted"),
        (self_signed(), {"PrivateKey": b"nonsense"}, "no private key in PEM"),
        (self_signed(), {"Certificate": b"nonsense"}, "no certificate in PEM"),
        (self_signed(), {"Certificate": self_signed().certificate.public_bytes(Encoding.DER)}, "no certificate in PEM"),
        (self_signed(), {"Certificate": self_signed().body + self_signed().body}, "more than one certificate"),
        (self_signed(private=ed25519.Ed25519PrivateKey.generate()), {}, "neither RSA nor elliptic curve"),
        (self_signed(private=ec_key(ec.SECP256K1)), {}, "The private key is not supported"),
        (self_signed(not_before=START + timedelta(seconds=1)), {}, "not valid yet"),
        (self_signed(not_after=START), {}, "has expired"),
        (self_signed(""), {}, "issuer is empty"),
        (issued_by(ROOT, ""), {"CertificateChain": ROOT.body}, "neither a domain nor an address"),
        (self_signed(extensions=[LONG_OCSP]), {}, "OCSP"),
        (issued_by(ROOT), {}, "not a valid self signed"),
        (issued_by(ROOT), {"CertificateChain": self_signed("Root", is_ca=True).body}, "Could not validate"),
        (
            issued_by(ROOT),
            {"CertificateChain": ROOT.body + self_signed("Other", is_ca=True).body},
            "Could not validate",
        ),
        (issued_by(ROOT), {"CertificateChain": b"nonsense"}, "no certificate in PEM"),
        (ROOT, {"CertificateChain": ROOT.body}, "contains the certificate itself"),
        (issued_by(ROOT, private=rsa_key()), {"CertificateChain": ROOT.body}, "both RSA, or both ECDSA"),
    ],
)
async def test_what_acm_refuses_is_refused_with_a_sentence(acm, pair, changes, sentence):
    assert sentence in await acm.refused_import(pair, **changes)
    async with acm.house.state.reading() as tx:
        assert await CERTIFICATES.everything(tx) == []


async def test_a_certificate_of_an_address_needs_no_domain(acm):
    pair = issued_by(ROOT, "", alternatives=[x509.IPAddress(ipaddress.ip_address("192.0.2.1"))])
    arn = await acm.imported(pair, CertificateChain=ROOT.body)
    assert (await acm.described(arn))["DomainName"] == "192.0.2.1"


async def test_a_refusal_says_nothing_of_the_key(acm):
    pair = self_signed()
    broken = pair.key.replace(b"A", b"B")
    assert broken.splitlines()[1].decode() not in await acm.refused_import(pair, PrivateKey=broken)


async def test_a_reimport_keeps_the_arn_and_the_tags_and_raises_the_epoch(acm):
    arn = await acm.imported(self_signed("old.example.com"), Tags=[{"Key": "a", "Value": "b"}])
    acm.clock.advance(60)
    epoch = acm.epoch.current()
    assert await acm.imported(self_signed("new.example.com"), CertificateArn=arn) == arn
    assert acm.epoch.current() > epoch
    found = await acm.described(arn)
    assert found["DomainName"] == "new.example.com"
    assert (found["CreatedAt"], found["ImportedAt"]) == (START, START + timedelta(seconds=60))
    assert (await acm("ListTagsForCertificate", CertificateArn=arn))["Tags"] == [{"Key": "a", "Value": "b"}]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (self_signed(), self_signed(private=ec_key(ec.SECP384R1)), "key type and size"),
        (self_signed(), self_signed(usages=["digital_signature"]), "has the extension Key Usage"),
        (self_signed(), self_signed(extended=[SERVER_AUTH]), "has the extension Extended Key Usage"),
        (self_signed(usages=["digital_signature"]), self_signed(), "lacks the Key Usage DIGITAL_SIGNATURE"),
        (
            self_signed(extended=[SERVER_AUTH, CLIENT_AUTH]),
            self_signed(extended=[CLIENT_AUTH]),
            "lacks the Extended Key Usage TLS_WEB_SERVER_AUTHENTICATION",
        ),
    ],
)
async def test_a_reimport_may_not_change_what_the_certificate_is_for(acm, old: Pair, new: Pair, sentence):
    arn = await acm.imported(old)
    assert sentence in await acm.refused_import(new, CertificateArn=arn)


async def test_a_reimport_may_do_without_client_authentication_and_key_encipherment_of_a_curve(acm):
    arn = await acm.imported(
        self_signed(usages=["digital_signature", "key_encipherment"], extended=[SERVER_AUTH, CLIENT_AUTH])
    )
    await acm.imported(self_signed(usages=["digital_signature"], extended=[SERVER_AUTH]), CertificateArn=arn)


async def test_a_reimport_takes_no_tags_and_only_the_place_of_an_imported_one(acm):
    arn = await acm.imported()
    assert await acm.refused_import(self_signed(), CertificateArn=arn, Tags=[{"Key": "a"}]) == (
        "Tagging is not permitted on re-import."
    )
    requested = (await acm("RequestCertificate", DomainName="a.example", KeyAlgorithm="EC_prime256v1"))[
        "CertificateArn"
    ]
    assert "Only a certificate that was imported" in await acm.refused_import(self_signed(), CertificateArn=requested)
    pair, absent = self_signed(), arn[:-12] + hex_id("", bytes, 12)
    code, _ = await acm.refusal("ImportCertificate", Certificate=pair.body, PrivateKey=pair.key, CertificateArn=absent)
    assert code == "ResourceNotFoundException"


async def test_an_account_has_room_for_so_many(acm, monkeypatch):
    monkeypatch.setattr(acm_store, "MAX_CERTIFICATES", 2)
    for _ in range(2):
        await acm.imported()
    pair = self_signed()
    code, _ = await acm.refusal("ImportCertificate", Certificate=pair.body, PrivateKey=pair.key)
    assert code == "LimitExceededException"
    code, _ = await acm.refusal("RequestCertificate", DomainName="a.example", KeyAlgorithm="EC_prime256v1")
    assert code == "LimitExceededException"
    await acm.imported(region="eu-west-1")
