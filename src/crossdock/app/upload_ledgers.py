"""The ledgers of uploads that this run of the service begins at S3s of others."""

from collections.abc import Callable

from crossdock.adapters.aws.begun_uploads import BegunUploads
from crossdock.operations.call import House

AT_AWS = ""
"""How AWS's S3 is named, of which a gateway has one."""

LedgerOf = Callable[[str], BegunUploads]
"""By the name of the S3."""


def upload_ledgers(house: House) -> LedgerOf:
    run = house.entropy(8).hex()
    return lambda where: BegunUploads(house.state, node=where, run=run, clock=house.clock)
