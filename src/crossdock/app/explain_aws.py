"""`crossdock explain` without a service: on the documents of AWS that the given profiles may read."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from crossdock.adapters.aws.bundles import BundleTrust
from crossdock.adapters.aws.documents.accounts import (
    READ_TIMEOUT_S,
    Account,
    Accounts,
    is_of_aws,
    open_accounts,
    open_reader,
)
from crossdock.adapters.aws.documents.assumers import Assumer, Gateway, TransferService
from crossdock.adapters.aws.documents.buckets import BucketReader
from crossdock.adapters.aws.documents.fleet import Fleet
from crossdock.adapters.aws.documents.keys import KeyReader
from crossdock.adapters.aws.documents.organization import OrganizationReader
from crossdock.adapters.aws.documents.principals import PrincipalReader
from crossdock.adapters.aws.documents.readers import Readers
from crossdock.adapters.aws.documents.trial import AwsRoleTrial
from crossdock.adapters.aws.invocation_roles import AwsInvocationRoles
from crossdock.adapters.aws.provider_functions import AwsProviderFunctions
from crossdock.adapters.aws.role_assumer import AwsRoleIssuer
from crossdock.adapters.host.provider_api import open_provider_api
from crossdock.api.explanation import explanation_json
from crossdock.app.questions import BadQuestion, given_identity, is_shown, kept_identity, read_question, text_in
from crossdock.core.errors import Unavailable
from crossdock.core.ids import Entropy, ServerId
from crossdock.core.logins import Identity, LoginAttempt
from crossdock.core.object_writing import CROSS_ACCOUNT, OFF, ObjectWriting
from crossdock.core.servers import Server
from crossdock.files.explaining import Explainer
from crossdock.operations.caller import Context
from crossdock.ports.authority import AssumeRefused, FunctionAnswer, FunctionUnreachable
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.host import Clock
from crossdock.transfer.identity_providers import IdentityProviders

NOT_SEEN = (
    "whether the object or directory is there",
    "with which KMS key an object is encrypted that is there already: it is taken for the one that S3 uses now",
    "the policy of a VPC endpoint, where one lies on the way to S3",
    "ACLs, and objects of another account than the bucket's, which may let in more or fewer where the bucket's Object "
    "Ownership has not switched ACLs off",
)
"""What may matter besides the steps, and is not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How AWS is to be read.

    Args:
        profiles: a profile for each account, by its id or any name; `account_ids` are the ids that names stand for.
        region: of the server; empty for what the profiles say.
        endpoint_url: of every service, in place of what the environment or a profile says.
        transfer_profile, transfer_endpoint_url: of the Transfer API alone, where that is Crossdock's.
        gateway_role: the ARN of the role or user that Crossdock runs as.
        external_id, tag_sessions: what Crossdock's settings of these names are.
        writing: what its setting `aws.buckets` says of the bucket.
        context: condition keys and their values, which nothing that is read can tell.
    """

    profiles: Mapping[str, str]
    account_ids: Mapping[str, str] = field(default_factory=dict)
    region: str = ""
    endpoint_url: str = ""
    transfer_profile: str = ""
    transfer_endpoint_url: str = ""
    gateway_role: str = ""
    external_id: str = ""
    tag_sessions: bool = False
    writing: ObjectWriting = field(default_factory=ObjectWriting)
    context: Context = field(default_factory=dict)


async def explain_by_profiles(
    asked: Mapping[str, Any], reading: Reading, *, clock: Clock, entropy: Entropy
) -> Mapping[str, Any]:
    """Answer a question as a running service does, and say what was `notSeen`.

    Raises BadQuestion, BadProfile and Unavailable.
    """
    async with open_explaining(reading, clock=clock, entropy=entropy) as explain:
        return await explain(asked)


@asynccontextmanager
async def open_explaining(
    reading: Reading, *, clock: Clock, entropy: Entropy
) -> AsyncIterator[Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]]:
    """For several questions about one moment: each document is read once. Raises as `explain_by_profiles`."""
    async with AsyncExitStack() as stack:
        accounts, fleet = await stack.enter_async_context(_open(reading))
        roles = _InvocationRoles(accounts, reading.external_id)
        trusted = BundleTrust(lambda server: account.profile if (account := _of(accounts, server)) else "")
        api = await stack.enter_async_context(
            open_provider_api(roles, clock=clock, timeout_s=READ_TIMEOUT_S, trusted=trusted)
        )
        readers = Readers(
            principals=PrincipalReader(accounts),
            buckets=BucketReader(accounts),
            keys=KeyReader(accounts),
            organization=OrganizationReader(accounts),
            clock=clock,
            told=reading.context,
            writing=replace(reading.writing, acl=reading.writing.acl or await _default_acl(accounts)),
        )
        explainer = Explainer(
            servers=fleet,
            provider=IdentityProviders(_Functions(accounts), api, fleet),
            trial=AwsRoleTrial(readers, _Assumers(reading, accounts, fleet, readers.principals)),
            entropy=entropy,
        )

        async def explain(asked: Mapping[str, Any]) -> Mapping[str, Any]:
            username, server_id = text_in(asked, "userName"), ServerId(text_in(asked, "serverId"))
            identity, is_kept = given_identity(asked, username), False
            if identity is None and not is_shown(asked):
                is_told = bool(reading.transfer_profile or reading.transfer_endpoint_url)
                identity = await _kept(fleet, server_id, username, is_crossdock_told=is_told)
                is_kept = identity is not None
            question = read_question(asked, server_id, identity, is_kept=is_kept)
            return {**explanation_json(await explainer.explain(question)), "notSeen": NOT_SEEN}

        yield explain


@asynccontextmanager
async def _open(reading: Reading) -> AsyncIterator[tuple[Accounts, Fleet]]:
    async with AsyncExitStack() as stack:
        accounts = await stack.enter_async_context(
            open_accounts(
                reading.profiles,
                account_ids=reading.account_ids,
                region=reading.region,
                endpoint_url=reading.endpoint_url,
            )
        )
        if not (reading.transfer_profile or reading.transfer_endpoint_url):
            yield accounts, Fleet(accounts.listed)
            return
        profiles = [reading.transfer_profile] if reading.transfer_profile else reading.profiles.values()
        url, region = reading.transfer_endpoint_url, reading.region
        readers = [await open_reader(stack, one, region=region, endpoint_url=url) for one in profiles]
        yield accounts, Fleet(tuple(readers))


async def _kept(fleet: Fleet, server_id: ServerId, username: str, *, is_crossdock_told: bool) -> Identity | None:
    """Of a user whom the server knows itself. Raises BadQuestion where nobody has such a server."""
    try:
        server = await fleet.server(server_id)
    except Unavailable:
        return None  # that is the first step of the explanation
    if server is None:
        further = "" if is_crossdock_told else ", and for a server of Crossdock's own --transfer-profile"
        raise BadQuestion(
            f"none of the accounts has a server {server_id} in the region that was asked: see --region{further}"
        )
    return await kept_identity(fleet, server, username)


@dataclass(frozen=True, slots=True)
class _Assumers:
    """See `adapters.aws.documents.trial.Assumers`: which of the two it is."""

    reading: Reading
    accounts: Accounts
    fleet: Fleet
    principals: PrincipalReader

    async def assumer(self, server: Server, username: str) -> Assumer:
        reading = self.reading
        found = await self.fleet.reader_of(server.server_id)
        is_crossdock = bool(reading.gateway_role or reading.transfer_profile or reading.transfer_endpoint_url)
        if not is_crossdock and (found is None or not await _is_apart(found[0])):
            return await TransferService().assumer(server, username)
        gateway = Gateway(
            principals=self.principals,
            identity=reading.gateway_role,
            itself=_of(self.accounts, server),
            external_id=reading.external_id,
            tag_sessions=reading.tag_sessions,
        )
        return await gateway.assumer(server, username)


async def _default_acl(accounts: Accounts) -> str:
    """As Transfer does, and Crossdock where nobody has told it otherwise: at an S3 that is not AWS's, nothing."""
    hosts = [await account.host("s3") for account in accounts.listed]
    return CROSS_ACCOUNT if all(map(is_of_aws, hosts)) else OFF


