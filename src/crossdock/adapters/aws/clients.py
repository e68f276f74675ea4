"""Clients of AWS's services besides S3, made when they are first wanted and shared by all sessions.

Credentials, profile and endpoints are found as botocore finds them for anyone: in variables, in `~/.aws`, from the role
of a container or an instance.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

from aiobotocore.config import AioConfig  # type: ignore[import-untyped]  # it ships no types
from aiobotocore.credentials import AioCredentials  # type: ignore[import-untyped]
from aiobotocore.session import AioSession  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError, EndpointProviderError
from botocore.parsers import ResponseParserError

from crossdock.adapters.aws.clean_connections import CleanHttpSession
from crossdock.adapters.aws.endpoint import require_port
from crossdock.adapters.aws.network_words import (
    IS_IT_THE_ENDPOINT,
    asked_at,
    is_of_network,
    network_words,
    without_userinfo,
)
from crossdock.adapters.aws.parsing import AwsFailure, require_request_id, with_answer_parsers
from crossdock.adapters.aws.profiles import credentials_of, renewed

CONNECT_TIMEOUT_S = 10.0


class ServiceClients(Protocol):
    async def client(self, service: str, region: str) -> Any:
        """aiobotocore's client of a service in a region, whose methods are made from the service's model.

        Raises one of AWS_FAILURES, also for credentials that cannot be had.
        """


class AwsClients:
    """See `ServiceClients`. Made by `open_clients`."""

    def __init__(
        self,
        session: AioSession,
        stack: AsyncExitStack,
        config: AioConfig,
        *,
        endpoint_url: str | None,
        verify: bool | str,
    ) -> None:
        self._session = session
        self._stack = stack
        self._config = config
        self._endpoint_url = endpoint_url
        self._verify = verify
        self._clients: dict[tuple[str, str], Any] = {}
        self._credentials: AioCredentials | None = None
        self._turn = asyncio.Lock()

    async def client(self, service: str, region: str) -> Any:
        found = self._clients.get((service, region))
        if found is None:
            async with self._turn:
                found = self._clients.get((service, region))
                if found is None:
                    self._credentials = await credentials_of(self._session)
                    found = self._clients[service, region] = await self._made(service, region)
        # Here, and not within the call that they sign, for whose errors see AWS_FAILURES.
        if self._credentials is not None:
            await renewed(self._credentials)
        return found

    async def _made(self, service: str, region: str) -> Any:
        creation = self._session.create_client(
            service, region_name=region, endpoint_url=self._endpoint_url, verify=self._verify, config=self._config
        )
        try:
            async with AsyncExitStack() as own:
                client = await own.enter_async_context(creation)
                require_port(client.meta.endpoint_url)
                await self._stack.enter_async_context(own.pop_all())
        except BotoCoreError:
            raise
        except ValueError as error:
            told = without_userinfo(str(error))
            raise EndpointProviderError(msg=f"the endpoint's URL of {service} is none: {told}") from error
        client.meta.events.register("before-parse", require_request_id)
        return client


@asynccontextmanager
async def open_clients(
    *,
    read_timeout_s: float,
    profile: str = "",
    endpoint_url: str = "",
    verify: bool | str = True,
    attempts: int = 3,
    session: AioSession | None = None,
) -> AsyncIterator[AwsClients]:
    """Open what makes clients.

    Args:
        read_timeout_s: without a byte of an answer.
        profile: of `~/.aws`; empty for the one that the environment names.
        endpoint_url: of every service, in place of AWS's own; empty for what the environment or the profile says.
        verify: the file of certificate authorities; True for those of the system. See `bundles` for what the
            environment or the profile says.
        attempts: at a call that is throttled or fails on the way.
        session: in place of one for the profile.
    """
    config = AioConfig(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        http_session_cls=CleanHttpSession,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    session = with_answer_parsers(session or AioSession(profile=profile or None))
    async with AsyncExitStack() as stack:
        yield AwsClients(
            session,
            stack,
            config,
            endpoint_url=endpoint_url or None,
            verify=verify,
        )


def in_words(error: AwsFailure) -> str:
    """AWS's own code and words and the request's id; of what never reached AWS, what was tried and what is wrong."""
    if isinstance(error, ResponseParserError):
        return f"what answers is not AWS: {IS_IT_THE_ENDPOINT}"
    if isinstance(error, BotoCoreError):
        if not is_of_network(error):
            return without_userinfo(str(error))
        return f"{asked_at(error) or 'AWS'} cannot be reached: {network_words(error, 'AWS')}"
    told = error.response.get("Error", {})
    request_id = error.response.get("ResponseMetadata", {}).get("RequestId", "")
    ending = f" (request {request_id})" if request_id else ""
    return f"{told.get('Code') or 'an error'}: {told.get('Message') or 'without a message'}{ending}"


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
