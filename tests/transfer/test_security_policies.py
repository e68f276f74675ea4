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


async def test_an_unknown_policy_is_not_found(api):
    error = await api.refused("DescribeSecurityPolicy", SecurityPolicyName="TransferSecurityPolicy-1999-01")
    assert error.code == "ResourceNotFoundException"
    assert error.members["ResourceType"] == "SecurityPolicy"


async def test_every_listed_policy_can_be_described_and_given_to_a_server(api):
    found, token = [], None
    for _ in range(20):
        page = await api.call("ListSecurityPolicies", MaxResults=5, **({"NextToken": token} if token else {}))
        found += page["SecurityPolicyNames"]
        token = page.get("NextToken")
        if token is None:
            break
    assert sorted(set(found)) == found
    assert found == (await api.call("ListSecurityPolicies"))["SecurityPolicyNames"]
    for name in found:
        described = await api.call("DescribeSecurityPolicy", SecurityPolicyName=name)
        assert described["SecurityPolicy"]["SecurityPolicyName"] == name
        await api.call("CreateServer", **{**FTP_SERVER, "SecurityPolicyName": name})


async def test_describing_is_asked_for_on_the_policy():
    api = make_transfer_api(authorizer=AllowOnly("transfer:DescribeSecurityPolicy"))
    name = "TransferSecurityPolicy-2024-01"
    await api.call("DescribeSecurityPolicy", SecurityPolicyName=name)
    (asked,) = api.authorizer.asked
    assert asked.resource == f"arn:aws:transfer:{REGION}:{HUB}:security-policy/{name}"
    assert (await api.refused("ListSecurityPolicies")).code == "AccessDeniedException"
