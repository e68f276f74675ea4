"""The objects of AWS's S3, or of one that speaks as it does, for sessions that hold the credentials of their roles."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiobotocore.session import AioSession  # type: ignore[import-untyped]  # it ships no types

from crossdock.adapters.aws.bundles import Bundle, bundle_of, verified_by
from crossdock.adapters.aws.connection import S3Connection, open_s3
from crossdock.adapters.aws.network_words import without_userinfo
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.adapters.aws.profiles import BadProfile, open_profile
from crossdock.adapters.aws.retrying import patience_of
from crossdock.core.object_writing import read_writings
from crossdock.core.principals import AssumedRole
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.host import Clock
from crossdock.ports.upload_ledger import UploadLedger
from crossdock.settings import AwsSettings, BadSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsStores:
    """See `adapters.aws.role_assumer.MakeStore`."""

    connection: S3Connection
    ledger: UploadLedger

    def __call__(self, credentials: TemporaryCredentials, principal: AssumedRole) -> AwsObjectStore:
        return AwsObjectStore(self.connection, credentials, principal=principal, ledger=self.ledger)


@asynccontextmanager
async def open_aws_stores(
    aws: AwsSettings, *, region: str, clock: Clock, ledger: UploadLedger, session: AioSession
) -> AsyncIterator[AwsStores]:
    """Raises BadSetting for an endpoint that is no URL."""
    opening = open_s3(
        region=region,
        clock=clock,
        endpoint_url=aws.endpoint_url or None,
        path_style=aws.path_style,
        verify=verify_of(aws, session),
        writings=read_writings(aws.buckets),
        patience=patience_of(attempts=aws.s3_attempts, timeout_s=aws.s3_timeout_s),
        read_timeout_s=aws.s3_timeout_s,
        session=session,
    )
    async with AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(opening)
        except ValueError as error:
            raise BadSetting(
                f"S3 has no address: {without_userinfo(str(error))} (aws.endpoint_url, AWS_ENDPOINT_URL, "
                "AWS_ENDPOINT_URL_S3, or endpoint_url of the profile)"
            ) from error
        yield AwsStores(connection=connection, ledger=ledger)


def open_session(aws: AwsSettings) -> AioSession:
    """Raises BadSetting for a profile that is not there, and for profiles that cannot be read."""
    try:
        return open_profile(aws.profile)
    except BadProfile as error:
        named_by = "aws.profile" if aws.profile else "AWS_PROFILE, AWS_CONFIG_FILE or ~/.aws"
        raise BadSetting(f"{named_by}: {error}") from error


def verify_of(aws: AwsSettings, session: AioSession) -> bool | str:
    """Whose certificates are believed, as botocore wants it told. Raises BadSetting for a file that has none."""
    own = None if aws.ca_file is None else Bundle(file=str(aws.ca_file), named_by="aws.ca_file")
    return verified_by(own or bundle_of(session))
