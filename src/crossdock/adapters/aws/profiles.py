"""Sessions on the profiles of `~/.aws`, and on what the environment says, whose faults are told in sentences."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiobotocore.credentials import AioCredentials  # type: ignore[import-untyped]  # it ships no types
from aiobotocore.session import AioSession  # type: ignore[import-untyped]
from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError, PartialCredentialsError

from crossdock.adapters.aws.parsing import AWS_FAILURES
from crossdock.core.errors import CrossdockError


class BadProfile(CrossdockError):
    """A profile that cannot be used; the message says which and why."""


class CredentialsNotRead(BotoCoreError):
    """In place of whatever was raised where a profile's program, token or cache was read."""

    fmt = "Error when retrieving credentials: {reason}"


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


async def credentials_of(session: AioSession) -> AioCredentials | None:
    """None where there are none. Raises what botocore raises.

    That is PartialCredentialsError for a key that is named and empty, with which nothing can be signed: botocore takes
    it for a key, and its signing fails with an error of no kind that anybody expects.
    """
    with _reading():
        found = await session.get_credentials()
    # Those that are renewed are looked at when they are used; their properties may not be read.
    if found is None or isinstance(found, RefreshableCredentials):
        return found
    for name, value in (("aws_access_key_id", found.access_key), ("aws_secret_access_key", found.secret_key)):
        if not value:
            raise PartialCredentialsError(provider=found.method, cred_var=name)
    return found


async def renewed(credentials: AioCredentials) -> ReadOnlyCredentials:
    """As they are to be used now: what is about to expire, as a profile's that assumes a role, is had again.

    Raises what a call of botocore's raises.
    """
    with _reading():
        frozen: ReadOnlyCredentials = await credentials.get_frozen_credentials()
        return frozen


@contextmanager
def _reading() -> Iterator[None]:
    """botocore lets pass whatever comes of a program that is missing or says nonsense, of files and of caches.

    What they said is not quoted: it may be the secret.
    """
    try:
        yield
    except AWS_FAILURES:
        raise
    except OSError as error:
        told = error.strerror or type(error).__name__
        raise CredentialsNotRead(reason=f"{told}: {error.filename}" if error.filename else told) from error
    except Exception as error:
        raise CredentialsNotRead(
            reason=f"what the profile's program, token or cache says is not understood ({type(error).__name__})"
        ) from error
