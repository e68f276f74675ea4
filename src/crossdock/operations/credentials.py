"""Credentials that hold no more, and how a service says so in the middle of a call.

The edge looks at a request's key before anything else. This is about what it cannot see: a role that was deleted or
made anew under its sessions, and a session that ends while the work done in its name goes on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from crossdock.core.errors import CrossdockError, ServiceError
from crossdock.operations.caller import Caller
from crossdock.wire.sigv4_errors import expired_token, flavour_of, unknown_access_key


class ExpiredCredentials(CrossdockError):
    """The caller's session is over."""


class UnknownCredentials(CrossdockError):
    """The caller's user or role is gone, or is another one under the same name."""


@contextmanager
def credentials_answered(service: str, caller: Caller) -> Iterator[None]:
    """Answer a block's ExpiredCredentials and UnknownCredentials as the service answers for such an access key.

    Raises:
        ServiceError: whose `reason` tells the operator what happened to the credentials.
    """
    try:
        yield
    except ExpiredCredentials as error:
        raise _because(error, expired_token(flavour_of(service))) from error
    except UnknownCredentials as error:
        raise _because(error, unknown_access_key(flavour_of(service), caller.access_key_id)) from error


def _because(error: CrossdockError, refusal: ServiceError) -> ServiceError:
    refusal.reason = str(error)
    return refusal
