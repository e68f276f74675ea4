"""TLS between memory buffers: who may resume what, how streams end, and which certificate counts."""

import os
import ssl
from collections.abc import Callable
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from tests.fakes.certificates import FakeCertificates, client_context, self_signed
from tests.fakes.ftp_house import ftp_server
from tests.fakes.sockets import no_descriptor_left
from tests.fakes.tls_client import TlsClient
from tests.fakes.x509 import Pair, issued_by, rsa_key
from tests.fakes.x509 import self_signed as signed_pair

from crossdock.core.ids import ServerId
from crossdock.core.servers import TlsSessionResumption
from crossdock.core.tls_policies import tls_policy
from crossdock.ftp.tls import ConnectionTls, KeyFile, KeyRing, TlsFailed, TlsStream, TlsTruncated
from crossdock.ports.certificates import CertificateUnavailable, TlsCertificate

DEFAULT = tls_policy("TransferSecurityPolicy-2024-01")
ENABLED, DISABLED, ENFORCED = (
    TlsSessionResumption.ENABLED,
    TlsSessionResumption.DISABLED,
    TlsSessionResumption.ENFORCED,
)


def connection_tls(
    resumption: TlsSessionResumption = ENFORCED, certificate: TlsCertificate | None = None
) -> ConnectionTls:
    return ConnectionTls(KeyFile(certificate or self_signed()), DEFAULT, resumption)


def established(context: ssl.SSLContext) -> tuple[TlsClient, TlsStream]:
    client, server = TlsClient(context), connection_tls().control_stream()
    client.shake(server)
    return client, server


def read(server: TlsStream, size: int = 1 << 16) -> bytes | None:
    buffer = memoryview(bytearray(size))
    count = server.read_into(buffer)
    return None if count is None else bytes(buffer[:count])


# One stream.


def test_both_sides_understand_each_other(context: ssl.SSLContext) -> None:
    client, server = established(context)
    assert server.is_established
    assert not server.is_resumed
    server.write(b"from the server")
    assert client.decrypted(server.take()) == b"from the server"
    server.feed(client.encrypted(b"from the client"))
    assert read(server) == b"from the client"
    assert read(server) is None
    assert server.take() == b""


def test_a_handshake_may_come_byte_by_byte(context: ssl.SSLContext) -> None:
    client, server = TlsClient(context), connection_tls().control_stream()
    for _ in range(4):
        with suppress(ssl.SSLWantReadError):
            client.tls.do_handshake()
        for byte in client.outgoing.read():
            assert not server.is_established
            server.feed(bytes([byte]))
            server.shake_hands()
        client.incoming.write(server.take())
    assert server.is_established


def test_bytes_that_came_with_the_end_of_the_handshake_are_not_lost() -> None:
    """In TLS 1.3, where the client ends the handshake."""
    client, server = TlsClient(client_context()), connection_tls().control_stream()
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.do_handshake()
    server.feed(client.outgoing.read())
    assert not server.shake_hands()
    client.incoming.write(server.take())
    client.tls.do_handshake()
    server.feed(client.encrypted(b"at once"))
    assert server.shake_hands()
    assert read(server) == b"at once"


def test_a_close_notify_is_the_end_and_its_lack_is_not(context: ssl.SSLContext) -> None:
    client, server = established(context)
    server.feed(client.encrypted(b"last") + client.closing())
    server.feed_end()
    assert [read(server), read(server), read(server)] == [b"last", b"", b""]

    client, server = established(context)
    server.feed(client.encrypted(b"last"))
    server.feed_end()
    assert read(server) == b"last"
    with pytest.raises(TlsTruncated):
        read(server)


def test_a_record_that_is_cut_off_is_no_end(context: ssl.SSLContext) -> None:
    client, server = established(context)
    server.feed(client.encrypted(b"x" * 1000)[:-1])
    server.feed_end()
    with pytest.raises(TlsTruncated):
        read(server)


def test_a_record_that_was_changed_on_its_way_fails(context: ssl.SSLContext) -> None:
    client, server = established(context)
    record = bytearray(client.encrypted(b"x" * 1000))
    record[-1] ^= 1
    server.feed(record)
    with pytest.raises(TlsFailed, match=r"(?i)bad.*mac"):
        read(server)


def test_closing_says_so_to_the_other_side_and_is_harmless_on_a_stream_that_is_none(context: ssl.SSLContext) -> None:
    client, server = established(context)
    server.write(b"goodbye")
    server.close()
    client.incoming.write(server.take())
    assert (client.tls.read(100), client.tls.read(100)) == (b"goodbye", b"")
    fresh = connection_tls().control_stream()
    fresh.close()
    assert fresh.take() == b""


def test_nothing_can_be_written_after_closing(context: ssl.SSLContext) -> None:
    _, server = established(context)
    server.close()
    with pytest.raises(TlsFailed):
        server.write(b"x")


