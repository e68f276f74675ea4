"""The settings of a gateway in front of AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crossdock.core.object_writing import Tables
from crossdock.settings.checks import check_tags, check_url, check_writings
from crossdock.settings.declare import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """How the authority `aws` is reached. Credentials and the profile are found as every AWS tool finds them."""

    profile: str = setting("", "The profile of `~/.aws` to use; empty = the one that `AWS_PROFILE` names, or none.")
    endpoint_url: str = setting(
        "",
        "Where the services are, in place of AWS's own addresses; empty = as `AWS_ENDPOINT_URL` or the profile says.",
        check=check_url,
    )
    path_style: bool = setting(
        False, "Buckets stand in the path of S3's addresses and not in the host name, as most other vendors want it."
    )
    ca_file: Path | None = setting(  # noqa: RUF009 - a field, and paths do not change
        None,
        "Certificate authorities of the endpoint, in PEM, in place of this machine's; not set = as `AWS_CA_BUNDLE`, "
        "the profile's `ca_bundle` or `REQUESTS_CA_BUNDLE` says.",
    )
    external_id: str = setting(
        "",
        "Sent with every assumption of a role, for trust policies that ask for `sts:ExternalId`; empty = none.",
    )
    session_duration_s: int = setting(
        3600,
        "How long a role's credentials are good; they are renewed under way. More than 3600 only where the gateway's "
        "own identity is no role.",
        low=900,
        high=43_200,
    )
    tag_sessions: bool = setting(
        False,
        "Sessions carry the tags `transfer:UserName` and `transfer:ServerId`, which policies can use as "
        "`aws:PrincipalTag`. Roles then have to allow `sts:TagSession`.",
    )
    session_tags: Mapping[str, str] = setting(
        dict,
        "Further tags of every session, where `tag_sessions` is on. None begins with `transfer:`.",
        check=check_tags,
    )
    buckets: Tables = setting(  # noqa: RUF009 - a field
        dict,
        "How objects are written, by bucket; `*` is every bucket that does not say it itself. In TOML "
        '`[aws.buckets."partner-inbox"]`, and below it `acl`, `sse`, `kms_key_id`, `bucket_key`: '
        "[what they are](aws.md#object-ownership-and-acls). Without `acl` the owners of other accounts' buckets get "
        "full control at AWS, and nobody at another S3. As a variable it is JSON.",
        check=check_writings,
    )
    s3_attempts: int = setting(
        4,
        "How often a request to S3 is sent that is throttled or fails on the way, the first time included; "
        "one to the S3 of an attached bucket, too. Unless it is 1, a transfer under way also waits, for up to 30 "
        "seconds, for an S3 that takes no connections.",
        low=1,
        high=20,
    )
    s3_timeout_s: float = setting(
        60.0,
        "How long S3 may be silent in the middle of a request before it is sent again; the S3 of an attached bucket, "
        "too. A transfer under way waits no longer than that for an S3 that takes no connections.",
        low=0.1,
        high=900,
    )
    logs: bool = setting(
        True,
        "Sessions are logged in CloudWatch Logs, group `/aws/transfer/SERVER_ID` of the gateway's own account. If "
        "false, in Crossdock's own log instead, and there alone it says why a login was denied: `crossdock exec hub -- "
        "aws logs filter-log-events --log-group-name /aws/transfer/SERVER_ID`.",
    )
