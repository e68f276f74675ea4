"""The Transfer API on a house of fakes, with a login trial that the test decides."""

from dataclasses import dataclass
from typing import Any

import pytest
from tests.fakes.host_keys import instant_vault
from tests.fakes.house import AllowEverything, AllowOnly, PlainSealer, make_house
from tests.fakes.models import assert_fits

from crossdock.core.errors import ServiceError
from crossdock.core.logins import LoginAttempt
from crossdock.core.principals import IamUser
from crossdock.core.servers import Server
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller, Origin
from crossdock.ports.authority import IdentityAnswer
from crossdock.ports.servers import LoginOutcome
from crossdock.ports.state import Transaction
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.directory import StateServerDirectory
from crossdock.transfer.host_key_directory import StateHostKeys
from crossdock.transfer.servers import CertificateInFiles, never_in_files
from crossdock.transfer.table import transfer_operations

HUB = "111111111111"
REGION = "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{HUB}:function:users"
CERTIFICATE = f"arn:aws:acm:{REGION}:{HUB}:certificate/12345678-1234-1234-1234-123456789012"
FTP_SERVER: dict[str, Any] = {
    "Protocols": ["FTP"],
    "EndpointType": "VPC",
    "EndpointDetails": {"VpcId": "vpc-0a", "SubnetIds": ["subnet-0a"], "SecurityGroupIds": ["sg-00000000"]},
    "IdentityProviderType": "AWS_LAMBDA",
    "IdentityProviderDetails": {"Function": FUNCTION},
}
SERVICE_MANAGED: dict[str, Any] = {"Protocols": ["SFTP"]}


class ScriptedTrial:
    """Implements `ports.servers.LoginTrial` with an outcome that the test set."""

    def __init__(self) -> None:
        self.outcome = LoginOutcome(answer=IdentityAnswer(identity=None, response="{}", status_code=200, message="no"))
        self.attempts: list[tuple[Server, LoginAttempt]] = []

    async def try_login(self, server: Server, attempt: LoginAttempt) -> LoginOutcome:
        self.attempts.append((server, attempt))
        return self.outcome


class ScriptedCertificates:
    """Implements `ports.certificates.CertificateCheck`: every certificate fits but those that the test objects to."""

    def __init__(self) -> None:
        self.objections: dict[str, str] = {}
        self.asked: list[str] = []

    async def objection(self, tx: Transaction, certificate_arn: str) -> str:
        self.asked.append(certificate_arn)
        return self.objections.get(certificate_arn, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferApi:
    operations: Operations
    directory: StateServerDirectory
    host_keys: StateHostKeys
    changes: ServerChanges
    trial: ScriptedTrial
    certificates: ScriptedCertificates
    authorizer: AllowOnly

    async def call(self, operation: str, *, account: str = HUB, region: str = REGION, **params: Any) -> dict[str, Any]:
        """Call as an administrator; input and answer must fit the model."""
        result = await self.ask(operation, account=account, region=region, **params)
        assert_fits("transfer", operation, params, result)
        return result

    async def ask(self, operation: str, *, account: str = HUB, region: str = REGION, **params: Any) -> dict[str, Any]:
        """Call, whatever the model says of the answer: a list that it wants to hold something may be empty."""
        caller = Caller(principal=IamUser(account_id=account, user_name="admin", user_id="AIDA"))
        return dict(
            await self.operations.call(
                "transfer", operation, params, caller=caller, account_id=account, region=region, origin=Origin()
            )
        )

    async def refused(self, operation: str, **params: Any) -> ServiceError:
        with pytest.raises(ServiceError) as refusal:
            await self.call(operation, **params)
        return refusal.value

    async def server(self, **settings: Any) -> str:
        """A new FTP server's id."""
        return str((await self.call("CreateServer", **{**FTP_SERVER, **settings}))["ServerId"])

    async def described(self, server_id: str) -> dict[str, Any]:
        return dict((await self.call("DescribeServer", ServerId=server_id))["Server"])


def make_transfer_api(
    *, authorizer: AllowOnly | None = None, in_files: CertificateInFiles = never_in_files
) -> TransferApi:
    house = make_house()
    changes, trial, certificates = ServerChanges(), ScriptedTrial(), ScriptedCertificates()
    authorizer = authorizer or AllowEverything()
    vault = instant_vault(PlainSealer(), house.entropy)
    table = transfer_operations(
        changes=changes, trial=trial, certificates=certificates, host_keys=vault, in_files=in_files
    )
    return TransferApi(
        operations=Operations(
            [table],
            house=house,
            authorizer=authorizer,
        ),
        directory=StateServerDirectory(house.state, changes),
        host_keys=StateHostKeys(state=house.state, vault=vault, clock=house.clock),
        changes=changes,
        trial=trial,
        certificates=certificates,
        authorizer=authorizer,
    )
