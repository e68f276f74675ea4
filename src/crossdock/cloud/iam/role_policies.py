"""Policies of roles: those embedded in one role, and managed ones attached to it."""

from dataclasses import replace

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.iam.documents import (
    MAX_DOCUMENT_CHARS,
    MAX_INLINE_CHARS,
    check_document,
    counted_chars,
    url_encoded,
)
from crossdock.cloud.iam.errors import limit_exceeded, no_such_entity, no_such_policy
from crossdock.cloud.iam.library import PolicyLibrary
from crossdock.cloud.iam.names import MAX_POLICY_NAME, check_name
from crossdock.cloud.iam.pages import listed_page
from crossdock.cloud.iam.records import (
    ATTACHMENTS,
    AttachmentKind,
    AttachmentRecord,
    find_user,
    forget_attachment,
    note_attachment,
    put_role,
)
from crossdock.cloud.iam.roles import require_role
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.policy.document import PolicyKind
from crossdock.ports.host import Epoch

MAX_ATTACHED = 10
"""Managed policies per role.

Source: IAM User Guide, "IAM and AWS STS quotas".
"""


class InlinePolicies:
    """Put, get, list and delete the policies that live and die with a role."""

    def __init__(self, *, epoch: Epoch) -> None:
        self._epoch = epoch

    async def put(self, call: Call) -> Result:
        name: str = call.params["PolicyName"]
        document: str = call.params["PolicyDocument"]
        check_name("policyName", name, max_chars=MAX_POLICY_NAME)
        check_document(document, PolicyKind.IDENTITY, max_chars=MAX_DOCUMENT_CHARS)
        async with policy_transaction(call, self._epoch) as tx:
            role = await require_role(tx, call)
            inline = {**role.inline, name: document}
            if sum(counted_chars(text) for text in inline.values()) > MAX_INLINE_CHARS:
                raise limit_exceeded(f"Maximum policy size of {MAX_INLINE_CHARS} bytes exceeded for role {role.name}")
            await put_role(tx, replace(role, inline=inline))
        return {}

    async def get(self, call: Call) -> Result:
        name: str = call.params["PolicyName"]
        async with call.reading() as tx:
            role = await require_role(tx, call)
        if name not in role.inline:
            raise _no_such_role_policy(name)
        return {"RoleName": role.name, "PolicyName": name, "PolicyDocument": url_encoded(role.inline[name])}

    async def list(self, call: Call) -> Result:
        async with call.reading() as tx:
            role = await require_role(tx, call)
        names, page = listed_page([(name, name) for name in role.inline], call.params)
        return {"PolicyNames": names, **page}

    async def delete(self, call: Call) -> Result:
        name: str = call.params["PolicyName"]
        async with policy_transaction(call, self._epoch) as tx:
            role = await require_role(tx, call)
            if name not in role.inline:
                raise _no_such_role_policy(name)
            inline = {other: text for other, text in role.inline.items() if other != name}
            await put_role(tx, replace(role, inline=inline))
        return {}


class Attachments:
    """Attach managed policies to roles, detach and list them."""

    def __init__(self, *, epoch: Epoch, library: PolicyLibrary) -> None:
        self._epoch = epoch
        self._library = library

    async def attach(self, call: Call) -> Result:
        policy_arn: str = call.params["PolicyArn"]
        async with policy_transaction(call, self._epoch) as tx:
            role = await require_role(tx, call)
            if await self._library.document(tx, call.account_id, policy_arn) is None:
                raise no_such_entity(f"Policy {policy_arn} does not exist or is not attachable.")
            if policy_arn in role.attached:
                return {}
            if len(role.attached) >= MAX_ATTACHED:
                raise limit_exceeded(f"Cannot exceed quota for PoliciesPerRole: {MAX_ATTACHED}")
            await note_attachment(
                tx, role.account_id, policy_arn, AttachmentKind.ROLE, name=role.name, entity_id=role.role_id
            )
            await put_role(tx, replace(role, attached=(*role.attached, policy_arn)))
        return {}

    async def detach(self, call: Call) -> Result:
        policy_arn: str = call.params["PolicyArn"]
        async with policy_transaction(call, self._epoch) as tx:
            role = await require_role(tx, call)
            if policy_arn not in role.attached:
                raise no_such_policy(policy_arn)
            await forget_attachment(tx, role.account_id, policy_arn, AttachmentKind.ROLE, name=role.name)
            await put_role(tx, replace(role, attached=tuple(arn for arn in role.attached if arn != policy_arn)))
        return {}

    async def list_for_role(self, call: Call) -> Result:
        async with call.reading() as tx:
            role = await require_role(tx, call)
        return _attached_page(role.attached, call.params)

    async def list_for_user(self, call: Call) -> Result:
        name: str = call.params["UserName"]
        async with call.reading() as tx:
            user = await find_user(tx, call.account_id, name)
        if user is None:
            raise no_such_entity(f"The user with name {name} cannot be found.")
        return _attached_page(user.attached, call.params)

    async def list_entities(self, call: Call) -> Result:
        """Who uses a managed policy, as its permissions or as its boundary."""
        policy_arn: str = call.params["PolicyArn"]
        async with call.reading() as tx:
            if await self._library.document(tx, call.account_id, policy_arn) is None:
                raise no_such_policy(policy_arn)
            uses = await ATTACHMENTS.everything(tx, call.account_id, policy_arn)
        found = [(f"{use.kind}/{use.entity_name}", use) for use in uses if _is_asked_for(use, call.params)]
        page_of_uses, page = listed_page(found, call.params)
        roles = {use.entity_name: use.entity_id for use in page_of_uses if use.kind is not AttachmentKind.USER}
        users = {use.entity_name: use.entity_id for use in page_of_uses if use.kind is AttachmentKind.USER}
        return {
            "PolicyGroups": [],
            "PolicyUsers": [{"UserName": name, "UserId": entity_id} for name, entity_id in users.items()],
            "PolicyRoles": [{"RoleName": name, "RoleId": entity_id} for name, entity_id in roles.items()],
            **page,
        }


def _is_asked_for(use: AttachmentRecord, params: Params) -> bool:
    """Whether a use passes the filters of ListEntitiesForPolicy."""
    usage = params.get("PolicyUsageFilter")
    entity = params.get("EntityFilter")
    is_user = use.kind is AttachmentKind.USER
    is_boundary = use.kind is AttachmentKind.BOUNDARY
    if (usage == "PermissionsBoundary" and not is_boundary) or (usage == "PermissionsPolicy" and is_boundary):
        return False
    return entity is None or entity == ("User" if is_user else "Role")


def _attached_page(attached: tuple[str, ...], params: Params) -> Result:
    prefix: str = params.get("PathPrefix", "/")
    found = [
        (arn, {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn})
        for arn in attached
        if arn.partition(":policy")[2].startswith(prefix)
    ]
    policies, page = listed_page(found, params)
    return {"AttachedPolicies": policies, **page}


def _no_such_role_policy(name: str) -> Exception:
    return no_such_entity(f"The role policy with name {name} cannot be found.")
