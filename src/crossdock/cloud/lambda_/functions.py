"""What Lambda's operations work with."""

from dataclasses import dataclass

from crossdock.cloud.lambda_.environment import unseal_variables
from crossdock.cloud.lambda_.events import EventQueue
from crossdock.cloud.lambda_.faults import not_found, stale_revision
from crossdock.cloud.lambda_.names import FunctionRef, require_latest
from crossdock.cloud.lambda_.records import FUNCTIONS, FunctionDirectory, FunctionRecord
from crossdock.cloud.sts.access_keys import AccessKeys
from crossdock.cloud.sts.assume import assume_role
from crossdock.core.principals import ServicePrincipal
from crossdock.operations.call import Call
from crossdock.operations.caller import Caller, Origin
from crossdock.ports.functions import FunctionCode, FunctionRunner, TemporaryCredentials
from crossdock.ports.host import Epoch, Sealer
from crossdock.ports.state import Transaction

LAMBDA = ServicePrincipal(name="lambda.amazonaws.com")
ORIGIN = Origin(is_secure=True, user_agent="lambda.amazonaws.com", via="lambda")


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    runner: FunctionRunner
    code: FunctionCode
    sealer: Sealer
    access_keys: AccessKeys
    epoch: Epoch
    directory: FunctionDirectory
    events: EventQueue

    async def find(self, call: Call, ref: FunctionRef) -> FunctionRecord:
        """Raises ServiceError ResourceNotFoundException, also for versions and aliases."""
        require_latest(ref)
        record = await self.directory.find(call.house.state, ref)
        if record is None:
            raise not_found(ref.arn)
        return record

    async def present(self, tx: Transaction, call: Call, ref: FunctionRef) -> FunctionRecord:
        """The function as it is in this transaction, at the revision that the request wants to change.

        Raises:
            ServiceError: ResourceNotFoundException, PreconditionFailedException.
        """
        require_latest(ref)
        record = await FUNCTIONS.get(tx, *ref.key)
        if record is None:
            raise not_found(ref.arn)
        if call.params.get("RevisionId") not in (None, record.revision_id):
            raise stale_revision()
        return record

    def variables(self, record: FunctionRecord) -> dict[str, str]:
        """Raises SealBroken."""
        return unseal_variables(self.sealer, record.arn, record.sealed_environment)

    async def credentials(self, call: Call, role_arn: str, ref: FunctionRef) -> TemporaryCredentials:
        """New ones of an execution role, which Lambda assumes for the function under the function's name.

        Raises:
            ServiceError: as STS answers, AccessDenied when the role's trust policy does not admit Lambda.

        Source: Lambda Developer Guide, "Defining Lambda function permissions with an execution role".
        """
        caller = Caller(principal=LAMBDA, source_arn=ref.arn, source_account=ref.account_id)
        credentials, _ = await assume_role(
            call.operations,
            self.access_keys,
            caller=caller,
            account_id=ref.account_id,
            region=ref.region,
            origin=ORIGIN,
            role_arn=role_arn,
            # A session's name has two characters at least, and a function's may have one.
            session_name=ref.name.ljust(2, "_"),
        )
        return credentials