async def _is_apart(account: Account) -> bool:
    """Whether its Transfer API is not where its IAM is: then it is Crossdock's, in front of AWS."""
    transfer = await account.host("transfer")
    return not is_of_aws(transfer) and transfer != await account.host("iam")


@dataclass(frozen=True, slots=True)
class _Functions:
    """See `ports.authority.ProviderFunctions`: as the profile of the server's account."""

    accounts: Accounts

    async def invoke(self, server: Server, attempt: LoginAttempt, *, function_arn: str, event: bytes) -> FunctionAnswer:
        account = _of(self.accounts, server)
        if account is None:
            raise FunctionUnreachable(f"no profile is given for account {server.account_id}", is_silent=True)
        functions = AwsProviderFunctions(account.clients)
        return await functions.invoke(server, attempt, function_arn=function_arn, event=event)


@dataclass(frozen=True, slots=True)
class _InvocationRoles:
    """See `ports.provider_api.InvocationRoles`: assumed by the profile of the server's account, as Crossdock would.

    A role that trusts AWS's own service alone cannot be, and what the provider would say is then unknown.
    """

    accounts: Accounts
    external_id: str

    async def credentials(self, server: Server) -> TemporaryCredentials:
        """Raises Unavailable."""
        account = _of(self.accounts, server)
        if account is None:
            raise Unavailable(f"no profile is given for account {server.account_id}")
        roles = AwsInvocationRoles(AwsRoleIssuer(clients=account.clients, external_id=self.external_id))
        try:
            return await roles.credentials(server)
        except AssumeRefused as error:
            role = server.identity_provider.invocation_role
            raise Unavailable(
                f"profile {account.profile} cannot assume the invocation role {role}, so that nobody asks the identity "
                f"provider ({error}); give its answer (--identity)"
            ) from error


def _of(accounts: Accounts, server: Server) -> Account | None:
    return next((one for one in accounts.listed if one.account_id == server.account_id), None)
