"""TLS without sockets: what a control connection and its data connections share, and one encrypted stream.

Every control connection has a context of its own, and its data connections shake hands under it. So a session can be
resumed by the data connections of the control connection that it was made for, and by no other: a data connection that
resumes is the same client's, whichever address it comes from. Works for session tickets of TLS 1.2 and 1.3 alike.
"""

import logging
import os
import ssl
import weakref
from contextlib import suppress

from crossdock.core.errors import CrossdockError
from crossdock.core.ids import ServerId
from crossdock.core.servers import Server, TlsSessionResumption
from crossdock.core.tls_policies import TlsPolicy, tls_policy
from crossdock.ports.certificates import CertificateUnavailable, ServerCertificates, TlsCertificate

_log = logging.getLogger(__name__)

CONTROL_TICKETS = 2
"""As many as OpenSSL gives by default (TLS 1.3)."""
DATA_TICKETS = 1


class TlsFailed(CrossdockError):
    """The handshake failed, or what came is no TLS; the message says what OpenSSL thinks of it."""


class TlsTruncated(CrossdockError):
    """The stream ended without a close_notify, so nobody can know whether that was its end (RFC 8446 §6.1)."""


class KeyFile:
    """A certificate with its key as a file, which is what OpenSSL's loader reads; it is on no disk.

    It is gone when nobody holds this object any more.
    """

    def __init__(self, certificate: TlsCertificate) -> None:
        self.fingerprint = certificate.fingerprint
        descriptor = os.memfd_create("tls-certificate", os.MFD_CLOEXEC)
        weakref.finalize(self, os.close, descriptor)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(f"{certificate.chain_pem}\n{certificate.key_pem}".encode())
        self.path = f"/proc/self/fd/{descriptor}"


class KeyRing:
    """The certificates of servers, each as it is now; a new one counts from the next handshake on."""

    def __init__(self, certificates: ServerCertificates) -> None:
        self._certificates = certificates
        self._files: dict[ServerId, KeyFile] = {}

    async def current(self, server: Server) -> KeyFile:
        """The last that could be had. Raises CertificateUnavailable when there never was one."""
        kept = self._files.get(server.server_id)
        try:
            certificate = await self._certificates.certificate(server)
            if kept is None or kept.fingerprint != certificate.fingerprint:
                kept = self._files[server.server_id] = _tried_key_file(certificate, server)
        except CertificateUnavailable as error:
            if kept is None:
                raise
            _log.warning(
                "the certificate cannot be used, the last one stays",
                extra={"server_id": server.server_id, "reason": str(error)},
            )
        return kept

    def forget(self, server_id: ServerId) -> None:
        self._files.pop(server_id, None)


class ConnectionTls:
    """The TLS of one control connection: first its own stream, then those of its data connections."""

    def __init__(self, key_file: KeyFile, policy: TlsPolicy, resumption: TlsSessionResumption) -> None:
        self._key_file = key_file
        self._policy = policy
        self._resumption = resumption
        self._context = self._new_context()

    @property
    def is_resumption_enforced(self) -> bool:
        return self._resumption is TlsSessionResumption.ENFORCED

    def control_stream(self) -> "TlsStream":
        return self._stream(CONTROL_TICKETS)

    def data_stream(self, *, only_sends: bool) -> "TlsStream":
        """A stream on which the client sends has no ticket: a client may close as soon as it has sent everything, and
        were a ticket unread by then, its kernel would reset the connection, and the tail of what it sent be lost.

        Clients that use a ticket of TLS 1.3 once (curl) need one for their next data connection. Who reads to the end
        reads the ticket, too.
        """
        if self._resumption is TlsSessionResumption.DISABLED:
            return TlsStream(self._new_context())
        return self._stream(DATA_TICKETS if only_sends else 0)

    def _stream(self, tickets: int) -> "TlsStream":
        self._context.num_tickets = tickets  # of streams that are made from now on
        return TlsStream(self._context)

    def _new_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion[self._policy.min_version.replace(".", "_")]
        context.set_ciphers(self._policy.ciphers)
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.num_tickets = 0
        context.load_cert_chain(self._key_file.path)
        return context


def _tried_key_file(certificate: TlsCertificate, server: Server) -> KeyFile:
    """A certificate that connections can be made with. OpenSSL demands more of one than that it can be read.

    Raises CertificateUnavailable.
    """
    try:
        key_file = KeyFile(certificate)
        ConnectionTls(key_file, tls_policy(server.security_policy), server.tls_session_resumption)
    except ssl.SSLError as error:
        raise CertificateUnavailable(
            f"OpenSSL does not take the certificate of {server.server_id} ({_reason(error)}): the keys of its chain "
            "must be RSA of 2048 bits or more, or elliptic curve, and its signatures made with SHA-256 or better"
        ) from error
    except OSError as error:
        raise CertificateUnavailable(
            f"the certificate of {server.server_id} cannot be loaded: {error.strerror}"
        ) from error
    return key_file


class TlsStream:
    """The server's end of one TLS connection: what came is fed, what is to be sent is taken.

    Not for several threads at the same time; one after the other is fine.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.is_established = False

    @property
    def is_resumed(self) -> bool:
        return bool(self._tls.session_reused)

    def feed(self, data: bytes | memoryview) -> None:
        self._incoming.write(data)

    def feed_end(self) -> None:
        """The connection has ended; what was fed can still be read."""
        self._incoming.write_eof()

    def take(self) -> bytes:
        """What has to be sent now; often nothing."""
        return self._outgoing.read()

    def shake_hands(self) -> bool:
        """Go on with the handshake; True when it is done, False when more has to come. Raises TlsFailed."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise TlsFailed(_reason(error)) from error
        self.is_established = True
        return True

    def read_into(self, view: memoryview) -> int | None:
        """Decrypt at most one record (16 KiB); None when more has to come, 0 when the other side has closed in order.

        Raises TlsTruncated, TlsFailed.
        """
        try:
            return self._tls.read(len(view), view)  # type: ignore[return-value]
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLEOFError as error:
            raise TlsTruncated("the stream ended without a close_notify") from error
        except ssl.SSLError as error:
            raise TlsFailed(_reason(error)) from error

    def write(self, data: bytes | memoryview) -> None:
        """Encrypt all of it. Raises TlsFailed."""
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            raise TlsFailed(_reason(error)) from error

    def close(self) -> None:
        """Say that nothing more will be sent; harmless on a stream that is broken."""
        with suppress(ssl.SSLError):  # the other side's answer, which nobody waits for, or nothing to be said any more
            self._tls.unwrap()


def _reason(error: ssl.SSLError) -> str:
    return error.reason or str(error)
