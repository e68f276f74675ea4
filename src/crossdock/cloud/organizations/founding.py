"""How the organization comes to be: at a data directory's first start, with ids that it keeps."""

from crossdock.cloud.organizations.records import (
    OrganizationRecord,
    find_organization,
    organizations_id,
    put_organization,
)
from crossdock.operations.call import House

ORGANIZATION_ID_CHARS = 10
ROOT_ID_CHARS = 4


async def ensure_organization(house: House) -> None:
    """Called at every start; writes at the first alone."""
    async with house.state.reading() as tx:
        if await find_organization(tx) is not None:
            return
    async with house.state.transaction() as tx:
        await put_organization(
            tx,
            OrganizationRecord(
                organization_id=organizations_id("o-", house.entropy, ORGANIZATION_ID_CHARS),
                root_id=organizations_id("r-", house.entropy, ROOT_ID_CHARS),
            ),
        )
