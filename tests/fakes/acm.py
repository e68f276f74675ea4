"""Certificate Manager on a house of fakes, its answers judged by AWS's model."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.fakes.aws_models import model_of
from tests.fakes.calls import call_as_root
from tests.fakes.clock import FakeClock
from tests.fakes.house import AllowEverything, AllowOnly, CountedEpoch, PlainSealer, make_house
from tests.fakes.x509 import Pair, self_signed

from crossdock.adapters.memory.state import MemoryState
from crossdock.cloud.acm.table import acm_operations
from crossdock.core.errors import ServiceError
from crossdock.core.ids import AccountId, ServerId
from crossdock.core.servers import EndpointType, FileProtocol, IdentityProviderChoice, IdentityProviderType, Server
from crossdock.operations.call import House, Operations
from crossdock.ports.state import Transaction
from crossdock.wire.protocols import format_response
from crossdock.wire.validation import validate_params

HUB, PARTNER = "111111111111", "222222222222"
REGION = "us-east-1"


class ScriptedUses:
    """Implements `ports.certificates.CertificateUses`."""

    def __init__(self) -> None:
        self.by_arn: dict[str, list[str]] = {}

    async def users(self, tx: Transaction, certificate_arn: str) -> Sequence[str]:
        return self.by_arn.get(certificate_arn, [])


class Acm:
    """A client: `await acm("DescribeCertificate", CertificateArn=…)`."""

    def __init__(self, authorizer: AllowOnly | None = None) -> None:
        self.clock = FakeClock()
        self.house: House = make_house(state=MemoryState(), clock=self.clock)
        self.sealer, self.epoch, self.uses = PlainSealer(), CountedEpoch(), ScriptedUses()
        self.authorizer = authorizer or AllowEverything()
        self.operations = Operations(
            [acm_operations(sealer=self.sealer, epoch=self.epoch, uses=self.uses)],
            house=self.house,
            authorizer=self.authorizer,
            validate=lambda service, name, params: validate_params(model_of(service), name, params),
        )

    async def __call__(
        self, operation: str, *, account: str = HUB, region: str = REGION, **params: Any
    ) -> Mapping[str, Any]:
        result = await call_as_root(self.operations, "acm", operation, params, account=account, region=region)
        format_response(model_of("acm"), operation, result, request_id="tests")
        return result

    async def refusal(self, operation: str, **params: Any) -> tuple[str, str]:
        with pytest.raises(ServiceError) as caught:
            await self(operation, **params)
        return caught.value.code, caught.value.message

    async def imported(self, pair: Pair | None = None, **params: Any) -> str:
        """A new certificate's ARN."""
        pair = pair or self_signed()
        result = await self("ImportCertificate", Certificate=pair.body, PrivateKey=pair.key, **params)
        return str(result["CertificateArn"])

    async def refused_import(self, pair: Pair, **params: Any) -> str:
        code, message = await self.refusal(
            "ImportCertificate", **{"Certificate": pair.body, "PrivateKey": pair.key, **params}
        )
        assert code == "ValidationException"
        return message

    async def described(self, arn: str) -> Mapping[str, Any]:
        return dict((await self("DescribeCertificate", CertificateArn=arn))["Certificate"])


def make_server(server_id: str = "s-0123456789abcdef0", *, certificate_arn: str = "") -> Server:
    return Server(
        server_id=ServerId(server_id),
        account_id=AccountId(HUB),
        region=REGION,
        protocols=(FileProtocol.FTPS,),
        endpoint_type=EndpointType.VPC,
        identity_provider=IdentityProviderChoice(kind=IdentityProviderType.AWS_LAMBDA, function_arn="arn:aws:lambda:x"),
        certificate_arn=certificate_arn,
    )
