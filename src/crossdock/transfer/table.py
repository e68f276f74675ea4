"""The Transfer API as one table."""

from crossdock.operations.operation import ServiceOperations
from crossdock.ports.certificates import CertificateCheck
from crossdock.ports.servers import LoginTrial
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.identity_test import IdentityTest
from crossdock.transfer.security_policies import security_policy_operations
from crossdock.transfer.servers import Servers
from crossdock.transfer.tags import Tags
from crossdock.transfer.users import user_operations


def transfer_operations(
    *, changes: ServerChanges, trial: LoginTrial, certificates: CertificateCheck
) -> ServiceOperations:
    return ServiceOperations(
        service="transfer",
        operations={
            **Servers(changes, certificates).operations(),
            **Tags(changes).operations(),
            **IdentityTest(trial).operations(),
            **security_policy_operations(),
            **user_operations(),
        },
    )
