"""The rules that a request names, in `IpPermissions` or in the short form of one rule.

Source: Amazon EC2 API Reference, AuthorizeSecurityGroupIngress, IpPermission and IpRange.
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from crossdock.cloud.ec2.faults import invalid_value, malformed_permission, missing
from crossdock.cloud.ec2.records import ANY_PORT, WITH_PORTS, Rule
from crossdock.core.errors import ServiceError
from crossdock.core.ingress import ALL_PROTOCOLS
from crossdock.core.ports_text import MAX_PORT
from crossdock.operations.operation import Params

SHORT_FORM = ("CidrIp", "FromPort", "ToPort", "IpProtocol", "SourceSecurityGroupName", "SourceSecurityGroupOwnerId")
MAX_NUMBER = 255
MAX_DESCRIPTION = 255

_NAMES = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_NUMBER = re.compile(r"[0-9]{1,3}", re.ASCII)
_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*", re.ASCII)


def rules_given(params: Params) -> dict[Rule, str]:
    """Each rule with its description.

    Raises:
        ServiceError: MissingParameter, InvalidParameterValue, InvalidPermission.Malformed.
    """
    found: dict[Rule, str] = {}
    for rule, description in _each(params):
        if rule in found:
            raise invalid_value("The same permission must not appear multiple times")
        found[rule] = description
    return found


def _each(params: Params) -> Iterator[tuple[Rule, str]]:
    permissions = params.get("IpPermissions", ())
    short = {name: params[name] for name in SHORT_FORM if name in params}
    if permissions and short:
        raise invalid_value("IpPermissions cannot be used with the parameters of a single rule")
    if not permissions and not short:
        raise missing("ipPermissions")
    if short:
        if "SourceSecurityGroupName" in short or "SourceSecurityGroupOwnerId" in short:
            raise _no_groups()
        if "CidrIp" not in short:
            raise missing("cidrIp")
        permissions = [{**short, "IpRanges": [{"CidrIp": short["CidrIp"]}]}]
    for permission in permissions:
        yield from _rules_of(permission)


def _rules_of(permission: Mapping[str, Any]) -> Iterator[tuple[Rule, str]]:
    if permission.get("UserIdGroupPairs"):
        raise _no_groups()
    if permission.get("PrefixListIds"):
        raise invalid_value("Crossdock has no prefix lists: name the addresses in IpRanges or Ipv6Ranges")
    protocol = _protocol(permission.get("IpProtocol"))
    from_port, to_port = _ports(protocol, permission.get("FromPort"), permission.get("ToPort"))
    ipv4, ipv6 = permission.get("IpRanges", ()), permission.get("Ipv6Ranges", ())
    if not (ipv4 or ipv6):
        raise missing("ipRanges")
    cidrs = [(_ipv4(one.get("CidrIp", "")), one) for one in ipv4] + [
        (_ipv6(one.get("CidrIpv6", "")), one) for one in ipv6
    ]
    for cidr, one in cidrs:
        rule = Rule(protocol=protocol, from_port=from_port, to_port=to_port, cidr=cidr)
        yield rule, _description(one.get("Description", ""))


def _no_groups() -> ServiceError:
    return invalid_value(
        "Crossdock knows clients by their addresses only: name them in IpRanges or Ipv6Ranges, not by security group"
    )


def _protocol(given: str | None) -> str:
    if not given:
        raise invalid_value(
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."
        )
    name = given.lower()
    name = _NAMES.get(name, name)
    is_number = _NUMBER.fullmatch(name) and int(name) <= MAX_NUMBER
    if name not in (*WITH_PORTS, ALL_PROTOCOLS) and not is_number:
        raise invalid_value(f"Invalid value '{given}' for IP protocol. Unknown protocol.")
    return str(int(name)) if is_number else name


def _ports(protocol: str, first: int | None, last: int | None) -> tuple[int, int]:
    """A range of ports, or an ICMP type and code; those of protocols that have none do not matter."""
    match protocol:
        case "tcp" | "udp":
            if first is None or last is None:
                raise invalid_value("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
            for port in (first, last):
                if not 0 <= port <= MAX_PORT:
                    raise malformed_permission(f"TCP/UDP port ({port}) out of range")
            if first > last:
                raise invalid_value(f"Invalid TCP/UDP port range ({first}:{last})")
            return first, last
        case "icmp":
            if first is None or last is None:
                raise invalid_value("Invalid value 'Must specify both from and to ports with ICMP.' for portRange.")
            return _icmp(first, last)
        case "icmpv6":
            return _icmp(ANY_PORT if first is None else first, ANY_PORT if last is None else last)
        case _:
            return ANY_PORT, ANY_PORT


def _icmp(kind: int, code: int) -> tuple[int, int]:
    for number in (kind, code):
        if not ANY_PORT <= number <= MAX_NUMBER:
            raise malformed_permission(f"ICMP code ({number}) out of range")
    return kind, code


def _ipv4(text: str) -> str:
    return _canonical(IPv4Network, text)


def _ipv6(text: str) -> str:
    return _canonical(IPv6Network, text)


def _canonical(kind: type[IPv4Network] | type[IPv6Network], text: str) -> str:
    """As AWS keeps it: without the bits beyond the prefix, which must be given as a number."""
    address, _, prefix = text.partition("/")
    try:
        if not (prefix.isascii() and prefix.isdecimal()) or "%" in address:
            raise ValueError(text)
        return str(kind(text, strict=False))
    except ValueError as error:
        raise invalid_value(f"CIDR block {text[:100]} is malformed") from error


def _description(text: str) -> str:
    if len(text) > MAX_DESCRIPTION or not _DESCRIPTION.fullmatch(text):
        raise invalid_value(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following "
            "set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        )
    return text
