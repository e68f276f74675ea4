"""Organizations as one table."""

from collections.abc import Awaitable, Callable

from crossdock.cloud.organizations.attachments import (
    attach_policy,
    detach_policy,
    disable_policy_type,
    enable_policy_type,
    list_policies_for_target,
    list_targets_for_policy,
)
from crossdock.cloud.organizations.describing import (
    describe_account,
    describe_organization,
    list_accounts,
    list_accounts_for_parent,
    list_children,
    list_organizational_units_for_parent,
    list_parents,
    list_roots,
)
from crossdock.cloud.organizations.management import require_management
from crossdock.cloud.organizations.permissions import on_policy, on_policy_and_target, on_target, on_type
from crossdock.cloud.organizations.policies import (
    create_policy,
    delete_policy,
    describe_policy,
    list_policies,
    update_policy,
)
from crossdock.operations.call import Call
from crossdock.operations.operation import Handler, Operation, Permissions, Result, ServiceOperations, needs
from crossdock.ports.host import Epoch

_PolicyHandler = Callable[[Epoch, Call], Awaitable[Result]]


def organizations_operations(*, epoch: Epoch) -> ServiceOperations:
    """Organizations' table. It is global: the region of a call does not matter."""

    def row(handler: _PolicyHandler, permissions: Permissions) -> Operation:
        async def bound(call: Call) -> Result:
            return await handler(epoch, call)

        return _of_management(bound, permissions)

    return ServiceOperations(
        service="organizations",
        operations={
            "DescribeOrganization": Operation(
                handler=describe_organization, permissions=needs("organizations:DescribeOrganization")
            ),
            **_structure_rows(),
            "CreatePolicy": row(create_policy, on_type("organizations:CreatePolicy", "Type")),
            "DescribePolicy": row(describe_policy, on_policy("organizations:DescribePolicy")),
            "UpdatePolicy": row(update_policy, on_policy("organizations:UpdatePolicy")),
            "DeletePolicy": row(delete_policy, on_policy("organizations:DeletePolicy")),
            "ListPolicies": row(list_policies, on_type("organizations:ListPolicies", "Filter")),
            "AttachPolicy": row(attach_policy, on_policy_and_target("organizations:AttachPolicy")),
            "DetachPolicy": row(detach_policy, on_policy_and_target("organizations:DetachPolicy")),
            "ListPoliciesForTarget": row(
                list_policies_for_target,
                on_target("organizations:ListPoliciesForTarget", "TargetId", type_member="Filter"),
            ),
            "ListTargetsForPolicy": row(list_targets_for_policy, on_policy("organizations:ListTargetsForPolicy")),
            "EnablePolicyType": row(
                enable_policy_type, on_target("organizations:EnablePolicyType", "RootId", type_member="PolicyType")
            ),
            "DisablePolicyType": row(
                disable_policy_type, on_target("organizations:DisablePolicyType", "RootId", type_member="PolicyType")
            ),
        },
    )


def _structure_rows() -> dict[str, Operation]:
    return {
        "ListAccounts": _of_management(list_accounts, needs("organizations:ListAccounts")),
        "DescribeAccount": _of_management(describe_account, on_target("organizations:DescribeAccount", "AccountId")),
        "ListRoots": _of_management(list_roots, needs("organizations:ListRoots")),
        "ListAccountsForParent": _of_management(
            list_accounts_for_parent, on_target("organizations:ListAccountsForParent", "ParentId")
        ),
        "ListChildren": _of_management(list_children, on_target("organizations:ListChildren", "ParentId")),
        "ListParents": _of_management(list_parents, on_target("organizations:ListParents", "ChildId")),
        "ListOrganizationalUnitsForParent": _of_management(
            list_organizational_units_for_parent,
            on_target("organizations:ListOrganizationalUnitsForParent", "ParentId"),
        ),
    }


def _of_management(handler: Handler, permissions: Permissions) -> Operation:
    async def guarded(call: Call) -> Result:
        require_management(call)
        return await handler(call)

    return Operation(handler=guarded, permissions=permissions)
