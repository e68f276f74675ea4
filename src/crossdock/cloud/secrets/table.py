"""The Secrets Manager API as one table."""

from crossdock.cloud.secrets.lifecycle import lifecycle_operations
from crossdock.cloud.secrets.values import Values
from crossdock.operations.operation import ServiceOperations
from crossdock.ports.host import Sealer


def secrets_operations(*, sealer: Sealer) -> ServiceOperations:
    return ServiceOperations(
        service="secretsmanager",
        operations={**Values(sealer).operations(), **lifecycle_operations()},
    )
