"""Roles: made, shown, changed, deleted. A role made anew under an old name is another role, with another RoleId."""

from dataclasses import replace
from typing import Any

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.iam.documents import check_document, url_encoded
from crossdock.cloud.iam.errors import (
    already_exists,
    delete_conflict,
    malformed_document,
    no_such_entity,
    no_such_role,
)
from crossdock.cloud.iam.library import PolicyLibrary
from crossdock.cloud.iam.names import (
    MAX_ROLE_NAME,
    check_description,
    check_max_session,
    check_name,
    check_path,
    merge_tags,
    read_tags,
    remove_tags,
    tag_list,
)
from crossdock.cloud.iam.pages import listed_page, stored_page
from crossdock.cloud.iam.principal_pins import UnknownPrincipal, pins_of, stale_pins, with_pins
from crossdock.cloud.iam.records import (
    ROLES,
    AttachmentKind,
    RoleRecord,
    find_role,
    fold,
    forget_attachment,
    note_attachment,
    put_role,
)
from crossdock.core.ids import iam_id
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.policy.document import Policy, PolicyKind
from crossdock.ports.host import Epoch
from crossdock.ports.state import Transaction


async def require_role(tx: Transaction, call: Call) -> RoleRecord:
    """The role that `RoleName` names. Raises NoSuchEntity."""
    name: str = call.params["RoleName"]
    role = await find_role(tx, call.account_id, name)
    if role is None:
        raise no_such_role(name)
    return role


async def role_summary(tx: Transaction, role: RoleRecord) -> dict[str, Any]:
    """A role as ListRoles shows it: without tags, boundary and last use."""
    trust = with_pins(role.trust, await stale_pins(tx, role.trust_pins))
    summary: dict[str, Any] = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.role_id,
        "Arn": role.arn,
        "CreateDate": role.created_at,
        "AssumeRolePolicyDocument": url_encoded(trust),
        "MaxSessionDuration": role.max_session_s,
    }
    if role.description:
        summary["Description"] = role.description
    return summary


async def role_description(tx: Transaction, role: RoleRecord) -> dict[str, Any]:
    """A role as GetRole shows it, but for its last use."""
    description = await role_summary(tx, role)
    if role.tags:
        description["Tags"] = tag_list(role.tags)
    if role.boundary:
        description["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": role.boundary,
        }
    return description


