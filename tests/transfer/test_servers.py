"""Servers as their owners make, change and stop them."""

import re

import pytest
from tests.fakes.transfer import FTP_SERVER, FUNCTION, HUB, REGION, SERVICE_MANAGED, make_transfer_api

from crossdock.core.servers import Endpoint, FileProtocol, ServerState


@pytest.fixture
def api():
    return make_transfer_api()


async def test_a_created_server_is_described_with_aws_defaults(api):
    server_id = await api.server()
    assert re.fullmatch(r"s-[0-9a-f]{17}", server_id)
    server = await api.described(server_id)
    assert server["Arn"] == f"arn:aws:transfer:{REGION}:{HUB}:server/{server_id}"
    assert server["State"] == "STARTING"
    assert server["Protocols"] == ["FTP"]
    assert server["Domain"] == "S3"
    assert server["SecurityPolicyName"] == "TransferSecurityPolicy-2024-01"
    assert server["ProtocolDetails"] == {
        "PassiveIp": "AUTO",
        "TlsSessionResumptionMode": "ENFORCED",
        "SetStatOption": "DEFAULT",
    }
    assert server["UserCount"] == 0


async def test_security_groups_are_kept_but_never_returned(api):
    server_id = await api.server()
    assert "SecurityGroupIds" not in (await api.described(server_id))["EndpointDetails"]
    server = await api.directory.server(server_id)
    assert server is not None
    assert server.security_group_ids == ("sg-00000000",)


async def test_a_server_without_any_setting_is_a_public_sftp_server(api):
    server = await api.described((await api.call("CreateServer"))["ServerId"])
    assert (server["Protocols"], server["EndpointType"]) == (["SFTP"], "PUBLIC")
    assert server["IdentityProviderType"] == "SERVICE_MANAGED"


async def test_an_unknown_server_is_not_found_with_all_members_of_the_error(api):
    error = await api.refused("DescribeServer", ServerId="s-00000000000000000")
    assert (error.code, error.message) == ("ResourceNotFoundException", "Unknown server")
    assert error.members == {"Message": "Unknown server", "Resource": "s-00000000000000000", "ResourceType": "Server"}


async def test_a_server_of_another_account_or_region_is_unknown(api):
    server_id = await api.server()
    for elsewhere in ({"account": "222222222222"}, {"region": "eu-west-1"}):
        error = await api.refused("DescribeServer", ServerId=server_id, **elsewhere)
        assert error.message == "Unknown server"


async def test_servers_are_listed_page_by_page(api):
    made = {await api.server() for _ in range(5)}
    found, token = [], None
    for _ in range(3):
        page = await api.call("ListServers", MaxResults=2, **({"NextToken": token} if token else {}))
        found += [server["ServerId"] for server in page["Servers"]]
        token = page.get("NextToken")
    assert token is None
    assert set(found) == made
    assert len(found) == 5
    assert (await api.refused("ListServers", NextToken="nonsense")).code == "InvalidNextTokenException"


async def test_an_update_replaces_what_it_names_and_keeps_the_rest(api):
    server_id = await api.server(PreAuthenticationLoginBanner="hello", ProtocolDetails={"PassiveIp": "192.0.2.1"})
    await api.call("UpdateServer", ServerId=server_id, ProtocolDetails={"TlsSessionResumptionMode": "DISABLED"})
    server = await api.described(server_id)
    assert server["PreAuthenticationLoginBanner"] == "hello"
    assert server["ProtocolDetails"]["PassiveIp"] == "192.0.2.1"
    assert server["ProtocolDetails"]["TlsSessionResumptionMode"] == "DISABLED"
    await api.call("UpdateServer", ServerId=server_id, PreAuthenticationLoginBanner="")
    assert "PreAuthenticationLoginBanner" not in await api.described(server_id)


async def test_an_update_that_aws_refuses_changes_nothing(api):
    server_id = await api.server()
    error = await api.refused("UpdateServer", ServerId=server_id, Protocols=["FTP", "FTPS"])
    assert (error.code, error.message) == (
        "InvalidRequestException",
        "Certificate is required when protocol FTPS is chosen",
    )
    assert (await api.described(server_id))["Protocols"] == ["FTP"]


async def test_the_identity_provider_can_be_changed_to_service_managed(api):
    server_id = await api.server()
    await api.call("UpdateServer", ServerId=server_id, Protocols=["SFTP"], IdentityProviderType="SERVICE_MANAGED")
    server = await api.described(server_id)
    assert server["IdentityProviderType"] == "SERVICE_MANAGED"
    assert "IdentityProviderDetails" not in server


