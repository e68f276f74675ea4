"""The Transfer API as one table."""

from collections.abc import Sequence
from dataclasses import replace
from inspect import isawaitable

from crossdock.operations.call import Call
from crossdock.operations.operation import PASS_ROLE, Operation, Permission, ServiceOperations
from crossdock.ports.certificates import CertificateCheck
from crossdock.ports.servers import LoginTrial
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.host_key_vault import HostKeyVault
from crossdock.transfer.host_keys import HostKeyOperations
from crossdock.transfer.identity_test import IdentityTest
from crossdock.transfer.security_policies import security_policy_operations
from crossdock.transfer.servers import CertificateInFiles, Servers, never_in_files
from crossdock.transfer.ssh_keys import ssh_key_operations
from crossdock.transfer.tags import Tags
from crossdock.transfer.users import user_operations


def transfer_operations(
    *,
    changes: ServerChanges,
    trial: LoginTrial,
    certificates: CertificateCheck,
    host_keys: HostKeyVault,
    in_files: CertificateInFiles = never_in_files,
) -> ServiceOperations:
    return ServiceOperations(
        service="transfer",
        operations={
            **Servers(changes, certificates, host_keys, in_files).operations(),
            **HostKeyOperations(changes, host_keys).operations(),
            **Tags(changes).operations(),
            **IdentityTest(trial).operations(),
            **security_policy_operations(),
            **ssh_key_operations(),
            **user_operations(),
        },
    )


def without_passed_roles(table: ServiceOperations) -> ServiceOperations:
    """Where roles are another cloud's: iam:PassRole is not asked for, since nobody here knows those roles' policies.

    Whether the gateway may assume a role is decided there, at each login.
    """
    return replace(table, operations={name: _without_passed_roles(row) for name, row in table.operations.items()})


def _without_passed_roles(row: Operation) -> Operation:
    async def permissions(call: Call) -> Sequence[Permission]:
        asked = row.permissions(call)
        needed = await asked if isawaitable(asked) else asked
        return [permission for permission in needed if permission.action != PASS_ROLE]

    return replace(row, permissions=permissions)
