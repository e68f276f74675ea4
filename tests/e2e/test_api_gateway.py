"""Identity providers that are asked by HTTP: the manual's own, in front of real clients, on either authority."""

import ftplib
import io
import json
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.aws_cloud import BUCKET as PARTNER_BUCKET
from tests.e2e.aws_cloud import HUB, configuration, document, open_cloud, trust
from tests.e2e.harness import Service, start_service, until
from tests.e2e.jetty import BUCKET, ROLE, USER, Jetty, arrive, make_home, make_key, public
from tests.e2e.openssh_clients import Sftp
from tests.e2e.test_sftp_logins import explained, is_let_in

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
SERVED = 'ThreadingHTTPServer(("127.0.0.1", 8000), Provider).serve_forever()'
ON_ANY_PORT = """
server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
print(server.server_port, flush=True)
server.serve_forever()
"""
PASSWORD = "pass wörd '\""
TRUST = {"Effect": "Allow", "Principal": {"Service": "transfer.amazonaws.com"}, "Action": "sts:AssumeRole"}
VPC = {"VpcId": "vpc-0abc", "SubnetIds": ["subnet-0abc"]}


@dataclass(frozen=True, slots=True)
class Provider:
    process: subprocess.Popen[str]
    url: str
    log: Path

    def heard(self) -> list[str]:
        """The paths of the questions, in order."""
        return re.findall(r'"GET (\S+) HTTP', self.log.read_text())


@contextmanager
def the_manuals_provider(directory: Path, answer: dict[str, str], key: Path) -> Iterator[Provider]:
    """The program of docs/operations.md, on a port that the system chooses."""
    (code,) = re.findall(r"```python\n(import base64.*?)```", MANUAL.read_text(), re.DOTALL)
    assert SERVED in code
    directory.mkdir()
    (directory / "provider.py").write_text(code.replace(SERVED, ON_ANY_PORT))
    user = {"password": PASSWORD, "keys": [public(key)], "answer": answer}
    (directory / "users.json").write_text(json.dumps({USER: user, "a.b@example.com": user}))
    log = directory / "log"
    with log.open("w") as heard:
        process = subprocess.Popen(
            [sys.executable, "provider.py"], cwd=directory, stdout=subprocess.PIPE, stderr=heard, text=True
        )
    assert process.stdout is not None
    try:
        yield Provider(process, f"http://127.0.0.1:{process.stdout.readline().strip()}", log)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pier:
    """`any_way` speaks every protocol; `both` wants key and password."""

    service: Service
    provider: Provider
    any_way: Jetty
    both: Jetty
    key: Path
    directory: Path

    @property
    def transfer(self) -> Any:
        return self.service.client("hub", "transfer")

    def tested(self, password: str, protocol: str = "FTP") -> dict[str, Any]:
        return self.transfer.test_identity_provider(
            ServerId=self.any_way.server_id, UserName=USER, UserPassword=password, ServerProtocol=protocol
        )

    def failures(self) -> list[str]:
        logs = self.service.client("hub", "logs")
        group = f"/aws/transfer/{self.any_way.server_id}"
        found = logs.filter_log_events(logGroupName=group, logStreamNames=["ERRORS"])["events"]
        return [json.loads(event["message"])["message"] for event in found]


def make_server(service: Service, url: str, role: str, **settings: Any) -> str:
    methods = settings.pop("methods", "PUBLIC_KEY_OR_PASSWORD")
    created = service.client("hub", "transfer").create_server(
        IdentityProviderType="API_GATEWAY",
        IdentityProviderDetails={"Url": url, "InvocationRole": role, "SftpAuthenticationMethods": methods},
        EndpointType="VPC",
        EndpointDetails=VPC,
        **settings,
    )
    return str(created["ServerId"])