async def test_what_an_sftp_user_has_to_show_is_described(api):
    methods = {"SftpAuthenticationMethods": "PUBLIC_KEY_AND_PASSWORD"}
    details = {**FTP_SERVER["IdentityProviderDetails"], **methods}
    server = {**FTP_SERVER, "Protocols": ["SFTP"], "IdentityProviderDetails": details}
    server_id = (await api.call("CreateServer", **server))["ServerId"]
    assert (await api.described(server_id))["IdentityProviderDetails"] == details
    await api.call("UpdateServer", ServerId=server_id, IdentityProviderDetails=FTP_SERVER["IdentityProviderDetails"])
    assert (await api.described(server_id))["IdentityProviderDetails"] == {
        **FTP_SERVER["IdentityProviderDetails"],
        "SftpAuthenticationMethods": "PUBLIC_KEY_OR_PASSWORD",
    }


async def test_elastic_addresses_have_aws_own_rules(api):
    details = {**FTP_SERVER["EndpointDetails"], "AddressAllocationIds": ["eipalloc-1"]}
    error = await api.refused("CreateServer", **{**FTP_SERVER, "EndpointDetails": details})
    assert error.message == "AddressAllocationIds cannot be set in CreateServer"
    sftp = {**FTP_SERVER, "Protocols": ["SFTP"]}
    server_id = (await api.call("CreateServer", **sftp))["ServerId"]
    addresses = {"AddressAllocationIds": ["eipalloc-1"]}
    assert "OFFLINE" in (await api.refused("UpdateServer", ServerId=server_id, EndpointDetails=addresses)).message
    await api.directory.report(server_id, ServerState.OFFLINE, ())
    both = {**addresses, "SubnetIds": ["subnet-1"]}
    error = await api.refused("UpdateServer", ServerId=server_id, EndpointDetails=both)
    assert "Specified SubnetIds must exist" in error.message
    await api.call("UpdateServer", ServerId=server_id, EndpointDetails=addresses)


async def test_stop_and_start_say_what_is_wanted_and_the_gateway_says_what_became_of_it(api):
    server_id = await api.server()
    await api.directory.report(server_id, ServerState.ONLINE, ())
    await api.call("StopServer", ServerId=server_id)
    assert (await api.described(server_id))["State"] == "STOPPING"
    await api.directory.report(server_id, ServerState.OFFLINE, ())
    await api.call("StopServer", ServerId=server_id)
    assert (await api.described(server_id))["State"] == "OFFLINE"
    await api.call("StartServer", ServerId=server_id)
    assert (await api.described(server_id))["State"] == "STARTING"


async def test_a_deleted_server_takes_its_users_and_endpoints_with_it(api):
    server_id = (await api.call("CreateServer", **SERVICE_MANAGED))["ServerId"]
    await api.call("CreateUser", ServerId=server_id, UserName="anna", Role=f"arn:aws:iam::{HUB}:role/users")
    await api.directory.report(server_id, ServerState.ONLINE, [endpoint(server_id)])
    assert [e.port for e in await api.directory.endpoints()] == [2222]
    await api.call("DeleteServer", ServerId=server_id)
    assert await api.directory.endpoints() == []
    assert await api.directory.servers() == []
    await api.directory.report(server_id, ServerState.ONLINE, [endpoint(server_id)])
    assert await api.directory.endpoints() == []


def endpoint(server_id):
    return Endpoint(
        server_id=server_id,
        account_id=HUB,
        region=REGION,
        state=ServerState.ONLINE,
        protocol=FileProtocol.SFTP,
        host="127.0.0.1",
        port=2222,
    )


async def test_every_change_rings_for_the_gateway_and_several_ring_once(api):
    listening = api.directory.changes()
    await anext(listening)
    server_id = await api.server()
    await api.call("StopServer", ServerId=server_id)
    await anext(listening)
    await listening.aclose()
    assert not api.changes.is_announced


async def test_roles_are_passed_to_transfer_only_with_permission(api):
    await api.server(LoggingRole=f"arn:aws:iam::{HUB}:role/logging-role")
    passed = [asked for asked in api.authorizer.asked if asked.action == "iam:PassRole"]
    assert [(asked.resource, asked.context) for asked in passed] == [
        (f"arn:aws:iam::{HUB}:role/logging-role", {"iam:PassedToService": ("transfer.amazonaws.com",)})
    ]


async def test_creating_a_server_tells_the_policy_what_kind_it_is(api):
    await api.server()
    (asked,) = [asked for asked in api.authorizer.asked if asked.action == "transfer:CreateServer"]
    assert asked.context["transfer:RequestServerProtocols"] == ("FTP",)
    assert asked.context["transfer:RequestServerEndpointType"] == ("VPC",)


async def test_the_gateway_sees_the_server_in_our_words(api):
    server = await api.directory.server(await api.server(Tags=[{"Key": "a", "Value": "b"}]))
    assert server is not None
    assert server.identity_provider.function_arn == FUNCTION
    assert server.tags == {"a": "b"}
    assert server.is_wanted
    assert await api.directory.server("s-nowhere") is None