@pytest.mark.parametrize("garbage", [b"USER user1\r\n", bytes(100), b"\x16\x03\x01\xff\xff" + b"x" * 100])
def test_garbage_is_no_handshake(garbage: bytes) -> None:
    server = connection_tls().control_stream()
    server.feed(garbage)
    with pytest.raises(TlsFailed):
        server.shake_hands()


def test_a_client_that_goes_in_mid_handshake_has_failed(context: ssl.SSLContext) -> None:
    client, server = TlsClient(context), connection_tls().control_stream()
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.do_handshake()
    server.feed(client.outgoing.read())
    assert not server.shake_hands()
    server.feed_end()
    with pytest.raises(TlsFailed):
        server.shake_hands()


def test_a_client_that_does_not_trust_the_certificate_says_so() -> None:
    client = TlsClient(client_context(self_signed("elsewhere")))
    server = connection_tls().control_stream()
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.do_handshake()
    server.feed(client.outgoing.read())
    assert not server.shake_hands()
    client.incoming.write(server.take())
    with pytest.raises(ssl.SSLCertVerificationError):
        client.tls.do_handshake()
    server.feed(client.outgoing.read())
    with pytest.raises(TlsFailed, match=r"(?i)alert"):
        server.shake_hands()


# Who may resume what.


def resumes(context: ssl.SSLContext, session: ssl.SSLSession, tls: ConnectionTls) -> bool:
    client, server = TlsClient(context, session), tls.data_stream(only_sends=False)
    client.shake(server)
    assert client.tls.session_reused is server.is_resumed
    return server.is_resumed


def control_session(context: ssl.SSLContext, tls: ConnectionTls) -> ssl.SSLSession:
    client, server = TlsClient(context), tls.control_stream()
    client.shake(server)
    return client.session_after_tickets()


@pytest.mark.parametrize("mode", [ENABLED, ENFORCED])
def test_data_connections_resume_their_control_connections_session(
    context: ssl.SSLContext, mode: TlsSessionResumption
) -> None:
    tls = connection_tls(mode)
    session = control_session(context, tls)
    assert [resumes(context, session, tls) for _ in range(5)] == [True] * 5
    assert tls.is_resumption_enforced is (mode is ENFORCED)


def test_nobody_resumes_the_session_of_another_control_connection(context: ssl.SSLContext) -> None:
    """Same server, same certificate, the same client even."""
    key_file = KeyFile(self_signed())
    one, other = (ConnectionTls(key_file, DEFAULT, ENFORCED) for _ in range(2))
    first, second = control_session(context, one), control_session(context, other)
    assert not resumes(context, first, other)
    assert not resumes(context, second, one)
    assert resumes(context, first, one)


def test_without_resumption_nothing_is_resumed(context: ssl.SSLContext) -> None:
    tls = connection_tls(DISABLED)
    session = control_session(context, tls)
    assert not resumes(context, session, tls)
    client, server = TlsClient(context), tls.data_stream(only_sends=False)
    client.shake(server)
    assert not tls.is_resumption_enforced
    if client.tls.session is not None and client.tls.session.has_ticket:
        assert not resumes(context, client.tls.session, tls)


def said_behind_the_handshake(tls: ConnectionTls, client: TlsClient, *, only_sends: bool) -> bytes:
    server = tls.data_stream(only_sends=only_sends)
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.do_handshake()
    server.feed(client.outgoing.read())
    server.shake_hands()
    client.incoming.write(server.take())
    client.tls.do_handshake()
    server.feed(client.outgoing.read())
    assert server.shake_hands()
    return server.take()


@pytest.mark.parametrize("mode", list(TlsSessionResumption))
def test_a_client_that_uploads_gets_no_ticket_that_it_could_leave_unread(mode: TlsSessionResumption) -> None:
    context = client_context()
    tls = connection_tls(mode)
    session = control_session(context, tls)
    assert said_behind_the_handshake(tls, TlsClient(context, session), only_sends=False) == b""
    assert said_behind_the_handshake(tls, TlsClient(context), only_sends=False) == b""


def test_a_client_that_uses_each_ticket_once_always_has_one_more() -> None:
    context = client_context()
    tls = connection_tls()
    session = control_session(context, tls)
    for _ in range(5):
        client = TlsClient(context, session)
        client.decrypted(said_behind_the_handshake(tls, client, only_sends=True))
        assert client.tls.session_reused
        session, before = client.session_after_tickets(), session
        assert session != before


# Policies and certificates.

OLD = "TransferSecurityPolicy-2018-11"


