"""The CloudFormation API as one table."""

import asyncio

from crossdock.cloud.cloudformation.change_sets import ChangeSets
from crossdock.cloud.cloudformation.descriptions import Descriptions
from crossdock.cloud.cloudformation.making import Sleep
from crossdock.cloud.cloudformation.stacks import Stacks
from crossdock.operations.operation import ServiceOperations
from crossdock.ports.host import Sealer


def cloudformation_operations(*, sealer: Sealer, sleep: Sleep = asyncio.sleep) -> ServiceOperations:
    stacks = Stacks(sealer, sleep)
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
