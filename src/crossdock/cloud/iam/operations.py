"""IAM as a table: every operation with what it needs and what does it."""

from crossdock.cloud.iam.control_policies import ControlPolicySource, NoOrganization
from crossdock.cloud.iam.library import PolicyLibrary
from crossdock.cloud.iam.permissions import on_all, on_entity, on_new, on_policy, on_role, on_user
from crossdock.cloud.iam.policies import Policies
from crossdock.cloud.iam.policy_versions import PolicyVersions
from crossdock.cloud.iam.role_policies import Attachments, InlinePolicies
from crossdock.cloud.iam.roles import Roles
from crossdock.cloud.iam.simulation import Simulations
from crossdock.cloud.iam.users import get_user, list_users
from crossdock.operations.operation import Operation, ServiceOperations, needs
from crossdock.ports.host import Epoch


def iam_operations(
    *, epoch: Epoch, library: PolicyLibrary, organization: ControlPolicySource | None = None
) -> ServiceOperations:
    """IAM's table. IAM is global: the region of a call does not matter.

    `organization` is whose policies SimulatePrincipalPolicy heeds; without it, no organization's.
    """
    return ServiceOperations(
        service="iam",
        operations={
            **_role_rows(Roles(epoch=epoch, library=library)),
            **_role_policy_rows(InlinePolicies(epoch=epoch), Attachments(epoch=epoch, library=library)),
            **_policy_rows(Policies(epoch=epoch, library=library), PolicyVersions(epoch=epoch, library=library)),
            **_simulation_rows(Simulations(library=library, organization=organization or NoOrganization())),
            "GetUser": Operation(handler=get_user, permissions=on_user("iam:GetUser")),
            "ListUsers": Operation(handler=list_users, permissions=on_all("user", action="iam:ListUsers")),
        },
        denied_code="AccessDenied",
        denied_status=403,
    )


def _role_rows(roles: Roles) -> dict[str, Operation]:
    return {
        "CreateRole": Operation(
            handler=roles.create, permissions=on_new("role", action="iam:CreateRole", tag_action="iam:TagRole")
        ),
        "GetRole": Operation(handler=roles.get, permissions=on_role("iam:GetRole")),
        "ListRoles": Operation(handler=roles.list, permissions=on_all("role", action="iam:ListRoles")),
        "DeleteRole": Operation(handler=roles.delete, permissions=on_role("iam:DeleteRole")),
        "UpdateRole": Operation(handler=roles.update, permissions=on_role("iam:UpdateRole")),
        "UpdateAssumeRolePolicy": Operation(
            handler=roles.update_trust, permissions=on_role("iam:UpdateAssumeRolePolicy")
        ),
        "TagRole": Operation(handler=roles.tag, permissions=on_role("iam:TagRole")),
        "UntagRole": Operation(handler=roles.untag, permissions=on_role("iam:UntagRole")),
        "ListRoleTags": Operation(handler=roles.list_tags, permissions=on_role("iam:ListRoleTags")),
        "PutRolePermissionsBoundary": Operation(
            handler=roles.put_boundary, permissions=on_role("iam:PutRolePermissionsBoundary")
        ),
        "DeleteRolePermissionsBoundary": Operation(
            handler=roles.delete_boundary, permissions=on_role("iam:DeleteRolePermissionsBoundary")
        ),
        "ListInstanceProfilesForRole": Operation(
            handler=roles.list_instance_profiles, permissions=on_role("iam:ListInstanceProfilesForRole")
        ),
    }


def _role_policy_rows(inline: InlinePolicies, attachments: Attachments) -> dict[str, Operation]:
    return {
        "PutRolePolicy": Operation(handler=inline.put, permissions=on_role("iam:PutRolePolicy")),
        "GetRolePolicy": Operation(handler=inline.get, permissions=on_role("iam:GetRolePolicy")),
        "ListRolePolicies": Operation(handler=inline.list, permissions=on_role("iam:ListRolePolicies")),
        "DeleteRolePolicy": Operation(handler=inline.delete, permissions=on_role("iam:DeleteRolePolicy")),
        "AttachRolePolicy": Operation(handler=attachments.attach, permissions=on_role("iam:AttachRolePolicy")),
        "DetachRolePolicy": Operation(handler=attachments.detach, permissions=on_role("iam:DetachRolePolicy")),
        "ListAttachedRolePolicies": Operation(
            handler=attachments.list_for_role, permissions=on_role("iam:ListAttachedRolePolicies")
        ),
        "ListAttachedUserPolicies": Operation(
            handler=attachments.list_for_user, permissions=on_user("iam:ListAttachedUserPolicies")
        ),
        "ListEntitiesForPolicy": Operation(
            handler=attachments.list_entities, permissions=on_policy("iam:ListEntitiesForPolicy")
        ),
    }


def _policy_rows(policies: Policies, versions: PolicyVersions) -> dict[str, Operation]:
    return {
        "CreatePolicy": Operation(
            handler=policies.create, permissions=on_new("policy", action="iam:CreatePolicy", tag_action="iam:TagPolicy")
        ),
        "GetPolicy": Operation(handler=policies.get, permissions=on_policy("iam:GetPolicy")),
        "ListPolicies": Operation(handler=policies.list, permissions=needs("iam:ListPolicies")),
        "DeletePolicy": Operation(handler=policies.delete, permissions=on_policy("iam:DeletePolicy")),
        "CreatePolicyVersion": Operation(handler=versions.create, permissions=on_policy("iam:CreatePolicyVersion")),
        "GetPolicyVersion": Operation(handler=versions.get, permissions=on_policy("iam:GetPolicyVersion")),
        "ListPolicyVersions": Operation(handler=versions.list, permissions=on_policy("iam:ListPolicyVersions")),
        "DeletePolicyVersion": Operation(handler=versions.delete, permissions=on_policy("iam:DeletePolicyVersion")),
        "SetDefaultPolicyVersion": Operation(
            handler=versions.set_default, permissions=on_policy("iam:SetDefaultPolicyVersion")
        ),
    }


def _simulation_rows(simulations: Simulations) -> dict[str, Operation]:
    return {
        "SimulateCustomPolicy": Operation(handler=simulations.custom, permissions=needs("iam:SimulateCustomPolicy")),
        "SimulatePrincipalPolicy": Operation(
            handler=simulations.principal, permissions=on_entity("iam:SimulatePrincipalPolicy")
        ),
        "GetContextKeysForCustomPolicy": Operation(
            handler=simulations.custom_keys, permissions=needs("iam:GetContextKeysForCustomPolicy")
        ),
        "GetContextKeysForPrincipalPolicy": Operation(
            handler=simulations.principal_keys, permissions=on_entity("iam:GetContextKeysForPrincipalPolicy")
        ),
    }
