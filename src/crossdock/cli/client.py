"""How a command talks to the running service: HTTP over `DIR/run/control.sock`."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

import click


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(str(self._path))


def ask_service(data_dir: Path, path: str) -> Any:
    """GET a path of the control interface and return its JSON.

    Raises:
        click.ClickException: no service runs in that data directory, or it refuses; exit code 1.
    """
    connection = _UnixConnection(data_dir / "run" / "control.sock")
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = json.loads(response.read())
    except FileNotFoundError as error:
        raise click.ClickException(
            f"no Crossdock service runs in {data_dir}: start one with `crossdock serve --data-dir {data_dir}`"
        ) from error
    except (ConnectionError, OSError) as error:
        raise click.ClickException(
            f"the Crossdock service of {data_dir} does not answer ({error}): is it still running?"
        ) from error
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise click.ClickException(body["message"])
    return body
