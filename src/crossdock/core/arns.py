"""Amazon Resource Names, parsed once at the border."""

from dataclasses import dataclass

from crossdock.core.errors import InvalidArn


@dataclass(frozen=True, slots=True, kw_only=True)
class Arn:
    """`arn:partition:service:region:account-id:resource`; the resource keeps its own colons and slashes."""

    service: str
    resource: str
    region: str = ""
    account_id: str = ""
    partition: str = "aws"

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account_id}:{self.resource}"


def parse_arn(text: str) -> Arn:
    """Split an ARN into its six parts.

    Raises:
        InvalidArn: fewer than six parts, another prefix than `arn`, or an empty partition, service or resource.

    Source: AWS General Reference, "Amazon Resource Names (ARNs)".
    """
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        raise InvalidArn(text)
    _, partition, service, region, account_id, resource = parts
    if not (partition and service and resource):
        raise InvalidArn(text)
    return Arn(partition=partition, service=service, region=region, account_id=account_id, resource=resource)


def role_arn(account_id: str, path_and_name: str) -> Arn:
    """The ARN of a role; `path_and_name` is the name with its path but without a leading slash."""
    return Arn(service="iam", account_id=account_id, resource=f"role/{path_and_name}")


def function_name(arn: Arn) -> str:
    """The name in a Lambda function's ARN, without its version or alias; empty for what is no function."""
    kind, _, rest = arn.resource.partition(":")
    return rest.partition(":")[0] if arn.service == "lambda" and kind == "function" else ""


def no_such(arn: Arn) -> str:
    """The sentence that there is no such role or function, for an operator."""
    if name := function_name(arn):
        return f"there is no function {name} in account {arn.account_id} in region {arn.region}"
    return f"there is no role {arn.resource.removeprefix('role/')} in account {arn.account_id}"


def bucket_arn(bucket: str) -> Arn:
    """The ARN of a bucket: S3 names carry neither region nor account."""
    return Arn(service="s3", resource=bucket)


def object_arn(bucket: str, key: str) -> Arn:
    return Arn(service="s3", resource=f"{bucket}/{key}")


def server_arn(region: str, account_id: str, server_id: str) -> Arn:
    return Arn(service="transfer", region=region, account_id=account_id, resource=f"server/{server_id}")


def host_key_arn(region: str, account_id: str, server_id: str, key_id: str) -> Arn:
    return Arn(service="transfer", region=region, account_id=account_id, resource=f"host-key/{server_id}/{key_id}")


def transfer_user_arn(region: str, account_id: str, server_id: str, user_name: str) -> Arn:
    return Arn(service="transfer", region=region, account_id=account_id, resource=f"user/{server_id}/{user_name}")
