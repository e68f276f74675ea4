"""The accounts that may be read, each by a profile of `~/.aws`, and the one road on which anything is read of them."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.loaders import Loader, create_loader

from crossdock.adapters.aws.bundles import bundle_of, verified_by
from crossdock.adapters.aws.clients import ServiceClients, code_of, in_words, open_clients
from crossdock.adapters.aws.documents.reads import READS, NotRead
from crossdock.adapters.aws.network_words import without_userinfo
from crossdock.adapters.aws.parsing import AWS_FAILURES, AwsFailure
from crossdock.adapters.aws.profiles import BadProfile, open_profile
from crossdock.settings.trusted_files import BadAuthorities

READ_TIMEOUT_S = 20.0
_ACCOUNT_ID = re.compile(r"[0-9]{12}", re.ASCII)
_DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_Call = tuple[str, str, str]
_T = TypeVar("_T")
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that can be read, each document once: what is explained is one moment.

    `caller_arn` and `caller_id` are who the profile is, as STS says. Where nobody asked, `account_id` is empty.
    """

    account_id: str
    profile: str
    region: str
    caller_arn: str
    caller_id: str
    clients: ServiceClients = field(repr=False)
    _known: dict[_Call, Any] = field(default_factory=dict, repr=False, compare=False)

    async def read(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        """One call of READS. Raises NotRead."""

        async def ask(client: Any) -> Mapping[str, Any]:
            found: Mapping[str, Any] = await getattr(client, xform_name(operation))(**params)
            return found

        return await self._once(service, operation, params, ask)

    async def pages(self, service: str, operation: str, member: str, /, **params: Any) -> Sequence[Any]:
        """All that a listing of READS has under this member, of every page. Raises NotRead."""

        async def ask(client: Any) -> Sequence[Any]:
            pages = client.get_paginator(xform_name(operation)).paginate(**params)
            return [one async for page in pages for one in page.get(member, ())]

        return await self._once(service, operation, params, ask)

    async def _once(
        self, service: str, operation: str, params: Mapping[str, Any], ask: Callable[[Any], Awaitable[_T]]
    ) -> _T:
        """What is denied is denied for good; any other failure may pass, and is asked again."""
        call = (service, operation, json.dumps(params, sort_keys=True))
        if call not in self._known:
            try:
                self._known[call] = await ask(await self.clients.client(service, self.region))
            except AWS_FAILURES as error:
                refusal = self._not_read(error, READS[service, operation].action, params)
                if refusal.code in _DENIALS:
                    self._known[call] = refusal
                raise refusal from error
        known = self._known[call]
        if isinstance(known, NotRead):
            raise known
        return cast(_T, known)

    def in_region(self, region: str) -> "Account":
        """The same account, asked in a region whose answers are that region's own."""
        return self if region == self.region else replace(self, region=region, _known={})

    async def host(self, service: str) -> str:
        """Where calls of the service go, with the port if it has one."""
        client = await self.clients.client(service, self.region)
        return urlsplit(without_userinfo(str(client.meta.endpoint_url))).netloc

    def _not_read(self, error: AwsFailure, action: str, params: Mapping[str, Any]) -> NotRead:
        on = "".join(f" {value}" for value in params.values())
        code = code_of(error) if isinstance(error, ClientError) else ""
        if code not in _DENIALS:
            what = f"{action} on{on}" if on else action
            return NotRead(f"{what} failed with profile {self.profile}: {in_words(error)}", code=code)
        whose = f" of account {self.account_id}" if self.account_id else ""
        return NotRead(
            f"profile {self.profile}{whose} may not {action}" + (f" on{on}" if on else ""),
            remedy=f"allow {action} to {self.caller_arn}, who profile {self.profile} is",
            code=code,
        )


def is_of_aws(host: str) -> bool:
    return host.partition(":")[0].endswith(_OF_AWS)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Those that can be read, in the order in which they were given."""

    listed: tuple[Account, ...]

    def of(self, account_id: str, action: str) -> Account:
        """The one of this id, for a call that takes this action. Raises NotRead."""
        for account in self.listed:
            if account.account_id == account_id:
                return account
        raise NotRead(
            f"no profile is given for account {account_id}",
            remedy=f"give --profile {account_id}=PROFILE, of somebody in that account who may {action}",
        )


@asynccontextmanager
async def open_accounts(
    profiles: Mapping[str, str], *, account_ids: Mapping[str, str], region: str = "", endpoint_url: str = ""
) -> AsyncIterator[Accounts]:
    """Open an account for each profile, and ask STS whose it is.

    Args:
        profiles: by the account's id, or by a name of `account_ids`, or by any other name, which is not checked.
        region: of the servers; empty for what each profile says.
        endpoint_url: of every service, in place of what the environment or a profile says.

    Raises BadProfile.
    """
    async with AsyncExitStack() as stack:
        listed: list[Account] = []
        for name, profile in profiles.items():
            reader = await open_reader(stack, profile, region=region, endpoint_url=endpoint_url)
            account = await _identified(reader)
            wanted = account_ids.get(name, name)
            if _ACCOUNT_ID.fullmatch(wanted) and wanted != account.account_id:
                raise BadProfile(f"profile {profile} is of account {account.account_id}, not of {wanted}")
            if earlier := next((one for one in listed if one.account_id == account.account_id), None):
                raise BadProfile(f"profiles {earlier.profile} and {profile} are both of account {account.account_id}")
            listed.append(account)
        yield Accounts(tuple(listed))


async def open_reader(stack: AsyncExitStack, profile: str, *, region: str = "", endpoint_url: str = "") -> Account:
    """Open a profile, until the stack is unwound, without asking whose it is. Raises BadProfile."""
    session = open_profile(profile)
    try:
        verify = verified_by(bundle_of(session))
    except BadAuthorities as error:
        raise BadProfile(f"profile {profile} cannot be used: {error}") from error
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    region = region or session.get_config_variable("region") or ""
    if not region:
        raise BadProfile(f"profile {profile} has no region: set it there, or give --region")
    clients = await stack.enter_async_context(
        open_clients(read_timeout_s=READ_TIMEOUT_S, endpoint_url=endpoint_url, verify=verify, session=session)
    )
    return Account(
        account_id="", profile=profile, region=region, caller_arn="whoever it is", caller_id="", clients=clients
    )


@cache
def _loader(further_directories: str | None) -> Loader:
    """Of the services' models, which take longer to read than an answer to come: one for all profiles."""
    return create_loader(further_directories)


async def _identified(reader: Account) -> Account:
    try:
        told = await (await reader.clients.client("sts", reader.region)).get_caller_identity()
    except AWS_FAILURES as error:
        raise BadProfile(f"profile {reader.profile} cannot be used: {in_words(error)}") from error
    if not all(told.get(member) for member in ("Account", "Arn", "UserId")):
        raise BadProfile(f"profile {reader.profile} cannot be used: what answers for STS is none")
    return replace(reader, account_id=told["Account"], caller_arn=told["Arn"], caller_id=told["UserId"])
