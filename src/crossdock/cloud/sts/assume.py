"""Assuming a role from inside the house, by the very operation that clients call."""

from crossdock.cloud.sts.access_keys import AccessKeys
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller, Origin
from crossdock.ports.functions import TemporaryCredentials
from crossdock.wire.sigv4_errors import flavour_of, unknown_access_key


async def assume_role(
    operations: Operations,
    access_keys: AccessKeys,
    *,
    caller: Caller,
    account_id: str,
    region: str,
    origin: Origin,
    role_arn: str,
    session_name: str,
    session_policy: str | None = None,
    duration_s: int = 3600,
) -> tuple[TemporaryCredentials, Caller]:
    """Call STS AssumeRole; return the credentials, and the caller that whoever holds them is.

    Args:
        caller: who assumes the role: `ServicePrincipal` with source ARN and account for a service of the house.
        account_id: the account for which the service acts, for the audit.

    Raises:
        ServiceError: as STS answers, AccessDenied with the reason among it.
    """
    params: dict[str, object] = {
        "RoleArn": role_arn,
        "RoleSessionName": session_name,
        "DurationSeconds": duration_s,
    }
    if session_policy is not None:
        params["Policy"] = session_policy
    result = await operations.call(
        "sts", "AssumeRole", params, caller=caller, account_id=account_id, region=region, origin=origin
    )
    issued = result["Credentials"]
    credentials = TemporaryCredentials(
        access_key_id=issued["AccessKeyId"],
        secret_access_key=issued["SecretAccessKey"],
        session_token=issued["SessionToken"],
        expires_at=issued["Expiration"],
    )
    return credentials, await caller_of(access_keys, credentials)


async def caller_of(access_keys: AccessKeys, credentials: TemporaryCredentials) -> Caller:
    """Who the holder of these credentials is, session policies and tags included.

    Raises:
        InvalidSessionToken: they were not issued here.
        ServiceError: as STS answers for an access key that nobody has.
    """
    key = await access_keys.find(credentials.access_key_id, credentials.session_token)
    if key is None:
        raise unknown_access_key(flavour_of("sts"), credentials.access_key_id)
    return key.caller
