"""A service-managed user, in our own words; AWS's spelling of it lives in `transfer/`."""

from dataclasses import dataclass, field

from crossdock.core.homes import HomeDirectory, PathHome
from crossdock.core.logins import Identity, PosixProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferUser:
    """A user that a server knows itself. It has no password: whoever holds one of the keys may log in.

    `public_keys` are in OpenSSH's one-line form, the oldest first; `session_policy` is the template, its variables not
    yet filled.
    """

    username: str
    role_arn: str
    home: HomeDirectory = field(default_factory=PathHome)
    session_policy: str | None = None
    public_keys: tuple[str, ...] = ()
    posix: PosixProfile | None = None

    @property
    def identity(self) -> Identity:
        """What the server vouches for, once the user has shown one of the keys."""
        return Identity(
            role_arn=self.role_arn,
            home=self.home,
            session_policy=self.session_policy,
            public_keys=self.public_keys,
            posix=self.posix,
        )
