"""Where a request to S3 goes: which host, and what stands before the key in its path. Pure.

Source: S3 User Guide, "Virtual hosting of general purpose buckets", "Amazon S3 dual-stack endpoints", "FIPS".
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from crossdock.core.endpoint_addresses import in_brackets
from crossdock.core.errors import InvalidName
from crossdock.core.homes import ObjectPlace

KNOWN_BUCKETS = 1000
"""Of how many it is remembered what their addresses begin with, which every request asks."""

_HOST_LABELS = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_BUCKET = re.compile(r"[A-Za-z0-9._:-]{1,255}")
"""What botocore lets pass, and the colon after a tenant of Ceph's."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_AWS_HOST = re.compile(r"\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|api\.aws)$")
_GLOBAL_HOST = re.compile(r"s3\.amazonaws\.com(?:\.cn)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`origin` is what to connect to, `host` the Host header, `path` percent-encoded, with the key."""

    origin: str
    host: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Endpoint:
    """An S3 by its URL.

    Args:
        region: of the URL; requests are signed for it as long as no other is known of a bucket.
        is_regional: AWS's own, whose host names the region, so that another region is another host.
        path_style: the bucket in the path, for those that cannot have it in the host name.
    """

    url: str
    region: str
    is_regional: bool = False
    path_style: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for a port that cannot be, which botocore would find when it signs."""
        require_port(self.url)

    def address(self, place: ObjectPlace, *, region: str | None = None) -> Address:
        """Raises InvalidName for what is no bucket, or no key."""
        stem = _stem(self, place.bucket, region)
        if not place.key:
            raise InvalidName(f"{place} names a bucket, and no object in it")
        try:
            key = quote(place.key, safe="/~")
        except UnicodeEncodeError as error:
            raise InvalidName(f"the key {place.key!r} is no UTF-8") from error
        return Address(origin=stem.origin, host=stem.host, path=f"{stem.path}{key}")

    def stem(self, bucket: str, region: str | None) -> Address:
        """What the addresses of a bucket's objects begin with. Raises InvalidName for what is no bucket."""
        if not _BUCKET.fullmatch(bucket):
            raise InvalidName(f"no bucket can have the name {bucket[:255]!r}")
        parts = urlsplit(self.url)
        name = parts.hostname or ""
        if self.is_regional and region is not None and region != self.region:
            name = _host_in(name, self.region, region)
        base = parts.path.rstrip("/")
        if self._is_in_path(bucket, name, parts.scheme):
            path = f"{base}/{quote(bucket, safe='')}/"
        else:
            name, path = f"{bucket}.{name}", f"{base}/"
        host = in_brackets(name)
        if parts.port is not None and parts.port != _DEFAULT_PORTS.get(parts.scheme):
            host = f"{host}:{parts.port}"
        return Address(origin=f"{parts.scheme}://{host}", host=host, path=path)

    def _is_in_path(self, bucket: str, name: str, scheme: str) -> bool:
        """As botocore decides: no certificate covers a bucket with a dot, and below an address there are no names."""
        if self.path_style or not _HOST_LABELS.fullmatch(bucket) or (scheme == "https" and "." in bucket):
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True


_stem = lru_cache(maxsize=KNOWN_BUCKETS)(S3Endpoint.stem)


def require_port(url: str) -> None:
    """Raises ValueError for a port that is none."""
    _ = urlsplit(url).port


def is_of_aws(url: str) -> bool:
    """Whether the host is one of AWS's own, of any partition."""
    return _AWS_HOST.search(urlsplit(url).hostname or "") is not None


def _host_in(host: str, region: str, other: str) -> str:
    """The same endpoint, dual-stack or FIPS or neither, of another region."""
    if _GLOBAL_HOST.fullmatch(host):
        return host.replace("s3.", f"s3.{other}.", 1)
    return ".".join(other if label == region else label for label in host.split("."))
