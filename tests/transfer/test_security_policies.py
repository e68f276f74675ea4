"""DescribeSecurityPolicy and ListSecurityPolicies."""

import pytest
from tests.fakes.house import AllowOnly
from tests.fakes.transfer import FTP_SERVER, HUB, REGION, make_transfer_api


@pytest.fixture
def api():
    return make_transfer_api()


async def test_a_policy_is_described_with_its_algorithms(api):
    policy = (await api.call("DescribeSecurityPolicy", SecurityPolicyName="TransferSecurityPolicy-FIPS-2024-01"))[
        "SecurityPolicy"
    ]
    assert (policy["Fips"], policy["Type"], policy["Protocols"]) == (True, "SERVER", ["SFTP", "FTPS"])
    assert policy["SshMacs"] == ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"]
    assert len(policy["TlsCiphers"]) == 8
    assert "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" in policy["TlsCiphers"]


async def test_a_connectors_policy_tells_its_host_keys_and_nothing_of_tls(api):
    name = "TransferSFTPConnectorSecurityPolicy-2024-03"
    policy = (await api.call("DescribeSecurityPolicy", SecurityPolicyName=name))["SecurityPolicy"]
    assert (policy["Fips"], policy["Type"], policy["Protocols"]) == (False, "CONNECTOR", ["SFTP"])
    assert policy["SshHostKeyAlgorithms"][:2] == ["rsa-sha2-256", "rsa-sha2-512"]
    assert "TlsCiphers" not in policy
    server = await api.call("DescribeSecurityPolicy", SecurityPolicyName="TransferSecurityPolicy-2018-11")
    assert "SshHostKeyAlgorithms" not in server["SecurityPolicy"]


async def test_a_server_cannot_have_a_connectors_policy(api):
    name = "TransferSFTPConnectorSecurityPolicy-2024-03"
    error = await api.refused("CreateServer", **{**FTP_SERVER, "SecurityPolicyName": name})
    assert error.message == f"Unknown security policy {name}"


async def test_an_unknown_policy_is_not_found(api):
    error = await api.refused("DescribeSecurityPolicy", SecurityPolicyName="TransferSecurityPolicy-1999-01")
    assert error.code == "ResourceNotFoundException"
    assert error.members["ResourceType"] == "SecurityPolicy"


async def test_every_listed_policy_can_be_described_and_given_to_a_server_if_it_is_for_one(api):
    found, token = [], None
    for _ in range(20):
        page = await api.call("ListSecurityPolicies", MaxResults=5, **({"NextToken": token} if token else {}))
        found += page["SecurityPolicyNames"]
        token = page.get("NextToken")
        if token is None:
            break
    assert sorted(set(found)) == found
    assert {"TransferSecurityPolicy-2025-03", "TransferSFTPConnectorSecurityPolicy-FIPS-2024-10"} < set(found)
    assert found == (await api.call("ListSecurityPolicies"))["SecurityPolicyNames"]
    for name in found:
        described = await api.call("DescribeSecurityPolicy", SecurityPolicyName=name)
        assert described["SecurityPolicy"]["SecurityPolicyName"] == name
        if described["SecurityPolicy"]["Type"] == "CONNECTOR":
            continue
        await api.call("CreateServer", **{**FTP_SERVER, "SecurityPolicyName": name})


async def test_describing_is_asked_for_on_the_policy():
    api = make_transfer_api(authorizer=AllowOnly("transfer:DescribeSecurityPolicy"))
    name = "TransferSecurityPolicy-2024-01"
    await api.call("DescribeSecurityPolicy", SecurityPolicyName=name)
    (asked,) = api.authorizer.asked
    assert asked.resource == f"arn:aws:transfer:{REGION}:{HUB}:security-policy/{name}"
    assert (await api.refused("ListSecurityPolicies")).code == "AccessDeniedException"
