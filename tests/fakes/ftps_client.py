"""Python's FTP client as FTPS servers want it: its data connections resume the control connection's session."""

import ftplib
import socket
import ssl
from typing import cast


class ResumingFtpTls(ftplib.FTP_TLS):
    """`resumes` = False for the client as Python ships it."""

    resumes = True

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:  # type: ignore[attr-defined]
            session = cast(ssl.SSLSocket, self.sock).session if self.resumes else None
            connection = self.context.wrap_socket(connection, server_hostname=self.host, session=session)
        return connection, size