@pytest.mark.parametrize(
    ("policy", "offered", "is_met"),
    [
        (DEFAULT, "ECDHE-ECDSA-AES128-GCM-SHA256", True),
        (DEFAULT, "ECDHE-ECDSA-CHACHA20-POLY1305", False),
        (DEFAULT, "ECDHE-ECDSA-AES256-CCM", False),
        (tls_policy(OLD), "ECDHE-ECDSA-AES256-SHA384", True),
        (tls_policy(OLD), "ECDHE-ECDSA-CHACHA20-POLY1305", False),
    ],
)
def test_a_client_has_to_offer_one_of_the_policys_ciphers(policy: object, offered: str, is_met: bool) -> None:
    context = client_context(version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(offered)
    client = TlsClient(context)
    server = ConnectionTls(KeyFile(self_signed()), policy, ENFORCED).control_stream()  # type: ignore[arg-type]
    if is_met:
        client.shake(server)
        assert client.tls.cipher()[0] == offered  # type: ignore[index]
    else:
        with pytest.raises(TlsFailed, match="NO_SHARED_CIPHER"):
            client.shake(server)


def test_the_server_chooses_among_the_ciphers() -> None:
    context = client_context(version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256")
    client, server = TlsClient(context), connection_tls().control_stream()
    client.shake(server)
    assert client.tls.cipher()[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"  # type: ignore[index]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_client_that_only_knows_older_versions_fails() -> None:
    context = client_context()
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    client, server = TlsClient(context), connection_tls().control_stream()
    with pytest.raises(TlsFailed, match="UNSUPPORTED_PROTOCOL"):
        client.shake(server)


async def test_the_last_certificate_stays_when_none_can_be_had(caplog: pytest.LogCaptureFixture) -> None:
    certificates = FakeCertificates()
    ring = KeyRing(certificates)
    first = await ring.current(ftp_server())
    assert await ring.current(ftp_server()) is first
    certificates.current = None
    assert await ring.current(ftp_server()) is first
    assert [record.__dict__["reason"] for record in caplog.records] == ["the certificate is gone"]
    with pytest.raises(CertificateUnavailable):
        await ring.current(ftp_server(server_id=ServerId("s-00000000000000001")))
    ring.forget(ftp_server().server_id)
    with pytest.raises(CertificateUnavailable):
        await ring.current(ftp_server())


async def test_a_new_certificate_is_taken_and_connections_under_way_keep_theirs() -> None:
    context = client_context()
    certificates = FakeCertificates()
    ring = KeyRing(certificates)
    tls = ConnectionTls(await ring.current(ftp_server()), DEFAULT, DISABLED)
    certificates.current = self_signed("new")
    new = await ring.current(ftp_server())
    assert new.fingerprint == certificates.current.fingerprint
    client = TlsClient(context)
    client.shake(tls.data_stream(only_sends=False))  # the client trusts the old one only


def weak_key() -> TlsCertificate:
    return shown(signed_pair(private=rsa_key(1024)))


def weak_issuer() -> TlsCertificate:
    issuer = signed_pair("Tests CA", is_ca=True, private=rsa_key(1024))
    return shown(issued_by(issuer, private=rsa_key()), issuer)


def shown(leaf: Pair, *issuers: Pair) -> TlsCertificate:
    return TlsCertificate(
        chain_pem=b"".join(pair.body for pair in (leaf, *issuers)).decode(),
        key_pem=leaf.key.decode(),
        fingerprint=leaf.certificate.fingerprint(SHA256()).hex(),
    )


@pytest.mark.parametrize(
    ("make", "reason"), [(weak_key, "EE_KEY_TOO_SMALL"), (weak_issuer, "CA_KEY_TOO_SMALL")], ids=["key", "issuer"]
)
async def test_a_certificate_that_openssl_refuses_counts_as_none(
    make: Callable[[], TlsCertificate], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    certificates = FakeCertificates(make())
    ring = KeyRing(certificates)
    with pytest.raises(CertificateUnavailable, match=rf"of s-\w+ \({reason}\): .* RSA of 2048 bits or more"):
        await ring.current(ftp_server())
    certificates.current = self_signed()
    good = await ring.current(ftp_server())
    certificates.current = make()
    assert await ring.current(ftp_server()) is good
    assert [reason in record.__dict__["reason"] for record in caplog.records] == [True]
    certificates.current = self_signed("new")
    assert (await ring.current(ftp_server())).fingerprint == certificates.current.fingerprint


async def test_a_certificate_that_cannot_be_loaded_for_want_of_descriptors_is_tried_again() -> None:
    certificates = FakeCertificates(self_signed())
    ring = KeyRing(certificates)
    with no_descriptor_left(), pytest.raises(CertificateUnavailable, match="Too many open files"):
        await ring.current(ftp_server())
    first = await ring.current(ftp_server())
    certificates.current = self_signed("new")
    with no_descriptor_left():
        assert await ring.current(ftp_server()) is first
    assert (await ring.current(ftp_server())).fingerprint == certificates.current.fingerprint


def test_a_key_is_in_no_file_that_stays() -> None:
    key_file = KeyFile(self_signed())
    path = key_file.path
    assert "memfd:" in os.readlink(path)
    del key_file
    assert not os.path.exists(path) or "tls-certificate" not in os.readlink(path)
