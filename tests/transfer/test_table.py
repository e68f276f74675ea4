"""The table as it is served where roles and certificates are not the service's own."""

from tests.fakes.house import AllowOnly
from tests.fakes.transfer import CERTIFICATE, FTP_SERVER, SERVICE_MANAGED, make_transfer_api

from crossdock.transfer.table import without_passed_roles

ROLE = "arn:aws:iam::222222222222:role/drop"
FILES = "s-0123456789abcdef0"


def allowed(*names: str) -> AllowOnly:
    return AllowOnly(*(f"transfer:{name}" for name in names))


async def test_whether_a_role_may_be_passed_is_not_asked_where_roles_are_anothers():
    api = make_transfer_api(authorizer=allowed("CreateServer", "CreateUser"))
    server = {**SERVICE_MANAGED, "LoggingRole": ROLE}
    assert "iam:PassRole" in (await api.refused("CreateServer", **server)).message
    api.operations.add(without_passed_roles(api.operations.services["transfer"]))
    server_id = (await api.call("CreateServer", **server))["ServerId"]
    await api.call("CreateUser", ServerId=server_id, UserName="user1", Role=ROLE)
    refusal = await api.refused("DeleteServer", ServerId=server_id)
    assert "transfer:DeleteServer" in refusal.message, "the service's own permissions are asked for all the same"


async def test_ftps_takes_no_certificate_of_a_server_that_has_one_in_files():
    api = make_transfer_api(in_files=lambda server_id: server_id == FILES)
    tags = [{"Key": "crossdock:server-id", "Value": FILES}]
    ftps = {**FTP_SERVER, "Protocols": ["FTPS"]}
    assert await api.server(**ftps, Tags=tags) == FILES
    await api.call("UpdateServer", ServerId=FILES, Protocols=["FTP", "FTPS"])
    assert "Certificate" not in await api.described(FILES)
    assert "Certificate is required" in (await api.refused("CreateServer", **ftps)).message
    other = await api.server(**ftps, Certificate=CERTIFICATE)
    assert "Certificate is required" in (await api.refused("UpdateServer", ServerId=other, Certificate="")).message
