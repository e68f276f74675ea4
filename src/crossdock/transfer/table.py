"""The Transfer API as one table."""

from crossdock.operations.operation import ServiceOperations
from crossdock.ports.servers import LoginTrial
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.identity_test import IdentityTest
from crossdock.transfer.servers import Servers
from crossdock.transfer.tags import Tags
from crossdock.transfer.users import user_operations


def transfer_operations(*, changes: ServerChanges, trial: LoginTrial) -> ServiceOperations:
    return ServiceOperations(
        service="transfer",
        operations={
            **Servers(changes).operations(),
            **Tags(changes).operations(),
            **IdentityTest(trial).operations(),
            **user_operations(),
        },
    )
