"""Which host keys a server has after CreateServer and UpdateServer."""

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from tests.fakes.host_keys import TYPES, material, openssh_pem
from tests.fakes.transfer import FTP_SERVER, SERVICE_MANAGED, make_transfer_api

from crossdock.transfer.host_keys import MAX_HOST_KEYS


@pytest.fixture
def api():
    return make_transfer_api()


def body(algorithm, name="given"):
    return openssh_pem(algorithm, name).decode()


def public(private_key):
    # OpenSSH's form holds random numbers: the same key is written in many ways.
    return load_ssh_private_key(private_key, password=None).public_key()


async def sftp_server(api, **settings):
    return (await api.call("CreateServer", **SERVICE_MANAGED, **settings))["ServerId"]


async def listed(api, server_id):
    return (await api.call("ListHostKeys", ServerId=server_id))["HostKeys"]


async def fingerprints(api, server_id):
    return [key["Fingerprint"] for key in await listed(api, server_id)]


async def test_an_sftp_server_is_given_a_key_of_each_type_and_shows_the_first_ones_fingerprint(api):
    server_id = await sftp_server(api)
    assert [key["Type"] for key in await listed(api, server_id)] == list(TYPES)
    assert [key.algorithm for key in await api.host_keys.active(server_id)] == list(TYPES)
    assert (await api.described(server_id))["HostKeyFingerprint"] == material("ssh-rsa", "generated").fingerprint


async def test_a_server_without_sftp_has_no_key_until_it_gains_sftp(api):
    server_id = await api.server()
    assert await listed(api, server_id) == []
    assert "HostKeyFingerprint" not in await api.described(server_id)
    await api.call("UpdateServer", ServerId=server_id, Protocols=["FTP", "SFTP"])
    keys = await listed(api, server_id)
    assert [key["Type"] for key in keys] == list(TYPES)
    await api.call("UpdateServer", ServerId=server_id, Protocols=["SFTP"])
    assert await listed(api, server_id) == keys


async def test_a_server_that_has_a_key_gains_none_with_sftp(api):
    server_id = await api.server(HostKey=body("ssh-rsa"))
    await api.call("UpdateServer", ServerId=server_id, Protocols=["FTP", "SFTP"])
    assert await fingerprints(api, server_id) == [material("ssh-rsa", "given").fingerprint]


async def test_the_key_given_to_create_server_is_the_only_one_and_is_not_kept_in_the_settings(api):
    server_id = await sftp_server(api, HostKey=body("ecdsa-sha2-nistp384"), HostKeyStorageType="SERVICE_MANAGED")
    given = material("ecdsa-sha2-nistp384", "given")
    assert await fingerprints(api, server_id) == [given.fingerprint]
    server = await api.described(server_id)
    assert server["HostKeyFingerprint"] == given.fingerprint
    assert not {"HostKey", "HostKeyStorageType"} & server.keys()
    (key,) = await api.host_keys.active(server_id)
    assert public(key.private_key) == public(given.private_key)


async def test_an_empty_host_key_is_none(api):
    server_id = await sftp_server(api, HostKey="")
    before = await fingerprints(api, server_id)
    assert len(before) == len(TYPES)
    await api.call("UpdateServer", ServerId=server_id, HostKey="")
    assert await fingerprints(api, server_id) == before


async def test_update_server_puts_its_key_in_the_place_of_the_active_one_of_the_type(api):
    server_id = await sftp_server(api)
    kept = [material(algorithm, "generated").fingerprint for algorithm in ("ssh-rsa", "ssh-ed25519")]
    await api.call("UpdateServer", ServerId=server_id, HostKey=body("ecdsa-sha2-nistp521"))
    given = material("ecdsa-sha2-nistp521", "given")
    assert await fingerprints(api, server_id) == [given.fingerprint, *kept]
    assert (await api.described(server_id))["HostKeyFingerprint"] == given.fingerprint
    active = [public(key.private_key) for key in await api.host_keys.active(server_id)]
    assert public(given.private_key) in active
    assert len(active) == len(TYPES)


async def test_update_server_with_a_key_that_is_there_makes_it_active_and_keeps_its_id(api):
    server_id = await sftp_server(api)
    known = {"ServerId": server_id, "HostKeyBody": body("ssh-ed25519")}
    key_id = (await api.call("ImportHostKey", **known))["HostKeyId"]
    for _ in range(2):
        await api.call("UpdateServer", ServerId=server_id, HostKey=body("ssh-ed25519"))
        keys = await listed(api, server_id)
        assert keys[0]["HostKeyId"] == key_id
        assert [key["Type"] for key in keys] == ["ssh-ed25519", *TYPES[:2]]


async def test_update_server_cannot_add_an_eleventh_key(api):
    server_id = await api.server()
    for number in range(MAX_HOST_KEYS):
        await api.call("ImportHostKey", ServerId=server_id, HostKeyBody=body("ssh-ed25519", str(number)))
    error = await api.refused("UpdateServer", ServerId=server_id, HostKey=body("ssh-rsa"))
    assert error.message == "A server can have at most 10 host keys"
    await api.call("UpdateServer", ServerId=server_id, HostKey=body("ssh-ed25519"))
    assert len(await listed(api, server_id)) == MAX_HOST_KEYS


async def test_a_key_that_is_none_refuses_the_whole_call(api):
    error = await api.refused("CreateServer", HostKey="-----BEGIN")
    assert (error.code, error.message) == ("InvalidRequestException", "Invalid host key format")
    assert await api.directory.servers() == []
    server_id = await sftp_server(api)
    await api.refused("UpdateServer", ServerId=server_id, HostKey="x", PreAuthenticationLoginBanner="hello")
    assert "PreAuthenticationLoginBanner" not in await api.described(server_id)


async def test_keys_of_servers_cannot_go_to_secrets_manager(api):
    error = await api.refused("CreateServer", HostKeyStorageType="SECRETS_MANAGER")
    assert "HostKeyStorageType must be SERVICE_MANAGED" in error.message


async def test_an_update_of_an_unknown_server_makes_no_keys(api):
    error = await api.refused("UpdateServer", ServerId="s-00000000000000000", Protocols=["SFTP"])
    assert error.message == "Unknown server"


async def test_a_deleted_server_takes_its_host_keys_with_it(api):
    server_id = await sftp_server(api)
    await api.call("DeleteServer", ServerId=server_id)
    assert await api.host_keys.active(server_id) == ()
    assert (await api.refused("ListHostKeys", ServerId=server_id)).message == "Unknown server"


async def test_ftp_servers_are_described_by_an_imported_key_too(api):
    server_id = (await api.call("CreateServer", **FTP_SERVER, HostKey=body("ssh-ed25519")))["ServerId"]
    assert (await api.described(server_id))["HostKeyFingerprint"] == material("ssh-ed25519", "given").fingerprint
