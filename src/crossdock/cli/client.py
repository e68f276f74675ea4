"""How a command talks to the running service: HTTP over `DIR/run/control.sock`."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

import click

from crossdock.operations.socket_paths import bindable

TIMEOUT_S = 30.0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with bindable(self._path) as name:
            self.sock.connect(name)


def ask_service(data_dir: Path, path: str, *, question: Any = None, timeout_s: float = TIMEOUT_S) -> Any:
    """GET a path of the control interface, or POST it a question as JSON, and return the JSON of its answer.

    Raises:
        click.ClickException: no service runs in that data directory, or it refuses; exit code 1.
    """
    connection = _UnixConnection(data_dir / "run" / "control.sock", timeout_s)
    try:
        if question is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(question), {"Content-Type": "application/json"})
        response = connection.getresponse()
        body = json.loads(response.read())
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
        # Refused: a service that was killed leaves its socket there, and nobody listens on it.
        raise click.ClickException(
            f"no Crossdock service runs in {data_dir}: start one with `crossdock serve --data-dir {data_dir}`, "
            "or name another directory with --data-dir or CROSSDOCK_DATA_DIR"
        ) from error
    except PermissionError as error:
        raise click.ClickException(
            f"the Crossdock service of {data_dir} belongs to another user: run this command as that user"
        ) from error
    except TimeoutError as error:
        raise click.ClickException(
            f"the Crossdock service of {data_dir} did not answer within {timeout_s:g} s"
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise click.ClickException(
            f"the Crossdock service of {data_dir} gave no answer that this command understands ({error}): "
            "is it of the same version?"
        ) from error
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise click.ClickException(_refusal(body, response.status))
    return body


def _refusal(body: Any, status: int) -> str:
    message = body.get("message") if isinstance(body, dict) else None
    return str(message or f"the Crossdock service answered with the status {status}")
