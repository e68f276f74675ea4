"""The CloudFormation API as one table."""

from crossdock.cloud.cloudformation.change_sets import ChangeSets
from crossdock.cloud.cloudformation.descriptions import Descriptions
from crossdock.cloud.cloudformation.stacks import Stacks
from crossdock.operations.operation import ServiceOperations
from crossdock.ports.host import Sealer


def cloudformation_operations(*, sealer: Sealer) -> ServiceOperations:
    stacks = Stacks(sealer)
    return ServiceOperations(
        service="cloudformation",
        operations={
            **stacks.operations(),
            **ChangeSets(stacks).operations(),
            **Descriptions(stacks).operations(),
        },
        denied_code="AccessDenied",
        denied_status=403,
    )
