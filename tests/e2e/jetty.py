"""SFTP servers beside the article's, each as one of its users knows it: its place, its host keys, what logs them in."""

import json
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.e2e.harness import CLEAN, COMMAND_S, Service, run

USER, BUCKET, ROLE = "user1", "hub-inbox-111111111111", "transfer-users"
OLD_POLICY = "TransferSecurityPolicy-2020-06"
"""The newest one under which the libssh2 of Debian 12's curl finds a message authentication code that it knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jetty:
    """`home` is the home directory of the computer's user, whose `.ssh/known_hosts` has the server's keys."""

    server_id: str
    host: str
    port: int
    home: Path
    key: Path | None = None
    password: str = field(default="", repr=False)
    user: str = USER

    @property
    def known_hosts(self) -> Path:
        return self.home / ".ssh" / "known_hosts"

    @property
    def options(self) -> tuple[str, ...]:
        """For OpenSSH and whoever starts it."""
        settings = [f"UserKnownHostsFile={self.known_hosts}", "StrictHostKeyChecking=yes", "NumberOfPasswordPrompts=1"]
        if self.key is None:
            settings += ["PubkeyAuthentication=no"]
        else:
            settings += ["IdentitiesOnly=yes", f"IdentityFile={self.key}"]
        return ("-F", "none", *(word for setting in settings for word in ("-o", setting)))

    @property
    def variables(self) -> dict[str, str]:
        """OpenSSH asks a program for the password, which has it from its environment: no list of processes shows it."""
        ask = self.home / "ask"
        return {
            **CLEAN,
            "HOME": str(self.home),
            "SSH_ASKPASS": str(ask),
            "SSH_ASKPASS_REQUIRE": "force",
            "TYPED": self.password,
        }


def make_home(directory: Path) -> Path:
    """A home directory with what `Jetty` wants there, and a key, `.ssh/id`."""
    home = directory / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "known_hosts").touch()
    make_key(home / ".ssh" / "id")
    ask = home / "ask"
    ask.write_text("#!/bin/sh\nprintf '%s\\n' \"$TYPED\"\n")
    ask.chmod(0o700)
    return home


def make_key(file: Path, kind: str = "ed25519", bits: str = "") -> Path:
    run(["ssh-keygen", "-q", "-t", kind, *(("-b", bits) if bits else ()), "-N", "", "-f", str(file)])
    return file


def public(key: Path) -> str:
    """Without the comment."""
    return " ".join(key.with_name(f"{key.name}.pub").read_text().split()[:2])


def make_managed(service: Service, *keys: Path, user: str = USER, **settings: Any) -> str:
    """A server that manages its users itself, with one who has these keys. Returns the server's id."""
    transfer = service.client("hub", "transfer")
    server_id: str = transfer.create_server(Protocols=["SFTP"], IdentityProviderType="SERVICE_MANAGED", **settings)[
        "ServerId"
    ]
    role = service.client("hub", "iam").get_role(RoleName=ROLE)["Role"]["Arn"]
    transfer.create_user(ServerId=server_id, UserName=user, Role=role, HomeDirectory=f"/{BUCKET}")
    for key in keys:
        transfer.import_ssh_public_key(ServerId=server_id, UserName=user, SshPublicKeyBody=public(key))
    return server_id


def make_asking(service: Service, function: str, **settings: Any) -> str:
    """A server that asks a function about its users. Returns the server's id."""
    details = {"Function": function, **settings.pop("details", {})}
    created = service.client("hub", "transfer").create_server(
        Protocols=["SFTP"], IdentityProviderType="AWS_LAMBDA", IdentityProviderDetails=details, **settings
    )
    return str(created["ServerId"])


def arrive(service: Service, server_id: str, home: Path) -> Jetty:
    """Wait until the server is there, and learn its host keys."""
    host, port = service.sftp_endpoint(server_id)
    jetty = Jetty(server_id=server_id, host=host, port=port, home=home)
    with jetty.known_hosts.open("a") as known_hosts:
        known_hosts.write(scan(jetty))
    return jetty


def scan(jetty: Jetty) -> str:
    """The server's host keys, as a known_hosts file has them."""
    command = ["ssh-keyscan", "-T", "30", "-p", str(jetty.port), jetty.host]
    found = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=True).stdout
    return "".join(f"{line}\n" for line in sorted(found.splitlines()) if not line.startswith("#"))


def open_jetties(service: Service, article: str, directory: Path) -> dict[str, Jetty]:
    """The ways in that clients are given, by name.

    managed: a server that manages its users; by key. asking: the article's server, whose function is asked; by
    password. old-key, old-password: another that asks the same function, under `OLD_POLICY`.
    """
    home = make_home(directory)
    key = home / ".ssh" / "id"
    transfer, secrets = service.client("hub", "transfer"), service.client("hub", "secretsmanager")
    described = transfer.describe_server(ServerId=article)["Server"]
    transfer.update_server(ServerId=article, Protocols=sorted({*described["Protocols"], "SFTP"}))
    user = json.loads(secrets.get_secret_value(SecretId=f"aws/transfer/{article}/{USER}")["SecretString"])
    password: str = user["Password"]
    old = make_asking(service, described["IdentityProviderDetails"]["Function"], SecurityPolicyName=OLD_POLICY)
    secrets.create_secret(
        Name=f"aws/transfer/{old}/{USER}", SecretString=json.dumps({**user, "PublicKey": public(key)})
    )
    managed = make_managed(service, key)
    at_old = arrive(service, old, home)
    return {
        "managed": replace(arrive(service, managed, home), key=key),
        "asking": replace(arrive(service, article, home), password=password),
        "old-key": replace(at_old, key=key),
        "old-password": replace(at_old, password=password),
    }
