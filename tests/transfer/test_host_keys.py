"""Host keys as their owners import, describe, change and delete them."""

import re

import pytest
from tests.fakes.host_keys import host_keys, material, openssh_pem
from tests.fakes.transfer import HUB, REGION, SERVICE_MANAGED, make_transfer_api

from crossdock.transfer.host_keys import MAX_HOST_KEYS

KINDS = ("ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-ed25519")
ABSENT = "hostkey-00000000000000000"


@pytest.fixture
def api():
    return make_transfer_api()


def body(algorithm, name="imported"):
    return openssh_pem(algorithm, name).decode()


async def imported(api, server_id, algorithm="ssh-ed25519", name="imported", **more):
    answer = await api.call("ImportHostKey", ServerId=server_id, HostKeyBody=body(algorithm, name), **more)
    return answer["HostKeyId"]


async def described(api, server_id, key_id):
    return (await api.call("DescribeHostKey", ServerId=server_id, HostKeyId=key_id))["HostKey"]


async def listed(api, server_id, **more):
    return (await api.call("ListHostKeys", ServerId=server_id, **more))["HostKeys"]


async def shown(api, server_id):
    return {key.algorithm: key.key_id for key in await api.host_keys.active(server_id)}


@pytest.mark.parametrize("algorithm", KINDS)
async def test_an_imported_key_is_described_with_type_and_fingerprint(api, algorithm):
    server_id = await api.server()
    key_id = await imported(api, server_id, algorithm, Description="the old server's")
    assert re.fullmatch(r"hostkey-[0-9a-f]{17}", key_id)
    key = await described(api, server_id, key_id)
    assert key["Arn"] == f"arn:aws:transfer:{REGION}:{HUB}:host-key/{server_id}/{key_id}"
    assert (key["HostKeyId"], key["Type"], key["Description"]) == (key_id, algorithm, "the old server's")
    assert re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}=", key["HostKeyFingerprint"])
    assert (key["StorageType"], "Tags" in key) == ("SERVICE_MANAGED", False)
    (item,) = await listed(api, server_id)
    assert item["Fingerprint"] == key["HostKeyFingerprint"] == material(algorithm, "imported").fingerprint


async def test_the_oldest_key_of_each_type_is_active_until_it_is_deleted(api):
    server_id = await api.server()
    rsa = await imported(api, server_id, "ssh-rsa")
    old = await imported(api, server_id, "ecdsa-sha2-nistp256")
    new = await imported(api, server_id, "ecdsa-sha2-nistp384")
    assert await shown(api, server_id) == {"ssh-rsa": rsa, "ecdsa-sha2-nistp256": old}
    await api.call("DeleteHostKey", ServerId=server_id, HostKeyId=old)
    assert await shown(api, server_id) == {"ssh-rsa": rsa, "ecdsa-sha2-nistp384": new}


async def test_import_and_deletion_wake_the_listening_servers(api):
    server_id = await api.server()
    listening = api.directory.changes()
    await anext(listening)
    key_id = await imported(api, server_id)
    assert api.changes.is_announced
    await anext(listening)
    await api.call("DeleteHostKey", ServerId=server_id, HostKeyId=key_id)
    assert api.changes.is_announced
    await listening.aclose()


async def test_a_key_that_is_there_already_is_refused_in_whatever_form_it_comes(api):
    server_id = await api.server()
    key_id = await imported(api, server_id)
    error = await api.refused("ImportHostKey", ServerId=server_id, HostKeyBody=f"\n{body('ssh-ed25519')}\n\n")
    assert (error.code, error.members["Resource"], error.members["ResourceType"]) == (
        "ResourceExistsException",
        key_id,
        "HostKey",
    )
    assert len(await listed(api, server_id)) == 1


async def test_the_eleventh_key_of_a_server_is_refused(api):
    server_id = await api.server()
    for number in range(MAX_HOST_KEYS):
        await imported(api, server_id, name=str(number))
    error = await api.refused("ImportHostKey", ServerId=server_id, HostKeyBody=body("ssh-ed25519", "more"))
    assert (error.code, error.message) == ("InvalidRequestException", "A server can have at most 10 host keys")


async def test_keys_are_listed_page_by_page_the_oldest_first_while_some_go(api):
    server_id = await api.server()
    keys = [await imported(api, server_id, name=str(number)) for number in range(5)]
    first = await api.call("ListHostKeys", ServerId=server_id, MaxResults=2)
    await api.call("DeleteHostKey", ServerId=server_id, HostKeyId=keys[1])
    second = await api.call("ListHostKeys", ServerId=server_id, MaxResults=2, NextToken=first["NextToken"])
    third = await api.call("ListHostKeys", ServerId=server_id, MaxResults=2, NextToken=second["NextToken"])
    assert [key["HostKeyId"] for page in (first, second, third) for key in page["HostKeys"]] == keys
    assert "NextToken" not in third
    error = await api.refused("ListHostKeys", ServerId=server_id, NextToken="nonsense")
    assert error.code == "InvalidNextTokenException"


