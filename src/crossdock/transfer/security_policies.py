"""DescribeSecurityPolicy, ListSecurityPolicies, of the policies for servers and for SFTP connectors.

Source: AWS Transfer Family API Reference, the operations of these names and DescribedSecurityPolicy.
"""

from typing import Any

from crossdock.core.arns import Arn
from crossdock.core.security_policies import CONNECTOR_SECURITY_POLICIES, SECURITY_POLICIES, SecurityPolicy
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permission, Result, needs
from crossdock.operations.paging import page_key, page_token
from crossdock.transfer.faults import unknown_security_policy

_NAMES = sorted((*SECURITY_POLICIES, *CONNECTOR_SECURITY_POLICIES))


def security_policy_operations() -> dict[str, Operation]:
    return {
        "DescribeSecurityPolicy": Operation(handler=describe, permissions=_on_policy),
        "ListSecurityPolicies": Operation(handler=list_policies, permissions=needs("transfer:ListSecurityPolicies")),
    }


async def describe(call: Call) -> Result:
    name: str = call.params["SecurityPolicyName"]
    if (policy := SECURITY_POLICIES.get(name)) is not None:
        # AWS tells the algorithms of host keys for connectors only, and has TLS for servers only.
        own: dict[str, Any] = {"TlsCiphers": list(policy.tls_ciphers), "Type": "SERVER", "Protocols": ["SFTP", "FTPS"]}
    elif (policy := CONNECTOR_SECURITY_POLICIES.get(name)) is not None:
        own = {"SshHostKeyAlgorithms": list(policy.ssh_host_keys), "Type": "CONNECTOR", "Protocols": ["SFTP"]}
    else:
        raise unknown_security_policy(name)
    return {"SecurityPolicy": {**_described(policy), **own}}


def _described(policy: SecurityPolicy) -> dict[str, Any]:
    return {
        "Fips": policy.is_fips,
        "SecurityPolicyName": policy.name,
        "SshCiphers": list(policy.ssh_ciphers),
        "SshKexs": list(policy.ssh_kexs),
        "SshMacs": list(policy.ssh_macs),
    }


async def list_policies(call: Call) -> Result:
    """In the order of their names."""
    after = page_key(call.params.get("NextToken"), error_code="InvalidNextTokenException")
    limit: int = call.params.get("MaxResults", 1000)
    names = [name for name in _NAMES if after is None or (name,) > after]
    result: dict[str, Any] = {"SecurityPolicyNames": names[:limit]}
    if len(names) > limit:
        result["NextToken"] = page_token((names[limit - 1],))
    return result


def _on_policy(call: Call) -> tuple[Permission, ...]:
    resource = f"security-policy/{call.params['SecurityPolicyName']}"
    arn = Arn(service="transfer", region=call.region, account_id=call.account_id, resource=resource)
    return (Permission(action="transfer:DescribeSecurityPolicy", resource=str(arn)),)
