"""Where the bytes of an embedded bucket lie when they lie in a bucket of another S3. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from crossdock.core.endpoint_urls import is_endpoint
from crossdock.core.errors import CrossdockError, InvalidName, NameTooLong
from crossdock.core.homes import MAX_KEY_BYTES

MAX_PREFIX_BYTES = 512
"""So that at least as many bytes of S3's 1,024 are left for keys."""

USER_AGENT = "Crossdock/attached-bucket"
"""What the User-Agent of every request to the S3 behind a bucket holds: a Crossdock whose bucket is attached too sees
by it that the request may come round. botocore does not sign this header, and no S3 has to heed it."""

_TARGET = re.compile(r"s3://([A-Za-z0-9._:-]{1,255})(?:/(.*))?", re.DOTALL)
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TEXTS = frozenset({"to", "endpoint_url", "region", "profile", "credentials_file", "ca_file"})


class BadBacking(CrossdockError):
    """What was given names no bucket of an S3; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """A bucket of another S3, and everything that is needed to reach it but the secret.

    `prefix` stands before every key, and is empty or ends with a slash, so that what is beside it is out of reach.
    The credentials are those of `credentials_file`, else of `profile`, else what the service's environment has; both
    together are that profile of that file. An empty `endpoint_url` is AWS itself. Paths are absolute.

    `keeps_keys`: whether that S3 keeps keys exactly, as S3 does. One that takes them for paths would let `..` lead out
    of the prefix, and `//` or a backslash past a policy that names a folder, so keys that a path would change are
    refused there.
    """

    bucket: str
    prefix: str = ""
    endpoint_url: str = ""
    region: str = "us-east-1"
    path_style: bool = False
    ca_file: str = ""
    profile: str = ""
    credentials_file: str = ""
    keeps_keys: bool = True

    @property
    def target(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def where(self) -> str:
        """As messages name it."""
        return f"{self.target} at {self.endpoint_url or 'AWS'}"

    @property
    def credentials_from(self) -> str:
        """As messages name it; no secret."""
        of_file = f"the file {self.credentials_file}" if self.credentials_file else ""
        of_profile = f"the profile {self.profile}" if self.profile else ""
        return " of ".join(text for text in (of_profile, of_file) if text) or "the service's environment"

    @property
    def most_key_bytes(self) -> int:
        """What the prefix leaves for keys."""
        return MAX_KEY_BYTES - len(self.prefix.encode())

    def key_of(self, key: str) -> str:
        """The other bucket's key of a key. Raises InvalidName, and NameTooLong where both together are too long."""
        if (size := len(key.encode())) > self.most_key_bytes:
            raise NameTooLong(
                f"the key has {size} bytes, and {self.most_key_bytes} are left for keys: S3 keeps at most "
                f"{MAX_KEY_BYTES}, with the prefix {self.prefix!r} of the attached bucket: {key[:100]!r}"
            )
        return self.prefix_of(key)

    def prefix_of(self, key: str) -> str:
        """What a prefix of a listing is there, or a key to begin after. Raises InvalidName."""
        if not self.keeps_keys and _is_changed_as_path(key):
            raise InvalidName(f"the S3 behind the bucket does not keep the key {key[:255]!r} as it is")
        return self.prefix + key

    def own_key(self, foreign: str) -> str:
        """The reverse. Raises ValueError for a key that is not below the prefix."""
        if not foreign.startswith(self.prefix):
            raise ValueError(f"{foreign!r} does not begin with {self.prefix!r}")
        return foreign[len(self.prefix) :]

    def is_beside(self, other: "Backing") -> bool:
        """Whether that is the same S3 under the same credentials, so that it copies from one to the other."""
        return _reach(self) == _reach(other)


def _is_changed_as_path(key: str) -> bool:
    """Only at the end a slash after a slash is none: `a/` is a key, and so is the empty prefix of a listing.

    SeaweedFS makes a slash of a backslash too.
    """
    parts = key.split("/")
    return "\\" in key or any(part in (".", "..") for part in parts) or "" in parts[:-1]


def _reach(backing: Backing) -> tuple[object, ...]:
    return (
        backing.endpoint_url,
        backing.region,
        backing.path_style,
        backing.ca_file,
        backing.profile,
        backing.credentials_file,
    )


def read_backing(options: Mapping[str, object]) -> Backing:
    """A backing as the command and the settings write it: `to` is s3://bucket/prefix.

    Raises BadBacking for an option that is unknown or cannot be meant.
    """
    if unknown := options.keys() - _TEXTS - {"path_style"}:
        raise BadBacking(f"{sorted(unknown)[0]!r} is none of {', '.join(sorted(_TEXTS | {'path_style'}))}")
    texts = {name: _text(options, name) for name in _TEXTS}
    path_style = options.get("path_style", False)
    if not isinstance(path_style, bool):
        raise BadBacking("path_style must be true or false")
    bucket, prefix = parse_target(texts["to"])
    for name in ("credentials_file", "ca_file"):
        if texts[name] and not texts[name].startswith("/"):
            raise BadBacking(f"{name} must be an absolute path, not {texts[name]!r}")
    if texts["region"] and not _REGION.fullmatch(texts["region"]):
        raise BadBacking(f"{texts['region']!r} is not a region such as us-east-1")
    return Backing(
        bucket=bucket,
        prefix=prefix,
        endpoint_url=_endpoint(texts["endpoint_url"]),
        region=texts["region"] or "us-east-1",
        path_style=path_style,
        ca_file=texts["ca_file"],
        profile=texts["profile"],
        credentials_file=texts["credentials_file"],
    )


def parse_target(text: str) -> tuple[str, str]:
    """The bucket, and the prefix, which ends with a slash unless it is empty. Raises BadBacking."""
    found = _TARGET.fullmatch(text)
    if found is None:
        raise BadBacking(f"{text!r} is not s3://bucket or s3://bucket/prefix")
    bucket, prefix = found[1], found[2] or ""
    if any(part in (".", "..") for part in prefix.split("/")):
        raise BadBacking(f"the prefix {prefix!r} has a part that is a dot or two, which not every S3 takes as it is")
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    try:
        size = len(prefix.encode())
    except UnicodeEncodeError:
        raise BadBacking("the prefix is no UTF-8") from None
    if size > MAX_PREFIX_BYTES:
        raise BadBacking(f"the prefix has {size} bytes: at most {MAX_PREFIX_BYTES} leave room for keys")
    return bucket, prefix


def _endpoint(url: str) -> str:
    if not url:
        return ""
    if not is_endpoint(url):
        raise BadBacking(f"{url!r} is not an endpoint such as https://s3.example.com:9000")
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise BadBacking("the endpoint's URL must not hold a user name or a password")
    if parts.query or parts.fragment:
        raise BadBacking("the endpoint's URL must end with its host, port or path")
    return url.rstrip("/")


def _text(options: Mapping[str, object], name: str) -> str:
    value = options.get(name) or ""
    if not isinstance(value, str):
        raise BadBacking(f"{name} must be a text")
    return value