async def test_the_description_can_be_changed_and_taken_away(api):
    server_id = await api.server()
    key_id = await imported(api, server_id, Description="one", Tags=[{"Key": "a", "Value": "b"}])
    named = {"ServerId": server_id, "HostKeyId": key_id}
    assert await api.call("UpdateHostKey", **named, Description="two") == named
    assert (await described(api, server_id, key_id))["Description"] == "two"
    await api.call("UpdateHostKey", **named)
    assert (await described(api, server_id, key_id))["Description"] == "two"
    await api.call("UpdateHostKey", **named, Description="")
    key = await described(api, server_id, key_id)
    assert "Description" not in key
    assert key["Tags"] == [{"Key": "a", "Value": "b"}]


async def test_the_last_key_of_an_sftp_server_stays(api):
    server_id = (await api.call("CreateServer", **SERVICE_MANAGED))["ServerId"]
    *others, last = [key["HostKeyId"] for key in await listed(api, server_id)]
    for key_id in others:
        await api.call("DeleteHostKey", ServerId=server_id, HostKeyId=key_id)
    error = await api.refused("DeleteHostKey", ServerId=server_id, HostKeyId=last)
    assert (error.code, "import another one first" in error.message) == ("InvalidRequestException", True)
    assert [key["HostKeyId"] for key in await listed(api, server_id)] == [last]


async def test_unknown_keys_and_servers_are_told_apart(api):
    server_id = await api.server()
    other = await imported(api, await api.server())
    for operation in ("DescribeHostKey", "UpdateHostKey", "DeleteHostKey"):
        for key_id in (ABSENT, other):
            error = await api.refused(operation, ServerId=server_id, HostKeyId=key_id)
            assert error.members == {"Message": "Unknown host key", "Resource": key_id, "ResourceType": "HostKey"}
        error = await api.refused(operation, ServerId="s-00000000000000000", HostKeyId=other)
        assert error.message == "Unknown server"
    for operation, more in (("ListHostKeys", {}), ("ImportHostKey", {"HostKeyBody": body("ssh-rsa")})):
        error = await api.refused(operation, ServerId=server_id, region="eu-west-1", **more)
        assert error.message == "Unknown server"


async def test_keys_cannot_go_to_secrets_manager(api):
    server_id = await api.server()
    key_id = await imported(api, server_id)
    kms = f"arn:aws:kms:{REGION}:{HUB}:key/1"
    for more in ({"StorageType": "SECRETS_MANAGER"}, {"StorageType": "SERVICE_MANAGED", "KmsKey": kms}):
        for operation, key in (
            ("ImportHostKey", {"HostKeyBody": body("ssh-rsa")}),
            ("UpdateHostKey", {"HostKeyId": key_id}),
        ):
            error = await api.refused(operation, ServerId=server_id, **key, **more)
            assert (error.code, "SERVICE_MANAGED" in error.message) == ("InvalidRequestException", True)
    await imported(api, server_id, "ssh-rsa", StorageType="SERVICE_MANAGED")


async def test_permissions_are_asked_for_on_the_server_or_on_the_key(api):
    server_id = await api.server()
    key_id = await imported(api, server_id, Tags=[{"Key": "a", "Value": "b"}])
    asked = api.authorizer.asked[-1]
    arn = f"arn:aws:transfer:{REGION}:{HUB}:"
    assert (asked.action, asked.resource) == ("transfer:ImportHostKey", f"{arn}server/{server_id}")
    assert asked.context["aws:RequestTag/a"] == ("b",)
    await described(api, server_id, key_id)
    asked = api.authorizer.asked[-1]
    assert (asked.action, asked.resource) == ("transfer:DescribeHostKey", f"{arn}host-key/{server_id}/{key_id}")


async def test_no_answer_and_no_error_quotes_a_private_key(api):
    server_id = await api.server()
    key_id = await imported(api, server_id)
    secret = body("ssh-ed25519").splitlines()[1]
    assert secret not in repr(await described(api, server_id, key_id))
    assert secret not in repr(await listed(api, server_id))
    broken = body("ssh-ed25519").replace(secret, secret[:-4])
    error = await api.refused("ImportHostKey", ServerId=server_id, HostKeyBody=broken)
    assert error.message == "Invalid host key format"
    assert secret[:20] not in repr(error)
    assert (error.__cause__, error.__suppress_context__) == (None, True)
    assert b"PRIVATE" not in repr(host_keys()).encode()
    assert "PRIVATE" not in repr(material("ssh-rsa"))
