"""A service-managed user as the login code sees one."""

from crossdock.core.homes import PathHome
from crossdock.core.logins import Identity, PosixProfile
from crossdock.core.users import TransferUser

ROLE = "arn:aws:iam::111111111111:role/users"


def test_a_user_is_vouched_for_with_everything_it_has():
    posix = PosixProfile(uid=1, gid=2)
    user = TransferUser(
        username="anna",
        role_arn=ROLE,
        home=PathHome(root="/box"),
        session_policy="{}",
        public_keys=("ssh-ed25519 AAAA",),
        posix=posix,
    )
    assert user.identity == Identity(
        role_arn=ROLE,
        home=PathHome(root="/box"),
        session_policy="{}",
        public_keys=("ssh-ed25519 AAAA",),
        posix=posix,
    )


def test_a_user_with_nothing_but_a_role_begins_where_no_bucket_is():
    assert TransferUser(username="anna", role_arn=ROLE).identity == Identity(role_arn=ROLE)
