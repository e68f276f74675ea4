"""The Transfer API as one table."""

from crossdock.operations.operation import ServiceOperations
from crossdock.ports.certificates import CertificateCheck
from crossdock.ports.servers import LoginTrial
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.host_key_vault import HostKeyVault
from crossdock.transfer.host_keys import HostKeyOperations
from crossdock.transfer.identity_test import IdentityTest
from crossdock.transfer.security_policies import security_policy_operations
from crossdock.transfer.servers import Servers
from crossdock.transfer.ssh_keys import ssh_key_operations
from crossdock.transfer.tags import Tags
from crossdock.transfer.users import user_operations


def transfer_operations(
    *, changes: ServerChanges, trial: LoginTrial, certificates: CertificateCheck, host_keys: HostKeyVault
) -> ServiceOperations:
    return ServiceOperations(
        service="transfer",
        operations={
            **Servers(changes, certificates, host_keys).operations(),
            **HostKeyOperations(changes, host_keys).operations(),
            **Tags(changes).operations(),
            **IdentityTest(trial).operations(),
            **security_policy_operations(),
            **ssh_key_operations(),
            **user_operations(),
        },
    )
