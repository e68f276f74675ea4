"""The credentials with which a backing is reached: looked up as its record says, again whenever their file changes."""

import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from aiobotocore.credentials import AioCredentials  # type: ignore[import-untyped]  # it ships no types
from aiobotocore.session import AioSession  # type: ignore[import-untyped]
from botocore.configloader import raw_config_parse

from crossdock.adapters.aws.parsing import AWS_FAILURES
from crossdock.adapters.aws.profiles import credentials_of, renewed
from crossdock.core.backings import Backing
from crossdock.core.errors import Unavailable
from crossdock.ports.functions import TemporaryCredentials

_NO_END = datetime.max.replace(tzinfo=UTC)
_log = logging.getLogger(__name__)

_Signature = tuple[tuple[int, int, int] | None, ...]


class BackingCredentials:
    """Those of one backing. A file that cannot be read after a change leaves the credentials that were good before."""

    def __init__(self, backing: Backing) -> None:
        self._backing = backing
        self._seen: _Signature | None = None
        self._of_file: TemporaryCredentials | None = None
        self._of_session: AioCredentials | None = None
        self._watched: Sequence[Path] = (Path(backing.credentials_file),) if backing.credentials_file else ()

    async def current(self) -> TemporaryCredentials:
        """Raises Unavailable when there are none."""
        signature = tuple(_signature(path) for path in self._watched)
        if signature != self._seen:
            await self._look(signature)
        if self._of_file is not None:
            return self._of_file
        if self._of_session is None:
            raise Unavailable(f"there are no credentials for {self._backing.where} in {self._backing.credentials_from}")
        try:
            # Renews what is about to expire, as a profile's that assumes a role.
            frozen = await renewed(self._of_session)
        except AWS_FAILURES as error:
            raise self._unusable(error) from error
        return _credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)

    async def _look(self, signature: _Signature) -> None:
        try:
            if self._backing.credentials_file:
                self._of_file = read_credentials_file(self._backing.credentials_file, self._backing.profile)
            else:
                session = AioSession(profile=self._backing.profile or None)
                self._of_session = await credentials_of(session)
                # They are watched from the next time on, as they are then: one look too many does not matter.
                self._watched = _files_of(session)
        except (*AWS_FAILURES, OSError, Unavailable) as error:
            if self._of_file is None and self._of_session is None:
                raise self._unusable(error) from error
            _log.warning(
                "changed credentials cannot be read, and the former ones stay in use",
                extra={"backing": self._backing.where, "reason": str(error)},
            )
        self._seen = signature

    def _unusable(self, error: Exception) -> Unavailable:
        return Unavailable(f"the credentials for {self._backing.where} cannot be had: {error}")


def read_credentials_file(path: str, profile: str) -> TemporaryCredentials:
    """Of a file as the AWS tools write it. Raises Unavailable or botocore's BotoCoreError."""
    section = raw_config_parse(path).get(profile or "default")
    if not isinstance(section, dict):
        raise Unavailable(f"the file {path} has no section [{profile or 'default'}]")
    key, secret = section.get("aws_access_key_id", ""), section.get("aws_secret_access_key", "")
    if not key or not secret:
        raise Unavailable(f"{path} has no aws_access_key_id or no aws_secret_access_key in [{profile or 'default'}]")
    return _credentials(key, secret, section.get("aws_session_token"))


def _files_of(session: AioSession) -> tuple[Path, ...]:
    names = (session.get_config_variable(name) for name in ("credentials_file", "config_file"))
    return tuple(Path(name).expanduser() for name in names if name)


def _credentials(key: str, secret: str, token: str | None) -> TemporaryCredentials:
    return TemporaryCredentials(
        access_key_id=key, secret_access_key=secret, session_token=token or "", expires_at=_NO_END
    )


def _signature(path: Path) -> tuple[int, int, int] | None:
    """What changes with a file's content, also where a link leads to another file from now on."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