@pytest.fixture(scope="module")
def pier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pier]:
    directory = tmp_path_factory.mktemp("pier")
    home, key = make_home(directory), make_key(directory / "key")
    variables = {"CROSSDOCK_LOGIN_FAILURE_DELAY_S": "0.2"}
    with start_service(directory / "data", "--example", "article", variables=variables) as service:
        iam = service.client("hub", "iam")
        asking = iam.create_role(RoleName="ask-users", AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]
        user_role = iam.get_role(RoleName=ROLE)["Role"]["Arn"]
        certificate = service.client("hub", "acm").request_certificate(DomainName="files.example.com")["CertificateArn"]
        answer = {"Role": user_role, "HomeDirectory": f"/{BUCKET}"}
        with the_manuals_provider(directory / "provider", answer, key) as provider:
            any_way = make_server(
                service,
                provider.url,
                asking,
                Protocols=["FTP", "FTPS", "SFTP"],
                Certificate=certificate,
                ProtocolDetails={"TlsSessionResumptionMode": "DISABLED"},
            )
            both = make_server(service, provider.url, asking, Protocols=["SFTP"], methods="PUBLIC_KEY_AND_PASSWORD")
            yield Pier(
                service=service,
                provider=provider,
                any_way=arrive(service, any_way, home),
                both=arrive(service, both, home),
                key=key,
                directory=directory,
            )


def upload(client: ftplib.FTP, endpoint: tuple[str, int], user: str, password: str) -> str:
    """The reply to an upload, or to the login before it."""
    with client:
        client.connect(*endpoint, timeout=20)
        try:
            client.login(user, password)
            if isinstance(client, ftplib.FTP_TLS):
                client.prot_p()
            return client.storbinary("STOR a.csv", io.BytesIO(b"1,2\n"))
        except ftplib.error_perm as error:
            return str(error)


def any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_ftp_and_ftps_let_in_whom_the_service_vouches_for(pier: Pier) -> None:
    endpoint = pier.service.ftp_endpoint(pier.any_way.server_id)
    for client in (ftplib.FTP, lambda: ftplib.FTP_TLS(context=any_certificate())):
        assert upload(client(), endpoint, USER, PASSWORD).startswith("226")
        assert upload(client(), endpoint, "a.b@example.com", PASSWORD).startswith("226")
        assert upload(client(), endpoint, USER, "wrong") == "530 Login incorrect."
        assert upload(client(), endpoint, USER, " ") == "530 Login incorrect."
        assert upload(client(), endpoint, "nobody", PASSWORD) == "530 Login incorrect."
    server = f"/servers/{pier.any_way.server_id}/users"
    assert f"{server}/a.b%40example.com/config?protocol=FTPS&sourceIp=127.0.0.1" in pier.provider.heard()


def test_sftp_lets_in_by_key_by_password_and_by_both(pier: Pier, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "stranger")
    way, both = pier.any_way, pier.both
    assert is_let_in(Sftp, replace(way, key=pier.key), tmp_path)
    assert is_let_in(Sftp, replace(way, password=PASSWORD), tmp_path)
    assert not is_let_in(Sftp, replace(way, key=stranger), tmp_path)
    assert not is_let_in(Sftp, replace(way, password="wrong"), tmp_path)
    before = len(pier.provider.heard())
    assert is_let_in(Sftp, replace(both, key=pier.key, password=PASSWORD), tmp_path)
    # One login to make the directory, one to remove it; each asks for the keys and with the password.
    assert len(pier.provider.heard()) - before == 4
    assert not is_let_in(Sftp, replace(both, key=pier.key), tmp_path)
    assert not is_let_in(Sftp, replace(both, key=stranger, password=PASSWORD), tmp_path)


def test_explain_asks_like_a_login(pier: Pier) -> None:
    assert explained(replace(pier.both, key=pier.key, password=PASSWORD), pier.service)["outcome"] == "Allowed"
    assert explained(replace(pier.both, key=pier.key), pier.service)["outcome"] == "Unknown"
    wrong = explained(replace(pier.any_way, password="not this"), pier.service)
    assert wrong["steps"][-1]["reason"] == "API Gateway IDP authentication failure"


