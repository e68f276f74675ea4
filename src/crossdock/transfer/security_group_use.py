"""Which servers name a security group: one that is named cannot be deleted."""

from collections.abc import Sequence

from crossdock.ports.state import Transaction
from crossdock.transfer.server_records import SERVERS, server_of


class ServersOfGroups:
    """Implements `ports.ingress.SecurityGroupUse`."""

    async def servers_with(self, tx: Transaction, account_id: str, region: str, group_id: str) -> Sequence[str]:
        records = await SERVERS.everything(tx, account_id, region)
        return [record.server_id for record in records if group_id in server_of(record).security_group_ids]
