"""What AWS refuses is refused with AWS's code and a sentence, and the service goes on.

Every refusal is followed by a question that must be answered, and none may have been an internal error.
"""

import json
import socket
import time
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.e2e.harness import Service, start_service
from tests.e2e.refusals import REFUSALS, TRUST

MAX_S = 10.0
"""Far more than any refusal takes, on a busy machine too."""


@dataclass(slots=True)
class World:
    service: Service
    clients: dict = field(default_factory=dict)

    def client(self, name: str):
        """One that sends whatever it is told to."""
        if name not in self.clients:
            self.clients[name] = self.service.client("hub", name, parameter_validation=False)
        return self.clients[name]

    def refused(self, service: str, operation: str, **params) -> ClientError:
        client = self.client(service)
        with pytest.raises(ClientError) as refusal:
            getattr(client, operation)(**params)
        return refusal.value

    def signed(self, service: str, method: str, path: str, body: bytes, headers: dict[str, str] | None = None):
        """A request as it leaves a client, with whatever body: status and answer."""
        variables = self.service.environment("hub")
        credentials = Credentials(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
        request = AWSRequest(method, self.service.api_url + path, headers=headers or {}, data=body)
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(credentials, service, variables["AWS_REGION"]).add_auth(request)
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        length = "" if "content-length" in lines.lower() else f"Content-Length: {len(body)}\r\n"
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.address}\r\nConnection: close\r\n{length}{lines}\r\n"
        return self.raw(head.encode() + body)

    @property
    def address(self) -> str:
        return self.service.api_url.removeprefix("http://")

    def raw(self, data: bytes, *, ends: bool = False) -> tuple[int, bytes]:
        """Send bytes, and perhaps no more, and read to the end; status 0 when the connection was just ended."""
        host, port = self.address.split(":")
        answer = b""
        with socket.create_connection((host, int(port)), timeout=MAX_S) as connection:
            # The service may have answered and gone before it has everything.
            with suppress(OSError):
                connection.sendall(data)
                if ends:
                    connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):
                while chunk := connection.recv(65536):
                    answer += chunk
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]) if head.startswith(b"HTTP/1.1 ") else 0, body

    def answers(self) -> bool:
        return self.client("sts").get_caller_identity()["Account"] == "111111111111"

    def memory_mib(self) -> int:
        status = Path(f"/proc/{self.service.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) >> 10


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> World:
    with start_service(tmp_path_factory.mktemp("bad") / "data") as service:
        world = World(service)
        world.client("iam").create_role(RoleName="there", AssumeRolePolicyDocument=TRUST)
        world.client("s3").create_bucket(Bucket="there")
        world.client("s3").put_object(Bucket="there", Key="k", Body=b"123")
        yield world


@pytest.fixture
def world(running) -> World:
    """The one service of this module; after each test it answers, and nothing has surprised it."""
    began = len(running.service.log())
    began_at = time.monotonic()
    yield running
    assert time.monotonic() - began_at < MAX_S
    assert running.answers()
    log = [json.loads(line) for line in running.service.log()[began:].splitlines()]
    assert [line for line in log if line["level"] in ("ERROR", "CRITICAL")] == []


CASES = [
    pytest.param(service, *case, id=f"{service}-{case[0]}-{number}")
    for service, cases in REFUSALS.items()
    for number, case in enumerate(cases)
]


@pytest.mark.parametrize(("service", "operation", "params", "code"), CASES)
def test_what_aws_refuses_is_refused_with_its_code_and_a_sentence(world, service, operation, params, code):
    error = world.refused(service, operation, **params).response
    assert error["Error"]["Code"] == code
    assert 400 <= error["ResponseMetadata"]["HTTPStatusCode"] <= (501 if code == "NotImplemented" else 416)
    assert len(error["Error"]["Message"].split()) >= 2
    assert "Traceback" not in error["Error"]["Message"]


def test_nothing_was_made_by_what_was_refused(world):
    """Whatever order the tests run in: what they asked for is not there."""
    names = [role["RoleName"] for role in world.client("iam").list_roles()["Roles"]]
    assert names == ["there"]
    assert [bucket["Name"] for bucket in world.client("s3").list_buckets()["Buckets"]] == ["there"]
    assert world.client("s3").get_object(Bucket="there", Key="k")["Body"].read() == b"123"
    assert world.client("secretsmanager").list_secrets()["SecretList"] == []
    assert world.client("cloudformation").describe_stacks()["Stacks"] == []
    assert world.client("lambda").list_functions()["Functions"] == []
    assert world.client("transfer").list_servers()["Servers"] == []
    assert [path for path in (world.service.data_dir / "functions").rglob("*") if path.is_file()] == []
    assert not list(world.service.data_dir.rglob("evil.py"))


# Hostile documents and bodies, as no client library would write them

ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE Delete [<!ENTITY a "k"><!ENTITY b SYSTEM "file:///etc/passwd">]>
<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>&a;&b;</Key></Object></Delete>"""
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE Delete [<!ENTITY a0 "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
    + b"]><Delete><Object><Key>&a11;</Key></Object></Delete>"
)
DEEP_XML = b"<Delete>" + b"<Object>" * 100_000
XML = {"Content-Type": "application/xml"}


@pytest.mark.parametrize(
    "document",
    [ENTITIES, LAUGHS, DEEP_XML, b"<Delete><Object>", b"\xff\xfe\x00", b""],
    ids=["entities", "billion laughs", "deep", "cut", "no text", "nothing"],
)
def test_hostile_xml_is_malformed_xml(world, document):
    status, answer = world.signed("s3", "POST", "/there?delete=", document, {**XML, "Content-MD5": md5_of(document)})
    assert (status, b"<Code>MalformedXML</Code>" in answer or b"MissingRequestBodyError" in answer) == (400, True)
    assert world.client("s3").head_object(Bucket="there", Key="k")["ContentLength"] == 3


def md5_of(body: bytes) -> str:
    return b64encode(md5(body).digest()).decode()


def test_json_that_is_none_or_nests_without_end_is_refused(world):
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.CreateSecret"}
    for body in (b"{", b"[]", b"null", b'{"Name": 1}', b'{"Name": "\xff"}', b"[" * 200_000, b'{"a":' * 200_000, b"nan"):
        status, answer = world.signed("secretsmanager", "POST", "/", body, headers)
        assert status == 400, (body[:20], answer)
        assert json.loads(answer)["__type"] in ("SerializationException", "ValidationException")


def test_forms_of_the_query_protocol_that_make_no_sense_are_refused(world):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    version = b"Version=2010-05-08&Action="
    bodies = {
        b"": b"MissingAction",
        b"Action=GetRole&Version=1999-01-01": b"InvalidAction",
        version + b"NoSuchThing": b"InvalidAction",
        version + b"GetRole&RoleName=%ff%fe": b"",
        version + b"CreateRole&RoleName=r&AssumeRolePolicyDocument=x&Tags.member.999999999.Key=x": b"",
    }
    for body, code in bodies.items():
        status, answer = world.signed("iam", "POST", "/", body, headers)
        assert (400 <= status < 500, code in answer) == (True, True), (body, status, answer)


@pytest.mark.parametrize("service", ["secretsmanager", "iam", "lambda", "transfer", "logs"])
def test_a_body_that_no_call_needs_is_refused_before_it_fills_the_memory(world, service):
    before = world.memory_mib()
    headers = {"X-Amz-Target": "x.Y"} if service in ("secretsmanager", "transfer", "logs") else {}
    path = "/2015-03-31/functions" if service == "lambda" else "/"
    # Lambda takes archives, so its bodies may be larger; nobody's may be this large.
    status, answer = world.signed(service, "POST", path, bytes(100 << 20), headers)
    assert status in (413, 0), answer
    assert world.memory_mib() < before + 150


def test_a_document_for_s3_is_not_read_beyond_its_bound(world):
    for path in ("/there?policy=", "/there?delete="):
        method = "PUT" if "policy" in path else "POST"
        status, answer = world.signed("s3", method, path, bytes(64 << 20))
        assert status in (400, 413, 0), answer


NOBODY = "AKIA" + "N" * 16


def test_who_does_not_sign_or_signs_wrongly_is_told_awss_code(world):
    key = world.service.environment("hub")["AWS_ACCESS_KEY_ID"]
    today = datetime.now(UTC)
    scope = f"{today:%Y%m%d}/us-east-1/secretsmanager/aws4_request"
    head = (
        f"POST / HTTP/1.1\r\nHost: {world.address}\r\nConnection: close\r\nContent-Length: 2\r\n"
        "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: secretsmanager.ListSecrets\r\n"
    )
    signature = f"SignedHeaders=host;x-amz-date;x-amz-target, Signature={'0' * 64}"
    now, then = f"X-Amz-Date: {today:%Y%m%dT%H%M%SZ}\r\n", "X-Amz-Date: 20200101T000000Z\r\n"
    old_scope = f"20200101/{scope.partition('/')[2]}"
    cases = [
        ("", "MissingAuthenticationTokenException"),
        ("Authorization: nonsense\r\n", "IncompleteSignatureException"),
        (f"Authorization: AWS4-HMAC-SHA256 Credential={key}/{scope}\r\n{now}", "IncompleteSignatureException"),
        (
            f"Authorization: AWS4-HMAC-SHA256 Credential={key}/{scope}, {signature}\r\n{now}",
            "InvalidSignatureException",
        ),
        (
            f"Authorization: AWS4-HMAC-SHA256 Credential={key}/{old_scope}, {signature}\r\n{then}",
            "InvalidSignatureException",
        ),
        (
            f"Authorization: AWS4-HMAC-SHA256 Credential={NOBODY}/{scope}, {signature}\r\n{now}",
            "UnrecognizedClientException",
        ),
    ]
    for lines, code in cases:
        status, answer = world.raw(f"{head}{lines}\r\n{{}}".encode())
        assert 400 <= status <= 403, lines
        assert json.loads(answer)["__type"].endswith(code), (lines, answer)


def test_an_anonymous_request_reaches_no_object_and_no_list(world):
    for method, path in (
        ("GET", "/"),
        ("GET", "/there"),
        ("GET", "/there/k"),
        ("PUT", "/there/new"),
        ("DELETE", "/there/k"),
    ):
        head = f"{method} {path} HTTP/1.1\r\nHost: {world.address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        status, answer = world.raw(head.encode())
        assert (status, b"<Code>AccessDenied</Code>" in answer) == (403, True), (method, path, answer)


# Bytes that are no request

GARBAGE = {
    "nothing": b"",
    "zeros": bytes(4096),
    "line noise": bytes(range(256)) * 64,
    "TLS hello": bytes.fromhex("1603010200010001fc0303") + bytes(range(200)),
    "FTP": b"USER user1\r\nPASS x\r\nQUIT\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a line without end": b"GET /" + b"a" * (1 << 20),
    "a header without end": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (1 << 20),
    "headers without end": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(50_000)),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nab",
    "negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "huge length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "bad chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
    "percent": b"GET /%zz%00%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "dots": b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_bytes_that_are_no_request_end_that_connection_and_no_other(world, name):
    host, port = world.address.split(":")
    with socket.create_connection((host, int(port)), timeout=MAX_S) as other:
        other.sendall(b"GET /livez HTTP/1.1\r\n")
        before = world.memory_mib()
        status, answer = world.raw(GARBAGE[name], ends=True)
        assert status == 0 or 400 <= status < 500, answer
        assert b"root:" not in answer
        assert world.memory_mib() < before + 50
        other.sendall(b"Host: x\r\nConnection: close\r\n\r\n")
        assert other.makefile("rb").read().startswith(b"HTTP/1.1 200 OK")


def test_a_hundred_requests_at_once_on_one_connection_are_answered_in_order(world):
    request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    status, answer = world.raw(request * 99 + last)
    assert status == 200
    assert answer.count(b"HTTP/1.1 200 OK") == 99
