"""A control connection: lines there and back, and data connections to the passive ports (RFC 959, RFC 4217)."""

import re
import socket
import ssl

from bench.ftp.client.data import Data, PlainData, TlsData
from bench.harness.clients.jobs import ClientFailed, Endpoint

TIMEOUT_S = 300.0
_BIND_ADDRESS_NO_PORT = 24
"""`IP_BIND_ADDRESS_NO_PORT` of ip(7), which Python's `socket` does not name."""
PASSIVE = re.compile(r"\((\d+,\d+,\d+,\d+),(\d+),(\d+)\)")


class UnexpectedReply(ClientFailed):
    """The server answered otherwise than the job needs; the message has the command's word and the reply."""


class Control:
    def __init__(self, endpoint: Endpoint, *, source: str = "") -> None:
        bound = (source, 0) if source else None
        self._endpoint = endpoint
        self._socket = socket.create_connection((endpoint.host, endpoint.port), TIMEOUT_S, bound)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self._context = tls_context() if endpoint.is_tls else None

    def greet(self) -> None:
        """Read the greeting, and go over to TLS where the endpoint wants it."""
        self.expect("the greeting", "220")
        if self._context is not None:
            self.ask("AUTH TLS", "234")
            self._socket = self._context.wrap_socket(self._socket, server_hostname=self._endpoint.host)

    def login(self) -> None:
        self.greet()
        if self.ask(f"USER {self._endpoint.user}", "331", "230").startswith("331"):
            self.ask(f"PASS {self._endpoint.password}", "230")
        if self._context is not None:
            self.ask("PBSZ 0", "200")
            self.ask("PROT P", "200")
        if self._endpoint.folder:
            self.ask(f"CWD {self._endpoint.folder}", "250")
        self.ask("TYPE I", "200")

    def send(self, command: str) -> None:
        self._socket.sendall(f"{command}\r\n".encode())

    def ask(self, command: str, *codes: str) -> str:
        """The reply's last line; raises UnexpectedReply when it has none of the codes."""
        self.send(command)
        return self.expect(command.partition(" ")[0], *codes)

    def expect(self, what: str, *codes: str) -> str:
        line = self._line()
        if line[3:4] == "-":
            end = line[:3] + " "
            while not (line := self._line()).startswith(end):
                pass
        if not line.startswith(codes):
            raise UnexpectedReply(f"{what}: {line or 'the connection was closed'}")
        return line

    def _line(self) -> str:
        while b"\n" not in self._rest:
            received = self._socket.recv(4096)
            if not received:
                return ""
            self._rest += received
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode(errors="replace").rstrip("\r")

    def passive(self) -> socket.socket:
        """A data connection, not yet under TLS: servers begin that after the transfer's command."""
        found = PASSIVE.search(self.ask("PASV", "227"))
        if found is None:
            raise UnexpectedReply("PASV: no address in the reply")
        port = int(found[2]) * 256 + int(found[3])
        connection = socket.socket()
        connection.settimeout(TIMEOUT_S)
        # The port is chosen when it connects: bound before, none would be free while a hundred thousand linger.
        connection.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        connection.bind((self._socket.getsockname()[0], 0))
        connection.connect((self._endpoint.host, port))
        return connection

    def open(self, command: str) -> Data:
        """Passive, the command, its preliminary reply, and TLS where it is wanted."""
        data = self.passive()
        return self.begin(command, data)

    def begin(self, command: str, data: socket.socket) -> Data:
        self.send(command)
        self.expect(command.partition(" ")[0], "150", "125")
        if self._context is None:
            return PlainData(data)
        session = self._socket.session if isinstance(self._socket, ssl.SSLSocket) else None
        return TlsData(data, self._context, self._endpoint.host, session)

    @property
    def cipher(self) -> str:
        found = self._socket.cipher() if isinstance(self._socket, ssl.SSLSocket) else None
        return f"{found[1]} {found[0]}" if found else ""

    def finished(self) -> None:
        self.expect("the end of the transfer", "226", "250")

    def quit(self) -> None:
        """Politely, for servers that count sessions; not waiting for an answer."""
        self.send("QUIT")
        self._socket.close()

    def close(self) -> None:
        self._socket.close()


def tls_context() -> ssl.SSLContext:
    """AES-128-GCM with every version: for TLS 1.3, whose suites `ssl` cannot choose, OPENSSL_CONF does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ECDHE+AESGCM:!AES256")
    return context
