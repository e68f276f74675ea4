"""Every test here has an embedded S3 of its own, a role that Transfer may assume, and a server of the hub."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.fakes.logins import SERVER
from tests.fakes.s3 import EmbeddedS3, document, make_s3

from crossdock.adapters.embedded.assumer import EmbeddedRoleAssumer, EmbeddedRoleHolders
from crossdock.adapters.embedded.object_store import EmbeddedObjectStore
from crossdock.ports.authority import RoleRequest

TRUST = {"Effect": "Allow", "Principal": {"Service": "transfer.amazonaws.com"}, "Action": "sts:AssumeRole"}
ROLE = f"arn:aws:iam::{SERVER.account_id}:role/files"

Login = Callable[..., Awaitable[EmbeddedObjectStore]]
Allow = Callable[..., Awaitable[None]]


@pytest.fixture
async def s3() -> AsyncIterator[EmbeddedS3]:
    made = await make_s3()
    await made.bucket("box")
    yield made
    made.close()
    await made.check_tidy()


@pytest.fixture
def assumer(s3: EmbeddedS3) -> EmbeddedRoleAssumer:
    return EmbeddedRoleAssumer(
        roles=EmbeddedRoleHolders(operations=s3.operations, access_keys=s3.parts.access_keys),
        operations=s3.operations,
        storage=s3.storage,
    )


@pytest.fixture
def allow(s3: EmbeddedS3) -> Allow:
    """Say what the role may do from now on."""

    async def change(*actions: str, resource: str = "*") -> None:
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
        await s3.iam("PutRolePolicy", RoleName="files", PolicyName="what", PolicyDocument=document(allowed))

    return change


@pytest.fixture
async def role(s3: EmbeddedS3, allow: Allow) -> str:
    """A role that Transfer may assume and that may do everything with S3."""
    await s3.iam("CreateRole", RoleName="files", AssumeRolePolicyDocument=document(TRUST))
    await allow("s3:*")
    return ROLE


@pytest.fixture
async def login(assumer: EmbeddedRoleAssumer, role: str) -> Login:
    async def assume(**changes: Any) -> EmbeddedObjectStore:
        asked = RoleRequest(
            server=SERVER,
            username="user1",
            role_arn=role,
            session_name="user1.0123456789abcdef@s-1",
            session_policy=None,
        )
        store = (await assumer.assume(replace(asked, **changes))).store
        assert isinstance(store, EmbeddedObjectStore)
        return store

    return assume


@pytest.fixture
async def store(login: Login) -> EmbeddedObjectStore:
    return await login()
