"""The identity provider SERVICE_MANAGED."""

from dataclasses import dataclass, field, replace

import pytest
from tests.fakes.logins import SERVER, make_attempt
from tests.fakes.public_keys import ed25519_line

from crossdock.core.errors import FileError, Unavailable
from crossdock.core.homes import PathHome
from crossdock.core.logins import Password, PublicKey
from crossdock.core.servers import IdentityProviderChoice, IdentityProviderType
from crossdock.core.users import TransferUser
from crossdock.ports.users import UserDirectory
from crossdock.transfer.managed_identity import ManagedIdentityProvider

MANAGED = replace(SERVER, identity_provider=IdentityProviderChoice(kind=IdentityProviderType.SERVICE_MANAGED))
USER = TransferUser(
    username="user1",
    role_arn="arn:aws:iam::111111111111:role/users",
    home=PathHome(root="/box"),
    public_keys=(ed25519_line(),),
)


@dataclass(slots=True)
class MemoryUsers:
    """Implements `ports.users.UserDirectory`."""

    users: dict[str, TransferUser] = field(default_factory=lambda: {"user1": USER})
    fault: FileError | None = None
    asked: list[str] = field(default_factory=list)

    async def user(self, server, username):
        self.asked.append(username)
        if self.fault is not None:
            raise self.fault
        return self.users.get(username)


@pytest.fixture
def users():
    return MemoryUsers()


async def identify(users: UserDirectory, username="user1", credential=None):
    attempt = make_attempt(username, credential or PublicKey(ed25519_line("whatever")))
    return await ManagedIdentityProvider(users).identify(MANAGED, attempt)


async def test_a_user_is_vouched_for_with_all_keys_whichever_was_offered(users):
    answer = await identify(users)
    assert answer.identity == USER.identity
    assert (answer.status_code, answer.response, answer.message) == (200, "", "")


async def test_nobody_has_a_password_and_nobody_is_looked_up_for_one(users):
    for username in ("user1", "nobody"):
        answer = await identify(users, username, Password("open sesame"))
        assert answer.identity is None
        assert "no passwords" in answer.message
    assert users.asked == []


async def test_an_unknown_user_and_one_without_keys_are_not_vouched_for(users):
    assert (await identify(users, "nobody")).identity is None
    users.users["user1"] = replace(USER, public_keys=())
    answer = await identify(users)
    assert answer.identity is None
    assert "No public keys found" in answer.message


async def test_users_that_cannot_be_read_are_a_reason_and_no_exception(users):
    users.fault = Unavailable("the disk is gone")
    answer = await identify(users)
    assert (answer.identity, answer.status_code, answer.message) == (None, 500, "the disk is gone")
