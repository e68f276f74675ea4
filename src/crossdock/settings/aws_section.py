"""The settings of a gateway in front of AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crossdock.settings.checks import check_tags, check_url
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
        None, "Certificate authorities of the endpoint, in PEM, in place of this machine's."
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
        dict, "Further tags of every session, where `tag_sessions` is on.", check=check_tags
    )
    logs: bool = setting(
        True, "Sessions are logged in CloudWatch Logs, group `/aws/transfer/SERVER_ID` of the gateway's own account."
    )
