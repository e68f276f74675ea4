"""The article on AWS, with Crossdock as the gateway alone: "AWS" is an embedded cloud in a process of its own."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.e2e.aws_cloud import (
    EXTERNAL_ID,
    HUB,
    PASSWORD,
    SERVER_ID,
    USER,
    Cloud,
    configuration,
    open_cloud,
    trust,
)
from tests.e2e.harness import Service, lftp, refused_start, start_service, until
from tests.e2e.s3_fronts import embedded_front
from tests.fakes.certificates import self_signed
from tests.fakes.s3_fault_proxy import Deed, Fault

from crossdock.ports.certificates import TlsCertificate

OVER_TLS = "set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:verify-certificate no"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with open_cloud(tmp_path_factory.mktemp("aws")) as cloud:
        yield cloud


@pytest.fixture
def gateway(cloud: Cloud, tmp_path: Path) -> Iterator[Service]:
    cloud.admit()
    config = configuration(cloud, tmp_path)
    with start_service(tmp_path / "data", "--config", str(config), variables=cloud.variables()) as service:
        yield service


def ftp(gateway: Service, folder: Path, script: str, *, password: str = PASSWORD):
    return lftp(*gateway.ftp_endpoint(SERVER_ID), USER, password, script, cwd=folder)


def test_a_file_goes_into_the_other_account_and_back(cloud: Cloud, gateway: Service, tmp_path: Path):
    small, large = b"small", os.urandom(20 << 20)
    (tmp_path / "small.bin").write_bytes(small)
    (tmp_path / "large.bin").write_bytes(large)
    done = ftp(gateway, tmp_path, "put small.bin; mkdir d; cd d; put large.bin; cls -1 /partner-data/d")
    assert done.returncode == 0, done.stderr
    assert cloud.partner_objects() == {"d/": b"", "small.bin": small, "d/large.bin": large}
    (tmp_path / "large.bin").unlink()
    done = ftp(gateway, tmp_path, "get d/large.bin; mv small.bin moved.bin; rm d/large.bin; rmdir d; cls -1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "moved.bin\n"
    assert (tmp_path / "large.bin").read_bytes() == large
    assert cloud.partner_objects() == {"moved.bin": small}
    assert cloud.logged("CONNECTED", "user2", "transfer-role")


def test_what_aws_refuses_is_refused_and_the_log_of_aws_says_why(cloud: Cloud, gateway: Service, tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(b"1")
    assert "530" in ftp(gateway, tmp_path, "ls", password="wrong").stderr
    s3 = cloud.service.client("partner", "s3")
    s3.delete_bucket_policy(Bucket="partner-data")
    assert "550" in ftp(gateway, tmp_path, "put a.csv").stderr
    assert cloud.logged("ERROR", "partner-data/a.csv", "AccessDenied", "transfer-role", HUB)
    iam = cloud.service.client("hub", "iam")
    iam.update_assume_role_policy(RoleName="transfer-role", PolicyDocument=trust(external_id="another"))
    try:
        assert "530" in ftp(gateway, tmp_path, "ls").stderr
        assert cloud.logged("AUTH_FAILURE", "sts:AssumeRole", "sts:ExternalId", EXTERNAL_ID)
        answer = gateway.client("hub", "transfer").test_identity_provider(
            ServerId=SERVER_ID, UserName="user2", UserPassword=PASSWORD, ServerProtocol="FTP"
        )
        assert "trust policy must admit this gateway's own identity" in answer["Message"]
    finally:
        iam.update_assume_role_policy(RoleName="transfer-role", PolicyDocument=trust())


def test_workers_serve_sftp_in_front_of_aws(cloud: Cloud, tmp_path: Path):
    large = os.urandom(20 << 20)
    (tmp_path / "large.bin").write_bytes(large)
    with embedded_front(cloud, tmp_path, variables={"CROSSDOCK_WORKERS": "2"}) as front:
        until("the workers are ready", lambda: front.gateway.log().count("a worker is ready") == 2)
        assert front.clients["sftp"].put(tmp_path / "large.bin", "large.bin")
        assert front.content("large.bin") == large
        assert front.clients["sftp"].get("large.bin", tmp_path / "back.bin")
        assert (tmp_path / "back.bin").read_bytes() == large
        assert cloud.logged("CLOSE", "large.bin", "bytes-in")
        front.proxy.begin(Fault(Deed.ERROR, kind="CompleteMultipartUpload"))
        assert not front.clients["sftp"].put(tmp_path / "large.bin", "lost.bin")
        assert front.content("lost.bin") is None
        assert front.open_uploads() == []


def test_what_belongs_to_aws_is_not_served_beside_it(cloud: Cloud, gateway: Service):
    for service, operation in (
        ("s3", "list_buckets"),
        ("lambda", "list_functions"),
        ("secretsmanager", "list_secrets"),
    ):
        client = gateway.client("hub", service)
        with pytest.raises(client.exceptions.ClientError):
            getattr(client, operation)()
    # As the cloud says, where they do.
    assert "functions run as" in cloud.service.log()
    assert "functions run as" not in gateway.log()
    asked = gateway.crossdock(
        "explain", "--server-id", SERVER_ID, "--user-name", "user2", "put", "/a", check=False, input_text=""
    )
    assert asked.returncode != 0
    assert "--profile" in asked.stderr


def test_a_node_with_an_empty_directory_comes_up_like_all_others(cloud: Cloud, tmp_path: Path):
    config = configuration(cloud, tmp_path)
    for node in ("one", "two"):
        (tmp_path / node).mkdir()
        with start_service(tmp_path / node / "data", "--config", str(config), variables=cloud.variables()) as service:
            assert [s["ServerId"] for s in service.client("hub", "transfer").list_servers()["Servers"]] == [SERVER_ID]


def test_declared_servers_become_what_the_file_has_and_a_wrong_one_stops_no_other(cloud: Cloud, tmp_path: Path):
    """With roles of the other account, and FTPS by a certificate of files, from an empty directory."""
    cloud.admit()
    config = configuration(cloud, tmp_path, protocols=("FTP", "FTPS"))
    servers, wrong, managed = tmp_path / "servers.toml", f"{SERVER_ID[:-1]}a", f"{SERVER_ID[:-1]}b"
    first, certificate = servers.read_text(), self_signed()
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_text(certificate.chain_pem)
    key.write_text(certificate.key_pem)
    key.chmod(0o600)
    variables = {**cloud.variables(), "CROSSDOCK_FTPS_CERTIFICATES": f"*={chain} {key}"}
    servers.write_text(f"""
        {first.replace(SERVER_ID, wrong).replace('"VPC"', '"PUBLIC"')}
        {first}
        [[server]]
        id = "{managed}"
        account = "hub"
        [[server.users]]
        UserName = "user1"
        Role = "arn:aws:iam::222222222222:role/drop"
        """)
    start = partial(start_service, tmp_path / "data", "--config", str(config), variables=variables)
    with start() as service:
        transfer = service.client("hub", "transfer")
        assert {one["ServerId"] for one in transfer.list_servers()["Servers"]} == {SERVER_ID, managed}
        assert transfer.describe_user(ServerId=managed, UserName="user1")["User"]["Role"].endswith(":role/drop")
        assert f"server {wrong}: CreateServer: " in service.log()
        assert "CreateServer: " in service.line_beginning("not as declared ", word=f"server={wrong}:")
        assert lftp(*service.ftp_endpoint(SERVER_ID), USER, PASSWORD, f"{OVER_TLS}; cls", cwd=tmp_path).returncode == 0
    servers.write_text(first)
    with start() as service:
        listed = service.client("hub", "transfer").list_servers()["Servers"]
        assert [one["ServerId"] for one in listed] == [SERVER_ID]
        assert "deleted a server that is declared no more" in service.log()


def test_ftps_shows_the_certificate_of_a_secret_and_after_a_start_the_one_that_came_since(cloud: Cloud, tmp_path: Path):
    """Over two nodes: one that has an empty directory, and the same again."""
    cloud.admit()
    config = configuration(cloud, tmp_path, protocols=("FTP", "FTPS"))
    servers, first, second = tmp_path / "servers.toml", self_signed("one.example.com"), self_signed("two.example.com")
    named = 'account = "hub"\n        certificate = ["secretsmanager:crossdock/ftps"]'
    servers.write_text(servers.read_text().replace('account = "hub"', named))
    secrets = cloud.service.client("hub", "secretsmanager")
    secrets.create_secret(Name="crossdock/ftps", SecretString=first.chain_pem + first.key_pem)
    start = partial(start_service, tmp_path / "data", "--config", str(config), variables=cloud.variables())

    def trusts(service: Service, certificate: TlsCertificate) -> bool:
        """Whether a client is let in that believes this certificate and no other."""
        (tmp_path / "ca.pem").write_text(certificate.chain_pem)
        believing = f"set ssl:ca-file {tmp_path}/ca.pem; set ssl:verify-certificate yes; set ssl:check-hostname no"
        script = f"{OVER_TLS}; {believing}; put ca.pem; cls -1"
        done = lftp(*service.ftp_endpoint(SERVER_ID), USER, PASSWORD, script, cwd=tmp_path)
        assert (done.returncode == 0) == ("ca.pem" in done.stdout), done.stderr
        return done.returncode == 0

    with start() as service:
        assert trusts(service, first)
        assert not trusts(service, second)
    secrets.put_secret_value(SecretId="crossdock/ftps", SecretString=second.chain_pem + second.key_pem)
    with start() as service:
        assert trusts(service, second)
        listed = service.client("hub", "acm").list_certificates(Includes={"keyTypes": ["EC_prime256v1"]})
        assert [one["DomainName"] for one in listed["CertificateSummaryList"]] == ["two.example.com"]
    secrets.put_secret_value(SecretId="crossdock/ftps", SecretString=first.chain_pem + second.key_pem)
    with start() as service:
        said = service.line_beginning("not as declared ", word=f"server={SERVER_ID}:")
        assert said.endswith(
            "the certificate cannot be used: the key in secretsmanager:crossdock/ftps is not the key of the first "
            "certificate in secretsmanager:crossdock/ftps"
        )
        assert trusts(service, second)
        told = service.log() + "\n".join(service.said)
        assert not [line for one in (first, second) for line in one.key_pem.splitlines()[1:-1] if line in told]


@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        (("--example", "article"), {}, "--example builds"),
        ((), {"AWS_PROFILE": "nosuch"}, "there is no profile nosuch"),
        ((), {"AWS_CONFIG_FILE": __file__}, f"Unable to parse config file: {__file__}"),
    ],
)
def test_what_does_not_go_with_aws_is_refused_at_the_start(tmp_path: Path, arguments, variables, sentence):
    (tmp_path / "crossdock.toml").write_text('authority = "aws"\n')
    config = str(tmp_path / "crossdock.toml")
    ended = refused_start(tmp_path / "data", "--config", config, *arguments, variables=variables)
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_empty_key_stops_no_start_and_the_log_says_so_and_who_the_gateway_is_where_it_is_known(
    cloud: Cloud, gateway: Service, tmp_path: Path
):
    until("who it is", lambda: f"AWS knows this gateway as arn:aws:sts::{HUB}:assumed-role/gateway/" in gateway.log())
    (tmp_path / "empty").mkdir()
    credentials = tmp_path / "credentials"
    credentials.write_text("[default]\naws_access_key_id =\naws_secret_access_key = x\n")
    config = configuration(cloud, tmp_path / "empty")
    with (tmp_path / "empty" / "servers.toml").open("a") as servers:
        servers.write('[[server]]\nid = "s-00000000000000001"\naccount = "hub"\n')
        servers.write('host_keys = ["secretsmanager:crossdock/host-key"]\n')
    variables = {"AWS_ENDPOINT_URL": cloud.service.api_url, "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    with start_service(tmp_path / "empty" / "data", "--config", str(config), variables=variables) as service:
        half = "Partial credentials found in shared-credentials-file, missing: aws_access_key_id"
        until("what is wrong", lambda: f"no user can log in: the credentials cannot be used: {half}" in service.log())
        (line,) = [line for line in service.said if line.startswith("not as declared ")]
        assert line.startswith("not as declared server=s-00000000000000001: ")
        assert line.endswith(f"the secret crossdock/host-key: {half}")