class Roles:
    """The role operations."""

    def __init__(self, *, epoch: Epoch, library: PolicyLibrary) -> None:
        self._epoch = epoch
        self._library = library

    async def create(self, call: Call) -> Result:
        params = call.params
        name: str = params["RoleName"]
        path: str = params.get("Path", "/")
        check_name("roleName", name, max_chars=MAX_ROLE_NAME)
        check_path(path)
        check_description(params.get("Description", ""))
        check_max_session(params.get("MaxSessionDuration", 3600))
        trust = check_document(params["AssumeRolePolicyDocument"], PolicyKind.TRUST)
        role = RoleRecord(
            account_id=call.account_id,
            name=name,
            path=path,
            role_id=iam_id("AROA", call.house.entropy),
            created_at=call.now.replace(microsecond=0),
            trust=params["AssumeRolePolicyDocument"],
            description=params.get("Description", ""),
            max_session_s=params.get("MaxSessionDuration", 3600),
            boundary=params.get("PermissionsBoundary", ""),
            tags=read_tags(params.get("Tags", ())),
        )
        async with policy_transaction(call, self._epoch) as tx:
            if await ROLES.get(tx, call.account_id, fold(name)) is not None:
                raise already_exists(f"Role with name {name} already exists.")
            if role.boundary:
                await self._check_boundary(tx, call, role.boundary)
                await _note_boundary(tx, role)
            role = replace(role, trust_pins=await _pins(tx, trust))
            await put_role(tx, role)
            description = await role_description(tx, role)
        return {"Role": description}

    async def get(self, call: Call) -> Result:
        async with call.reading() as tx:
            description = await role_description(tx, await require_role(tx, call))
        return {"Role": description | {"RoleLastUsed": {}}}

    async def list(self, call: Call) -> Result:
        prefix: str = call.params.get("PathPrefix", "/")
        async with call.reading() as tx:
            roles, page = await stored_page(
                ROLES, tx, call.account_id, call.params, matches=lambda role: role.path.startswith(prefix)
            )
            summaries = [await role_summary(tx, role) for role in roles]
        return {"Roles": summaries, **page}

    async def delete(self, call: Call) -> Result:
        async with policy_transaction(call, self._epoch) as tx:
            role = await require_role(tx, call)
            if role.attached:
                raise delete_conflict("Cannot delete entity, must detach all policies first.")
            if role.inline:
                raise delete_conflict("Cannot delete entity, must delete policies first.")
            if role.boundary:
                await _forget_boundary(tx, role)
            await ROLES.delete(tx, role.account_id, fold(role.name))
        return {}

    async def update(self, call: Call) -> Result:
        params = call.params
        check_description(params.get("Description", ""))
        check_max_session(params.get("MaxSessionDuration", 3600))
        async with policy_transaction(call, self._epoch) as tx:
            role = await require_role(tx, call)
            await put_role(
                tx,
                replace(
                    role,
                    description=params.get("Description", role.description),
                    max_session_s=params.get("MaxSessionDuration", role.max_session_s),
                ),
            )
        return {}

    async def update_trust(self, call: Call) -> Result:
        trust: str = call.params["PolicyDocument"]
        policy = check_document(trust, PolicyKind.TRUST)
        async with policy_transaction(call, self._epoch) as tx:
            role = await require_role(tx, call)
            await put_role(tx, replace(role, trust=trust, trust_pins=await _pins(tx, policy)))
        return {}

    async def tag(self, call: Call) -> Result:
        tags = read_tags(call.params["Tags"])
        async with policy_transaction(call, self._epoch) as tx:
            role = await require_role(tx, call)
            await put_role(tx, replace(role, tags=merge_tags(role.tags, tags)))
        return {}

    async def untag(self, call: Call) -> Result:
        async with policy_transaction(call, self._epoch) as tx:
            role = await require_role(tx, call)
            await put_role(tx, replace(role, tags=remove_tags(role.tags, call.params["TagKeys"])))
        return {}

    async def list_tags(self, call: Call) -> Result:
        async with call.reading() as tx:
            role = await require_role(tx, call)
        tags, page = listed_page([(tag["Key"], tag) for tag in tag_list(role.tags)], call.params)
        return {"Tags": tags, **page}

    async def put_boundary(self, call: Call) -> Result:
        boundary: str = call.params["PermissionsBoundary"]
        async with policy_transaction(call, self._epoch) as tx:
            role = await require_role(tx, call)
            await self._check_boundary(tx, call, boundary)
            if role.boundary:
                await _forget_boundary(tx, role)
            changed = replace(role, boundary=boundary)
            await _note_boundary(tx, changed)
            await put_role(tx, changed)
        return {}

    async def delete_boundary(self, call: Call) -> Result:
        async with policy_transaction(call, self._epoch) as tx:
            role = await require_role(tx, call)
            if not role.boundary:
                raise no_such_entity(f"Permissions boundary for role {role.name} cannot be found.")
            await _forget_boundary(tx, role)
            await put_role(tx, replace(role, boundary=""))
        return {}

    async def list_instance_profiles(self, call: Call) -> Result:
        """None, ever: there are no instances here. Deployment tools ask before they delete a role."""
        async with call.reading() as tx:
            await require_role(tx, call)
        return {"InstanceProfiles": [], "IsTruncated": False}

    async def _check_boundary(self, tx: Transaction, call: Call, boundary: str) -> None:
        if await self._library.document(tx, call.account_id, boundary) is None:
            raise no_such_entity(f"Scope ARN: {boundary} does not exist or is not attachable.")


async def _pins(tx: Transaction, trust: Policy) -> dict[str, str]:
    try:
        return await pins_of(tx, trust)
    except UnknownPrincipal as error:
        raise malformed_document(str(error)) from error


async def _note_boundary(tx: Transaction, role: RoleRecord) -> None:
    await note_attachment(
        tx, role.account_id, role.boundary, AttachmentKind.BOUNDARY, name=role.name, entity_id=role.role_id
    )


async def _forget_boundary(tx: Transaction, role: RoleRecord) -> None:
    await forget_attachment(tx, role.account_id, role.boundary, AttachmentKind.BOUNDARY, name=role.name)
