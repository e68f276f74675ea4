"""How one server of a file comes about: calls in its account and region, and the texts that it names."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossdock.app.administrators import AsAdministrator
from crossdock.core.errors import CrossdockError, ServiceError
from crossdock.ports.authority import SecretTexts
from crossdock.settings.servers_file import SECRET


class CannotDeclare(CrossdockError):
    """A server of the file cannot be had as it is there; the message names the server, the call and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """Of one server. `account` is a name or an id. `about` stands before what errors say, to name what they are of."""

    server_id: str
    account: str
    region: str
    administrator: AsAdministrator
    secrets: SecretTexts
    about: str = ""

    async def ask(self, service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises ServiceError, and UnknownAccount."""
        return await self.administrator(self.account, self.region, service, operation, params)

    async def call(self, service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises CannotDeclare, and UnknownAccount."""
        try:
            return await self.ask(service, operation, params)
        except ServiceError as error:
            raise self.failed(operation, error) from error

    async def listed(
        self, service: str, operation: str, params: Mapping[str, Any], *, member: str
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Page by page. Raises as `call` does."""
        token: dict[str, str] = {}
        while True:
            page = await self.call(service, operation, {**params, **token})
            for item in page[member]:
                yield item
            if "NextToken" not in page:
                return
            token = {"NextToken": page["NextToken"]}

    async def text(self, place: str, what: str) -> str:
        """What a place has: a file, or a secret. Raises CannotDeclare, which says `what` it should have been."""
        try:
            if place.startswith(SECRET):
                return await self.secrets.text(self.account, self.region, place.removeprefix(SECRET))
            return await asyncio.to_thread(Path(place).read_text, encoding="utf-8")
        except UnicodeDecodeError:
            # Its text has bytes of what may be a private key.
            raise self.objection(f"the {what} {place} cannot be read: it is no text in UTF-8") from None
        except OSError as error:
            raise self.objection(f"the {what} {place} cannot be read: {error.strerror}") from error
        except CrossdockError as error:
            raise self.objection(f"the {what} {place} cannot be read: {error}") from error

    def failed(self, operation: str, error: ServiceError) -> CannotDeclare:
        return self.objection(f"{operation}: {error}")

    def objection(self, sentence: str) -> CannotDeclare:
        return CannotDeclare(f"server {self.server_id}: {self.about}{sentence}")
