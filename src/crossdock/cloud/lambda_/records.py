"""A function as a row, and where functions are found.

Every invocation asks, so what is found is kept until something changes that policies depend on, and costs no database
round trip. That is why every write of a function goes through `policy_transaction`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from crossdock.cloud.iam.epoch_cache import EpochCache
from crossdock.cloud.lambda_.names import FunctionRef, function_arn
from crossdock.operations.records import Records
from crossdock.ports.host import Epoch
from crossdock.ports.state import State, TableSpec

CACHED_FUNCTIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStatement:
    """One permission on a function: its JSON as AWS shows it, and the ids of the users and roles that it names."""

    sid: str
    text: str
    pins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRecord:
    """`revision_id` changes with everything, `deployment` with what a running process would have to know.

    `sealed_environment` is empty without variables.
    """

    account_id: str
    region: str
    name: str
    role: str
    runtime: str
    handler: str
    timeout_s: int
    memory_mib: int
    architecture: str
    code_id: str
    code_sha256: str
    code_size: int
    modified_at: datetime
    revision_id: str
    deployment: str
    description: str = ""
    sealed_environment: str = field(default="", repr=False)
    tags: Mapping[str, str] = field(default_factory=dict)
    statements: tuple[PolicyStatement, ...] = ()

    @property
    def arn(self) -> str:
        return function_arn(self.region, self.account_id, self.name)

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.account_id, self.region, self.name)


FUNCTIONS = Records(TableSpec(name="lambda_functions"), FunctionRecord)
"""Key: account, region, name."""


class FunctionDirectory:
    """Finds functions without touching the disk while nothing changes."""

    def __init__(self, *, epoch: Epoch) -> None:
        self._cache: EpochCache[FunctionRecord | None] = EpochCache(epoch, capacity=CACHED_FUNCTIONS)

    async def find(self, state: State, ref: FunctionRef) -> FunctionRecord | None:
        """The function, whatever its qualifier."""

        async def load() -> FunctionRecord | None:
            async with state.reading() as tx:
                return await FUNCTIONS.get(tx, *ref.key)

        return await self._cache.get(" ".join(ref.key), load)
