"""The policies that AWS manages and that exist in every account: documents as JSON files, the rest as a table.

Only these eight are shipped; another ARN of `aws:policy/…` is NoSuchEntity. The documents are AWS's own, but for
`ReadOnlyAccess`, which in AWS names some three thousand actions: here it is limited to the services that Crossdock has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    """A policy under AWS's ARN. `document` is the JSON text of its default version; the dates are ISO 8601."""

    name: str
    path: str
    policy_id: str
    version_id: str
    created_at: str
    updated_at: str
    description: str
    document: str

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::aws:policy{self.path}{self.name}"


# name, path, id, default version, created, default version made, description.
# Ids, versions and dates are AWS's own, as of September 2026.
_TABLE = (
    (
        "AdministratorAccess",
        "/",
        "ANPAIWMBCKSKIEE64ZLYK",
        "v1",
        "2015-02-06T18:39:46+00:00",
        "2015-02-06T18:39:46+00:00",
        "Provides full access to AWS services and resources.",
    ),
    (
        "ReadOnlyAccess",
        "/",
        "ANPAILL3HVNFSB6DCOWYQ",
        "v190",
        "2015-02-06T18:39:48+00:00",
        "2026-09-24T17:37:08+00:00",
        "Provides read-only access to AWS services and resources. Limited to the services that Crossdock has.",
    ),
    (
        "AmazonS3FullAccess",
        "/",
        "ANPAIFIR6V6BVTRAHWINE",
        "v2",
        "2015-02-06T18:40:58+00:00",
        "2021-09-27T20:16:37+00:00",
        "Provides full access to all buckets via the AWS Management Console.",
    ),
    (
        "AmazonS3ReadOnlyAccess",
        "/",
        "ANPAIZTJ4DXE7G6AGAE6M",
        "v3",
        "2015-02-06T18:40:59+00:00",
        "2023-08-10T21:31:39+00:00",
        "Provides read only access to all buckets via the AWS Management Console.",
    ),
    (
        "AWSLambdaBasicExecutionRole",
        "/service-role/",
        "ANPAJNCQGXC42545SKXIK",
        "v1",
        "2015-04-09T15:03:43+00:00",
        "2015-04-09T15:03:43+00:00",
        "Provides write permissions to CloudWatch Logs.",
    ),
    (
        "AWSTransferLoggingAccess",
        "/service-role/",
        "ANPAISIP5WGJX7VKXRQZO",
        "v1",
        "2019-01-14T15:32:50+00:00",
        "2019-01-14T15:32:50+00:00",
        "Allows AWS Transfer full access to create log streams and groups and put log events to your account",
    ),
    (
        "AWSTransferFullAccess",
        "/",
        "ANPAZKAPJZG4KGELFKPYK",
        "v1",
        "2020-12-14T19:37:23+00:00",
        "2020-12-14T19:37:23+00:00",
        "Provides full access to AWS Transfer Service.",
    ),
    (
        "SecretsManagerReadWrite",
        "/",
        "ANPAI3VG7CI5BIQZQ6G2E",
        "v6",
        "2018-04-04T18:05:29+00:00",
        "2026-08-25T23:37:10+00:00",
        "Provides read/write access to AWS Secrets Manager via the AWS Management Console.",
    ),
)


def load() -> Mapping[str, ManagedPolicy]:
    """Read the managed policies from the package, by ARN."""
    documents = files(__name__)
    policies = {}
    for name, path, policy_id, version_id, created_at, updated_at, description in _TABLE:
        policy = ManagedPolicy(
            name=name,
            path=path,
            policy_id=policy_id,
            version_id=version_id,
            created_at=created_at,
            updated_at=updated_at,
            description=description,
            document=documents.joinpath(f"{name}.json").read_text(encoding="utf-8"),
        )
        policies[policy.arn] = policy
    return MappingProxyType(policies)
