"""SFTP in a real service, by OpenSSH's own clients: with a password of a provider in Lambda, and with a user's keys."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.harness import CLEAN, COMMAND_S, Service, start_service, until

USER, BUCKET = "user1", "hub-inbox-111111111111"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jetty:
    """One SFTP server, and what its user logs in with: options of OpenSSH, and variables."""

    service: Service
    server_id: str
    host: str
    port: int
    options: Sequence[str]
    variables: dict[str, str]
    directory: Path

    def run(self, program: str, *arguments: str, text: str = "", check: bool = True) -> subprocess.CompletedProcess:
        known = self.directory / "known_hosts"
        common = ("-F", "none", "-o", "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={known}")
        done = subprocess.run(
            [program, *common, "-P", str(self.port), *self.options, *arguments],
            env={**CLEAN, "HOME": str(self.directory), **self.variables},
            cwd=self.directory,
            input=text,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        assert not check or done.returncode == 0, f"{program} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    def sftp(self, *lines: str, user: str = USER, check: bool = True) -> subprocess.CompletedProcess:
        batch = self.directory / "batch"
        batch.write_text("\n".join(lines) + "\n")
        return self.run("sftp", "-o", "BatchMode=no", "-b", str(batch), f"{user}@{self.host}", check=check)

    def keys(self) -> list[str]:
        answer = self.service.client("hub", "s3").list_objects_v2(Bucket=BUCKET)
        return [item["Key"] for item in answer.get("Contents", [])]

    def content(self, key: str) -> bytes:
        body: bytes = self.service.client("hub", "s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with start_service(tmp_path_factory.mktemp("sftp") / "data", "--example", "article") as service:
        yield service


def place_of(service: Service, server_id: str) -> tuple[str, int]:
    def line() -> str:
        lines = service.crossdock("endpoints").stdout.splitlines()
        return next((one for one in lines if server_id in one and "SFTP" in one and "ONLINE" in one), "")

    until(f"{server_id} is online", line)
    return next(
        (host, int(port))
        for said in iter(lambda: service.line_beginning("ready sftp "), "")
        for host, _, port in [said.split()[2].rpartition(":")]
        if f"server={server_id}" in said or service.said.remove(said)
    )


@pytest.fixture(scope="module")
def by_password(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Jetty:
    """The article's server, which asks a function about its users, with SFTP beside FTP."""
    directory = tmp_path_factory.mktemp("password")
    transfer = service.client("hub", "transfer")
    server_id = transfer.list_servers()["Servers"][0]["ServerId"]
    transfer.update_server(ServerId=server_id, Protocols=["FTP", "SFTP"])
    secrets = service.client("hub", "secretsmanager")
    secret = secrets.get_secret_value(SecretId=f"aws/transfer/{server_id}/{USER}")["SecretString"]
    ask = directory / "ask"
    ask.write_text(f"#!/bin/sh\necho '{json.loads(secret)['Password']}'\n")
    ask.chmod(0o700)
    host, port = place_of(service, server_id)
    return Jetty(
        service=service,
        server_id=server_id,
        host=host,
        port=port,
        options=("-o", "NumberOfPasswordPrompts=1"),
        variables={"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"},
        directory=directory,
    )


@pytest.fixture(scope="module")
def by_key(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Jetty:
    """A server that manages its users itself."""
    directory = tmp_path_factory.mktemp("key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / "id"], check=True)
    transfer, iam = service.client("hub", "transfer"), service.client("hub", "iam")
    role = iam.get_role(RoleName="transfer-users")["Role"]["Arn"]
    server_id = transfer.create_server(Protocols=["SFTP"], IdentityProviderType="SERVICE_MANAGED")["ServerId"]
    transfer.create_user(
        ServerId=server_id,
        UserName=USER,
        Role=role,
        HomeDirectory=f"/{BUCKET}",
        SshPublicKeyBody=(directory / "id.pub").read_text().strip(),
    )
    host, port = place_of(service, server_id)
    return Jetty(
        service=service,
        server_id=server_id,
        host=host,
        port=port,
        options=("-i", str(directory / "id"), "-o", "IdentitiesOnly=yes"),
        variables={},
        directory=directory,
    )


@pytest.fixture(params=["by_password", "by_key"])
def jetty(request: pytest.FixtureRequest) -> Jetty:
    found: Jetty = request.getfixturevalue(request.param)
    return found


def test_files_and_directories_come_and_go(jetty: Jetty) -> None:
    content = os.urandom(20 << 20)
    (jetty.directory / "up").write_bytes(content)
    done = jetty.sftp("put up first", "mkdir d", "ls -l", "rename first second", "get second down", "ls d")
    assert "20971520" in done.stdout
    assert (jetty.directory / "down").read_bytes() == content
    assert jetty.content("second") == content
    jetty.sftp("rm second", "rmdir d")
    assert jetty.keys() == []
    assert jetty.sftp("get second", check=False).returncode != 0


def test_scp_copies_by_sftp(jetty: Jetty) -> None:
    content = os.urandom(3 << 20)
    (jetty.directory / "up").write_bytes(content)
    jetty.run("scp", "-s", "up", f"{USER}@{jetty.host}:copied")
    assert jetty.content("copied") == content
    jetty.run("scp", "-s", f"{USER}@{jetty.host}:copied", "back")
    assert (jetty.directory / "back").read_bytes() == content
    jetty.sftp("rm copied")


def test_a_user_who_is_none_is_refused(jetty: Jetty) -> None:
    done = jetty.sftp("ls", user="nobody", check=False)
    assert done.returncode == 255
    assert "Permission denied" in done.stderr


def test_a_shell_and_a_command_are_refused(by_key: Jetty) -> None:
    common = ("-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
    done = subprocess.run(
        ["ssh", *common, *by_key.options, "-p", str(by_key.port), f"{USER}@{by_key.host}", "id"],
        env={**CLEAN, "HOME": str(by_key.directory)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert done.returncode == 255
    assert "uid=" not in done.stdout


def test_a_restart_keeps_the_host_keys_and_the_port(tmp_path: Path) -> None:
    def scan(service: Service, server_id: str) -> set[str]:
        host, port = place_of(service, server_id)
        done = subprocess.run(
            ["ssh-keyscan", "-p", str(port), host], capture_output=True, text=True, timeout=COMMAND_S, check=True
        )
        return {line for line in done.stdout.splitlines() if not line.startswith("#")}

    with start_service(tmp_path / "data") as service:
        server = service.client("hub", "transfer").create_server(
            Protocols=["SFTP"], IdentityProviderType="SERVICE_MANAGED"
        )
        before = scan(service, server["ServerId"])
    with start_service(tmp_path / "data") as service:
        assert scan(service, server["ServerId"]) == before
    assert {line.split()[1] for line in before} == {"ssh-rsa", "ecdsa-sha2-nistp256", "ssh-ed25519"}


@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr"])
def test_a_file_is_whole_though_keys_change_all_the_while(by_key: Jetty, cipher: str) -> None:
    content = os.urandom((40 << 20) + 4321)
    (by_key.directory / "large").write_bytes(content)
    often = ("-o", "RekeyLimit=1M", "-c", cipher)
    batch = by_key.directory / "large-batch"
    batch.write_text("put large\nget large back\nrm large\n")
    by_key.run("sftp", *often, "-b", str(batch), f"{USER}@{by_key.host}")
    assert (by_key.directory / "back").read_bytes() == content
    (by_key.directory / "back").unlink()
