"""Sessions on the profiles of `~/.aws`, and on what the environment says, whose faults are told in sentences."""

from aiobotocore.session import AioSession  # type: ignore[import-untyped]  # it ships no types
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, PartialCredentialsError

from crossdock.core.errors import CrossdockError


class BadProfile(CrossdockError):
    """A profile that cannot be used; the message says which and why."""


def open_profile(profile: str) -> AioSession:
    """A session on a profile; empty for the one that the environment names, or none.

    Raises BadProfile where there is no such profile, or the files cannot be parsed: botocore would say so at whatever
    is asked first.
    """
    session = AioSession(profile=profile or None)
    try:
        there = session.available_profiles
        name = session.profile
    except BotoCoreError as error:
        raise BadProfile(f"the profiles of the AWS tools cannot be read: {error}") from error
    if name and name not in there:
        raise BadProfile(f"there is no profile {name} (those there are: {', '.join(there) or 'none'})")
    return session


async def refuse_half_a_key(session: AioSession) -> None:
    """Raises PartialCredentialsError for a key that is named and empty, with which nothing can be signed.

    botocore takes it for a key, and its signing fails with an error of no kind that anybody expects.
    """
    found = await session.get_credentials()
    # Those that are renewed are looked at when they are used; their properties may not be read.
    if found is None or isinstance(found, RefreshableCredentials):
        return
    for name, value in (("aws_access_key_id", found.access_key), ("aws_secret_access_key", found.secret_key)):
        if not value:
            raise PartialCredentialsError(provider=found.method, cred_var=name)