def test_the_operator_hears_why_and_the_client_does_not(pier: Pier) -> None:
    endpoint = pier.service.ftp_endpoint(pier.any_way.server_id)
    answer = pier.tested(PASSWORD)
    assert (answer["StatusCode"], answer["Message"], answer["Url"]) == (200, "", pier.provider.url)
    assert json.loads(answer["Response"])["HomeDirectory"] == f"/{BUCKET}"
    keys = pier.transfer.test_identity_provider(ServerId=pier.both.server_id, UserName=USER)
    assert json.loads(keys["Response"])["PublicKeys"] == [public(pier.key)]
    wrong = pier.tested("wrong")
    assert (wrong["StatusCode"], wrong["Response"]) == (200, "{}")
    assert wrong["Message"] == "API Gateway IDP authentication failure"
    iam = pier.service.client("hub", "iam")
    iam.update_assume_role_policy(
        RoleName="ask-users", PolicyDocument=document({**TRUST, "Principal": {"Service": "ec2.amazonaws.com"}})
    )
    unlike = make_server(pier.service, pier.provider.url, f"arn:aws:iam::{HUB}:role/ask-users", Protocols=["SFTP"])
    refused = pier.transfer.test_identity_provider(ServerId=unlike, UserName=USER, UserPassword=PASSWORD)
    assert "the invocation role arn:aws:iam::111111111111:role/ask-users cannot be assumed" in refused["Message"]
    pier.transfer.delete_server(ServerId=unlike)
    pier.provider.process.kill()
    pier.provider.process.wait()
    gone = pier.tested(PASSWORD)
    assert gone["StatusCode"] == 500
    assert gone["Message"].startswith(f"the identity provider {pier.provider.url} could not be asked: it cannot be")
    assert upload(ftplib.FTP(), endpoint, USER, PASSWORD) == "530 Login incorrect."
    until("the log has it", lambda: any("could not be asked: it cannot be reached" in one for one in pier.failures()))
    told = pier.service.log() + "".join(pier.failures())
    assert PASSWORD not in told
    assert "p%C3%B6" not in pier.provider.log.read_text()


def test_a_url_in_the_clear_is_refused_at_once(pier: Pier) -> None:
    client = pier.transfer
    with pytest.raises(client.exceptions.InvalidRequestException, match="Url must begin with https://"):
        make_server(pier.service, "http://users.example.com", f"arn:aws:iam::{HUB}:role/ask-users", Protocols=["SFTP"])


def test_clients_of_workers_are_asked_about_too(tmp_path: Path) -> None:
    home, key = make_home(tmp_path), make_key(tmp_path / "key")
    with start_service(tmp_path / "data", "--example", "article", "--workers", "1") as service:
        iam = service.client("hub", "iam")
        asking = iam.create_role(RoleName="ask-users", AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]
        answer = {"Role": iam.get_role(RoleName=ROLE)["Role"]["Arn"], "HomeDirectory": f"/{BUCKET}"}
        with the_manuals_provider(tmp_path / "provider", answer, key) as provider:
            jetty = arrive(service, make_server(service, provider.url, asking, Protocols=["SFTP"]), home)
            assert is_let_in(Sftp, replace(jetty, key=key), tmp_path)
            assert not is_let_in(Sftp, replace(jetty, password="wrong"), tmp_path)


def test_in_front_of_aws_the_gateway_assumes_the_invocation_role(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    (tmp_path / "aws").mkdir()
    with open_cloud(tmp_path / "aws") as cloud:
        cloud.admit()
        iam = cloud.service.client("hub", "iam")
        asking = iam.create_role(RoleName="transfer-ask", AssumeRolePolicyDocument=trust())["Role"]["Arn"]
        role = iam.get_role(RoleName="transfer-role")["Role"]["Arn"]
        answer = {"Role": role, "HomeDirectory": f"/{PARTNER_BUCKET}"}
        config = configuration(cloud, tmp_path)
        with (
            the_manuals_provider(tmp_path / "provider", answer, key) as provider,
            start_service(tmp_path / "data", "--config", str(config), variables=cloud.variables()) as gateway,
        ):
            server = make_server(gateway, provider.url, asking, Protocols=["FTP"])
            endpoint = gateway.ftp_endpoint(server)
            assert upload(ftplib.FTP(), endpoint, USER, PASSWORD).startswith("226")
            assert cloud.partner_objects() == {"a.csv": b"1,2\n"}
            assert upload(ftplib.FTP(), endpoint, USER, "wrong") == "530 Login incorrect."
            untrusting = make_server(gateway, provider.url, f"arn:aws:iam::{HUB}:role/gateway", Protocols=["FTP"])
            tested = gateway.client("hub", "transfer").test_identity_provider(
                ServerId=untrusting, UserName=USER, UserPassword=PASSWORD
            )
            assert "role/gateway cannot be assumed: AccessDenied" in tested["Message"]
