"""Each login goes before the identity provider that its server chose."""

import json
from dataclasses import replace

import pytest
from tests.fakes.house import AllowEverything, make_house
from tests.fakes.logins import SERVER, make_attempt
from tests.fakes.provider_gateway import ScriptedApi
from tests.fakes.public_keys import ed25519_line

from crossdock.adapters.embedded.provider_functions import EmbeddedProviderFunctions
from crossdock.core.logins import PublicKey
from crossdock.core.servers import IdentityProviderChoice, IdentityProviderType
from crossdock.core.users import TransferUser
from crossdock.operations.call import Operations
from crossdock.operations.operation import Operation, ServiceOperations, needs_nothing
from crossdock.ports.provider_api import ApiAnswer
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
    answer = json.dumps({"Role": ROLES[IdentityProviderType.API_GATEWAY]}).encode()
    return IdentityProviders(
        EmbeddedProviderFunctions(operations), ScriptedApi(ApiAnswer(status=200, body=answer)), OneUser()
    )


async def identify(providers, kind):
    server = replace(SERVER, identity_provider=IdentityProviderChoice(kind=kind, url="https://x"))
    return await providers.identify(server, make_attempt(credential=PublicKey(ed25519_line())))


@pytest.mark.parametrize("kind", [one for one in IdentityProviderType if one.value != "AWS_DIRECTORY_SERVICE"])
async def test_the_server_chooses_who_vouches(providers, kind):
    identity = (await identify(providers, kind)).identity
    assert identity is not None
    assert identity.role_arn == ROLES[kind]


async def test_a_kind_that_cannot_be_asked_vouches_for_nobody_and_says_so(providers):
    answer = await identify(providers, IdentityProviderType.AWS_DIRECTORY_SERVICE)
    assert answer.identity is None
    assert "of type AWS_DIRECTORY_SERVICE cannot be asked" in answer.message
