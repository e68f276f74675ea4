"""ssh-audit on a real service: what security policies offer, and what its authors think of that."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.harness import COMMAND_S, Service, start_service
from tests.e2e.jetty import make_key

from crossdock.core.security_policies import SECURITY_POLICIES

DEFAULT, COMPLIANT = "TransferSecurityPolicy-2024-01", "TransferSecurityPolicy-SshAuditCompliant-2025-02"
KINDS = {"kex": "ssh_kexs", "key": "ssh_host_keys", "enc": "ssh_ciphers", "mac": "ssh_macs"}
EXTENSIONS = {"ext-info-s", "kex-strict-s-v00@openssh.com"}
"""Told among the key exchanges, and none (RFC 8308; OpenSSH's answer to CVE-2023-48795)."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with start_service(tmp_path_factory.mktemp("audit") / "data") as running:
        yield running


def make_server(service: Service, policy: str, *host_keys: Path) -> str:
    """With these host keys, or with those that every server is made with."""
    transfer = service.client("hub", "transfer")
    first, *more = [key.read_text() for key in host_keys] or [None]
    server_id: str = transfer.create_server(
        Protocols=["SFTP"], SecurityPolicyName=policy, **({} if first is None else {"HostKey": first})
    )["ServerId"]
    for key in more:
        transfer.import_host_key(ServerId=server_id, HostKeyBody=key)
    return server_id


def audit(service: Service, server_id: str) -> dict[str, Any]:
    host, port = service.sftp_endpoint(server_id)
    program = Path(sys.executable).with_name("ssh-audit")
    # How often one may connect is said elsewhere. It ends with 3 where something failed, with 2 where it warns.
    done = subprocess.run(
        [program, "-j", "--skip-rate-test", "-p", str(port), host],
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert done.returncode in (0, 2, 3), f"{done.stdout}{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def offered(found: dict[str, Any]) -> dict[str, list[str]]:
    return {kind: [one["algorithm"] for one in found[kind] if one["algorithm"] not in EXTENSIONS] for kind in KINDS}


def failed(found: dict[str, Any]) -> dict[str, list[str]]:
    """The algorithms that it holds broken, and why."""
    return {one["algorithm"]: one["notes"]["fail"] for kind in KINDS for one in found[kind] if one["notes"].get("fail")}


def test_the_compliant_policy_fails_in_nothing(service: Service, tmp_path: Path) -> None:
    keys = make_key(tmp_path / "ed25519"), make_key(tmp_path / "rsa", "rsa", "3072")
    found = audit(service, make_server(service, COMPLIANT, *keys))
    assert failed(found) == {}
    assert found["cves"] == []
    policy = SECURITY_POLICIES[COMPLIANT]
    wanted = {kind: list(getattr(policy, name)) for kind, name in KINDS.items()}
    wanted["key"] = [name for name in wanted["key"] if "ecdsa" not in name]
    assert offered(found) == wanted


def test_the_default_policy_fails_only_in_the_curves_of_aws(service: Service) -> None:
    found = audit(service, make_server(service, DEFAULT))
    curves = ["ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "ecdsa-sha2-nistp256"]
    assert sorted(failed(found)) == curves
    policy = SECURITY_POLICIES[DEFAULT]
    assert set(curves) <= {*policy.ssh_kexs, *policy.ssh_host_keys}
    wanted = {kind: list(getattr(policy, name)) for kind, name in KINDS.items()}
    # Of its kind, the key that servers are made with.
    wanted["key"] = [name for name in wanted["key"] if name not in ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")]
    assert offered(found) == wanted
