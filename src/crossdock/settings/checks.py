"""What a setting's text must look like. Each check says what is wrong with a value, or nothing."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from crossdock.core.endpoint_urls import is_endpoint
from crossdock.core.ids import is_server_id
from crossdock.core.networks import BadNetwork, parse_network
from crossdock.core.object_writing import BadWriting, Tables, read_writings
from crossdock.core.ports_text import BadPorts, parse_ports
from crossdock.core.servers import InterruptedUploads
from crossdock.settings.certificate_paths import certificate_paths

AUTHORITIES = ("embedded", "aws")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MAX_PASSIVE_PORTS = 1000

_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ACCOUNT_ID = re.compile(r"[0-9]{12}")


def check_host(host: str) -> str:
    try:
        ip_address(host)
    except ValueError:
        if not _HOST_NAME.fullmatch(host):
            return "must be an address such as 127.0.0.1 or 0.0.0.0, or a host name"
    return ""


def check_passive_ports(text: str) -> str:
    try:
        ports = parse_ports(text)
    except BadPorts as error:
        return f"must be a range of ports such as 8192-8200, or 0: {error}"
    if len(ports) > MAX_PASSIVE_PORTS:
        return f"must be at most {MAX_PASSIVE_PORTS} ports: each stays open, and AWS does with nine"
    return ""


def check_region(region: str) -> str:
    return "" if _REGION.fullmatch(region) and len(region) <= 64 else "must be a region such as us-east-1"


def check_authority(name: str) -> str:
    return "" if name in AUTHORITIES else f"must be one of {', '.join(AUTHORITIES)}"


def check_interrupted(kept: str) -> str:
    return "" if kept in tuple(InterruptedUploads) else f"must be one of {', '.join(InterruptedUploads)}"


def check_url(url: str) -> str:
    if url and not is_endpoint(url):
        return "must be an address such as https://s3.example.com"
    parts = urlsplit(url)
    return "must not hold a user name or a password" if parts.username or parts.password else ""


def check_tags(tags: Mapping[str, str]) -> str:
    """Source: IAM User Guide, "Pass session tags in AWS STS"."""
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.lower().startswith("aws:"):
            return f"the tag {key!r}: names have up to 128 characters and do not begin with aws:, values up to 256"
        if key.lower().startswith("transfer:"):
            return f"the tag {key!r}: transfer: is for the session's own tags, such as transfer:UserName"
    return ""


def check_writings(tables: Tables) -> str:
    try:
        read_writings(tables)
    except BadWriting as error:
        return str(error)
    return ""


def check_accounts(accounts: Mapping[str, str]) -> str:
    if not accounts:
        return "must name at least one account"
    for name, account_id in accounts.items():
        if not _ACCOUNT_ID.fullmatch(account_id):
            return f"the id of {name} must be twelve digits"
    return ""


def check_level(level: str) -> str:
    return "" if level.upper() in LEVELS else f"must be one of {', '.join(LEVELS)}"


def check_domains(domains: Sequence[str]) -> str:
    for domain in domains:
        if not _HOST_NAME.fullmatch(domain):
            return f"{domain!r} is not a domain such as s3.example.com"
    return ""


def check_networks(networks: Sequence[str]) -> str:
    for network in networks:
        try:
            parse_network(network)
        except BadNetwork as error:
            return str(error)
    return ""


def check_passive_ip(addresses: Mapping[str, str]) -> str:
    if objection := check_networks(list(addresses)):
        return objection
    for network, address in addresses.items():
        try:
            address == "AUTO" or IPv4Address(address)
        except AddressValueError:
            return f"{address!r}, for {network}, is not AUTO or an IPv4 address such as 198.51.100.7"
    return ""


def check_interpreters(runtimes: Mapping[str, str]) -> str:
    for runtime, interpreter in runtimes.items():
        if not Path(interpreter).is_absolute():
            return f"the interpreter of {runtime} must be an absolute path such as /usr/bin/python3.12"
    return ""


def check_certificates(certificates: Mapping[str, str]) -> str:
    for name in certificates:
        if name != "*" and not is_server_id(name):
            return f"{name!r} is neither a server id such as s-0123456789abcdef0 nor * for every server"
    try:
        certificate_paths(certificates)
    except ValueError as error:
        return str(error)
    return ""


def check_longest_session(seconds: float) -> str:
    """Times of STS are told to the second: what is shorter would have ended when it begins."""
    return "must be 0 or at least 1" if 0 < seconds < 1 else ""
