"""Host keys of a real service: made by `ssh-keygen`, imported by boto3, kept across restarts, unreadable on disk."""

import subprocess

from tests.e2e.harness import start_service

ACCOUNT = "hub"


def keys_of(transfer, server_id):
    listed = transfer.list_host_keys(ServerId=server_id)["HostKeys"]
    return [(key["HostKeyId"], key["Type"], key["Fingerprint"]) for key in listed]


def test_host_keys_outlive_a_crash_and_lie_encrypted_on_disk(tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    fingerprint = subprocess.run(["ssh-keygen", "-l", "-f", key], check=True, capture_output=True, text=True).stdout
    body = key.read_text()
    data_dir = tmp_path / "data"
    with start_service(data_dir) as service:
        transfer = service.client(ACCOUNT, "transfer")
        generated = transfer.create_server()["ServerId"]
        given = transfer.create_server(HostKey=body)["ServerId"]
        transfer.import_host_key(ServerId=generated, HostKeyBody=body)
        before = [keys_of(transfer, server_id) for server_id in (generated, given)]
        service.kill()
    assert [kind for _, kind, _ in before[0]] == ["ssh-rsa", "ecdsa-sha2-nistp256", "ssh-ed25519", "ssh-ed25519"]
    assert before[1][0][2] == f"{fingerprint.split()[1]}="
    secret = body.splitlines()[3]
    files = [file for file in data_dir.rglob("*") if file.is_file()]
    assert not [file for file in files if secret.encode() in file.read_bytes()]
    assert secret not in (tmp_path / "service.log").read_text()
    with start_service(data_dir) as service:
        transfer = service.client(ACCOUNT, "transfer")
        assert [keys_of(transfer, server_id) for server_id in (generated, given)] == before
        assert transfer.describe_server(ServerId=given)["Server"]["HostKeyFingerprint"] == before[1][0][2]
        assert service.stop() == 0
