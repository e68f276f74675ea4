"""Which servers name a security group."""

from tests.fakes.transfer import FTP_SERVER, HUB, REGION, make_transfer_api

from crossdock.transfer.security_group_use import ServersOfGroups

GROUP, OTHER = "sg-0123456789abcdef0", "sg-00000000"


async def servers_with(api, group_id, *, account=HUB, region=REGION):
    async with api.operations.house.state.reading() as tx:
        return await ServersOfGroups().servers_with(tx, account, region, group_id)


async def test_servers_of_the_account_and_region_that_name_a_group():
    api = make_transfer_api()
    details = FTP_SERVER["EndpointDetails"]
    both = await api.server(EndpointDetails={**details, "SecurityGroupIds": [OTHER, GROUP]})
    other = await api.server(EndpointDetails={**details, "SecurityGroupIds": [OTHER]})
    await api.call("CreateServer", Protocols=["SFTP"])
    assert await servers_with(api, GROUP) == [both]
    assert sorted(await servers_with(api, OTHER)) == sorted([both, other])
    assert await servers_with(api, GROUP, account="222222222222") == []
    assert await servers_with(api, GROUP, region="eu-central-1") == []
    await api.call("DeleteServer", ServerId=both)
    assert await servers_with(api, GROUP) == []
