"""What logins and sessions tell the server's log group, in Transfer's JSON form.

Each session has a stream of its own, `user.sessionid`; what belongs to no session goes to the stream `ERRORS`. Numbers
of bytes are texts, as in AWS's samples. The client is never told what these events say of a refusal.

Source: AWS Transfer Family User Guide, "CloudWatch log structure for Transfer Family" and "Example CloudWatch log
entries". AWS shows no sample of ERROR, RENAME, MKDIR and RMDIR in JSON: their fields are those of its field table, and
`new-path` is its legacy `NewPath` in the same spelling.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from crossdock.core.homes import HomeDirectory, LogicalHome, initial_directory
from crossdock.core.logins import LoginAttempt, Password, SshFacts
from crossdock.core.servers import Server
from crossdock.core.ssh_public_keys import BadPublicKey, parse_public_key
from crossdock.ports.authority import TransferLog
from crossdock.ports.state import JsonValue

ERRORS_STREAM = "ERRORS"
MAX_MESSAGE = 2000
"""Characters, of paths too: what a function or a policy said has no bound, and a path is whatever a client makes up."""

Event = Mapping[str, JsonValue]


class Activity(StrEnum):
    AUTH_FAILURE = "AUTH_FAILURE"
    CONNECTED = "CONNECTED"
    DISCONNECTED = "DISCONNECTED"
    ERROR = "ERROR"
    OPEN = "OPEN"
    CLOSE = "CLOSE"
    PARTIAL_CLOSE = "PARTIAL_CLOSE"
    DELETE = "DELETE"
    MKDIR = "MKDIR"
    RENAME = "RENAME"
    RMDIR = "RMDIR"
    SETSTAT = "SETSTAT"


class Mode(StrEnum):
    """How a client opens a file."""

    WRITE = "CREATE|TRUNCATE|WRITE"
    CONTINUE = "CREATE|WRITE"
    READ = "READ"


class Direction(StrEnum):
    """Which field counts a file's bytes."""

    IN = "bytes-in"
    OUT = "bytes-out"


def auth_failure(server: Server, attempt: LoginAttempt, reason: str) -> Event:
    """A login that was refused, for the stream `ERRORS`. The user name is whatever the client typed."""
    return {
        "activity-type": Activity.AUTH_FAILURE,
        "method": "password" if isinstance(attempt.credential, Password) else "publickey",
        "user": attempt.username[:100],
        "source-ip": attempt.source_ip,
        "resource-arn": str(server.arn),
        "message": reason[:MAX_MESSAGE],
    }


def ssh_fields(ssh: SshFacts) -> Event:
    """What AWS tells of an SSH connection; the key, where one was proved."""
    proxied = {"proxy-protocol-v2-header": ssh.proxy_header} if ssh.proxy_header else {}
    fields: Event = {"ciphers": ssh.ciphers, "client": ssh.client, "kex": ssh.kex, **proxied}
    try:
        key = parse_public_key(ssh.key_line)
    except BadPublicKey:
        return fields
    return {
        **fields,
        "ssh-public-key": base64.b64encode(key.blob).decode(),
        "ssh-public-key-fingerprint": key.fingerprint,
        "ssh-public-key-type": key.algorithm,
    }


def home_field(home: HomeDirectory) -> str:
    """`home-dir`: always `/` for a logical home directory."""
    return "/" if isinstance(home, LogicalHome) else initial_directory(home)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLog:
    """One session's stream. Paths are those in the store, `/bucket/key`."""

    log: TransferLog
    server: Server
    username: str
    session_id: str

    @property
    def stream(self) -> str:
        return f"{self.username}.{self.session_id}"

    def connected(
        self,
        *,
        source_ip: str,
        home: HomeDirectory,
        role_arn: str,
        session_policy: str | None,
        ssh: SshFacts | None = None,
    ) -> None:
        policy = {"user-policy": session_policy} if session_policy is not None else {}
        self._record(
            Activity.CONNECTED,
            {
                "role": role_arn,
                "source-ip": source_ip,
                "user": self.username,
                "home-dir": home_field(home),
                **policy,
                **(ssh_fields(ssh) if ssh is not None else {}),
            },
        )

    def opened(self, path: str, mode: Mode) -> None:
        self._record(Activity.OPEN, {**_path(path), "mode": mode})

    def closed(self, path: str, direction: Direction, size: int) -> None:
        self._record(Activity.CLOSE, {**_path(path), direction: str(size)})

    def partially_closed(self, path: str, direction: Direction, size: int, reason: str) -> None:
        """A transfer that did not come to its end. The reason tells what stays of an upload, where anything does."""
        self._record(Activity.PARTIAL_CLOSE, {**_path(path), direction: str(size), **_message(reason)})

    def done(self, activity: Activity, path: str) -> None:
        """DELETE, MKDIR, RMDIR, or SETSTAT where the server ignores it."""
        self._record(activity, _path(path))

    def renamed(self, path: str, new_path: str) -> None:
        self._record(Activity.RENAME, {**_path(path), "new-path": new_path[:MAX_MESSAGE]})

    def failed(self, operation: str, path: str, reason: str) -> None:
        """An operation that was refused or went wrong, with the reason the client never sees."""
        self._record(Activity.ERROR, {"operation": operation, **_path(path), **_message(reason)})

    def renewal_refused(self, reason: str) -> None:
        self._record(Activity.ERROR, {"operation": "ASSUME_ROLE", **_message(reason)})

    def disconnected(self, reason: str = "") -> None:
        self._record(Activity.DISCONNECTED, _message(reason))

    def _record(self, activity: Activity, fields: Event) -> None:
        event = {
            "activity-type": activity.value,
            "resource-arn": str(self.server.arn),
            "session-id": self.session_id,
            **fields,
        }
        self.log.record(self.server, self.stream, event)


def _path(path: str) -> Event:
    return {"path": path[:MAX_MESSAGE]}


def _message(reason: str) -> Event:
    return {"message": reason[:MAX_MESSAGE]} if reason else {}
