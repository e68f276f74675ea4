"""A service's control socket that answers what a test says, for the commands that ask it.

with control_service(tmp_path, {"/endpoints": []}) as asked: ...
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

from crossdock.operations.socket_paths import bindable

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE123456789",
    "AWS_SECRET_ACCESS_KEY": "it's/a+secret",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
}
HUB = {"/accounts/hub/environment": KEYS}


class Asked(list[str]):
    """The paths that were asked, and the questions that came with some."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[object] = []


@contextmanager
def control_service(data_dir: Path, answers: Mapping[str, object]) -> Iterator["Asked"]:
    """Answers paths with JSON, with raw bytes, or with a pair of status and JSON; others with 404. Yields what was
    asked."""
    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.do_GET()

        def do_GET(self) -> None:
            asked.append(self.path)
            answer = answers.get(self.path, (404, {"message": f"there is nothing at {self.path}"}))
            status, body = answer if isinstance(answer, tuple) else (200, answer)
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def address_string(self) -> str:
            return "unix"

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: the test's output is its own."""

    path = data_dir / "run" / "control.sock"
    path.parent.mkdir(parents=True)
    with bindable(path) as name:
        server = ThreadingUnixStreamServer(name, Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
