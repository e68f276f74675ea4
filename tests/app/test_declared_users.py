"""Declared users: each on its own."""

import pytest
from tests.fakes.declaring import ID, ROLE, declared, keys_of, make_declarer, user
from tests.fakes.public_keys import ed25519_line
from tests.fakes.transfer import make_transfer_api


async def test_a_user_that_cannot_be_had_keeps_no_other_out(
    caplog: pytest.LogCaptureFixture,
):
    """Whether a name is wrong, a role, a key or a word, of users that are there and of others."""
    api = make_transfer_api()
    declarer = make_declarer(api)
    await declarer.apply(declared(user("there", role=f"{ROLE}2")))
    there = await api.directory.servers()
    users = [
        user("first"),
        user("a b"),
        user("second", role="no role"),
        user("third", "no key"),
        user("there").replace("Role", "Rolle"),
        user("last", ed25519_line("one")),
    ]
    failures = await declarer.apply_all([declared("".join(users))], there)
    listed = await api.call("ListUsers", ServerId=ID)
    assert {found["UserName"] for found in listed["Users"]} == {"first", "third", "there", "last"}
    assert (await api.call("DescribeUser", ServerId=ID, UserName="there"))["User"]["Role"] == f"{ROLE}2"
    assert await keys_of(api, "last") == [ed25519_line("one")]
    reason = failures[ID]
    assert reason.startswith(f"server {ID}: user 'a b': CreateUser: ")
    for told in ("; user 'second': CreateUser: ", "; user 'third': ImportSshPublicKey: ", "; user 'there': [[server.u"):
        assert told in reason
    (record,) = caplog.records
    assert (record.levelname, record.__dict__["reason"]) == ("ERROR", reason)
