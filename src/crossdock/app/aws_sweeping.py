"""Ending the uploads that were left at AWS's S3, each as the role that began it.

The session's name and tags are of the form that the user's own had: a role's trust policy may ask for the server's id
at the end of the name, and its policies for the tags.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from crossdock.adapters.aws.role_assumer import AwsRoleIssuer
from crossdock.core.ids import Entropy, ServerId
from crossdock.core.logins import session_name, whose_session
from crossdock.core.principals import AssumedRole
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.resumable_uploads import ResumableUpload
from crossdock.ports.upload_ledger import BegunUpload

SWEEPER = "sweep"
"""In place of the user, in the session's name, as CloudTrail has it."""
_NOBODYS = "sweep@crossdock"
"""The name of the session for an upload of which no session is known."""


class UploadEnder(Protocol):
    async def abort_upload(self, upload: BegunUpload, /) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSweeper:
    """All raise AssumeRefused or FileError where an upload stays."""

    issuer: AwsRoleIssuer
    stores: Callable[[TemporaryCredentials, AssumedRole], UploadEnder]
    region: str
    entropy: Entropy

    async def end_begun(self, upload: BegunUpload) -> None:
        whose = whose_session(upload.session_name)
        if whose is None:
            # A name that was cut does not tell the server: what admitted it then admits it again.
            await self._end(upload, upload.session_name or _NOBODYS, {})
        else:
            await self._end_for(upload, *whose)

    async def end_resumable(self, upload: ResumableUpload) -> None:
        owner = upload.owner
        begun = BegunUpload(place=upload.place, upload_id=upload.upload_id, role_arn=owner.role_arn)
        await self._end_for(begun, owner.username, owner.server_id)

    async def _end_for(self, upload: BegunUpload, username: str, server_id: str) -> None:
        name = session_name(SWEEPER, self.entropy(8).hex(), ServerId(server_id))
        await self._end(upload, name, self.issuer.tagged(username, server_id))

    async def _end(self, upload: BegunUpload, name: str, tags: Mapping[str, Any]) -> None:
        issued = await self.issuer.credentials(upload.role_arn, session_name=name, region=self.region, **tags)
        await self.stores(issued.credentials, issued.principal).abort_upload(upload)
