"""Each login goes before the identity provider that its server chose."""

import json
from dataclasses import replace

import pytest
from tests.fakes.house import AllowEverything, make_house
from tests.fakes.logins import SERVER, make_attempt
from tests.fakes.public_keys import ed25519_line

from crossdock.adapters.embedded.provider_functions import EmbeddedProviderFunctions
from crossdock.core.logins import PublicKey
from crossdock.core.servers import IdentityProviderChoice, IdentityProviderType
from crossdock.core.users import TransferUser
from crossdock.operations.call import Operations
from crossdock.operations.operation import Operation, ServiceOperations, needs_nothing
from crossdock.transfer.identity_providers import IdentityProviders

ROLES = {kind: f"arn:aws:iam::111111111111:role/{kind.lower()}" for kind in IdentityProviderType}


class OneUser:
    """Implements `ports.users.UserDirectory`: everybody is there."""

    async def user(self, server, username):
        role = ROLES[IdentityProviderType.SERVICE_MANAGED]
        return TransferUser(username=username, role_arn=role, public_keys=(ed25519_line(),))


async def invoke(call):
    return {"Payload": json.dumps({"Role": ROLES[IdentityProviderType.AWS_LAMBDA]}).encode()}


@pytest.fixture
def providers():
    table = ServiceOperations(
        service="lambda", operations={"Invoke": Operation(handler=invoke, permissions=needs_nothing)}
    )
    operations = Operations([table], house=make_house(), authorizer=AllowEverything())
    return IdentityProviders(EmbeddedProviderFunctions(operations), OneUser())


async def identify(providers, kind):
    server = replace(SERVER, identity_provider=IdentityProviderChoice(kind=kind))
    return await providers.identify(server, make_attempt(credential=PublicKey(ed25519_line())))


@pytest.mark.parametrize("kind", [IdentityProviderType.AWS_LAMBDA, IdentityProviderType.SERVICE_MANAGED])
async def test_the_server_chooses_who_vouches(providers, kind):
    identity = (await identify(providers, kind)).identity
    assert identity is not None
    assert identity.role_arn == ROLES[kind]


@pytest.mark.parametrize("kind", [IdentityProviderType.API_GATEWAY, IdentityProviderType.AWS_DIRECTORY_SERVICE])
async def test_a_kind_that_cannot_be_asked_vouches_for_nobody_and_says_so(providers, kind):
    answer = await identify(providers, kind)
    assert answer.identity is None
    assert f"of type {kind} cannot be asked" in answer.message
