"""An AWS that answers what a test says, call by call, and accounts that read it.

    aws = ScriptedAws({("iam", "GetRole"): {"Role": …}, ("s3", "GetBucketPolicy"): "AccessDenied"})
    account = aws.account("111111111111")
    aws.asked                                    # ("iam", "GetRole", {"RoleName": "x"}), …

A text is the code of an error. What is not said is denied.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from crossdock.adapters.aws.documents.accounts import Account, Accounts
from crossdock.adapters.aws.documents.reads import READS

HUB, PARTNER, MANAGEMENT = "111111111111", "222222222222", "999999999999"
REGION = "eu-central-1"
Answer = Mapping[str, Any] | str | Callable[[Mapping[str, Any]], Any]


@dataclass(slots=True)
class ScriptedAws:
    """Implements `adapters.aws.clients.ServiceClients`."""

    answers: Mapping[tuple[str, str], Answer]
    endpoint_url: str = "https://service.eu-central-1.amazonaws.com"
    asked: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    async def client(self, service: str, region: str) -> Any:
        assert region == REGION
        return _Client(self, service)

    def account(self, account_id: str = HUB) -> Account:
        return Account(
            account_id=account_id,
            profile=f"reads-{account_id[0]}",
            region=REGION,
            caller_arn=f"arn:aws:iam::{account_id}:user/reader",
            caller_id="AIDAREADER",
            clients=self,
        )

    def answer(self, service: str, operation: str, params: Mapping[str, Any]) -> Any:
        self.asked.append((service, operation, params))
        answer = self.answers.get((service, operation), "AccessDenied")
        if callable(answer):
            answer = answer(params)
        if isinstance(answer, str):
            raise ClientError({"Error": {"Code": answer, "Message": "in a test"}}, operation)
        return answer


class _Client:
    """The methods that the service's client has, made from the names of READS."""

    def __init__(self, aws: ScriptedAws, service: str) -> None:
        self._aws = aws
        self._service = service
        self.meta = SimpleNamespace(endpoint_url=aws.endpoint_url)

    def __getattr__(self, method: str) -> Any:
        operation = self._operation(method)

        async def call(**params: Any) -> Any:
            return self._aws.answer(self._service, operation, params)

        return call

    def get_paginator(self, method: str) -> Any:
        operation = self._operation(method)

        async def pages(**params: Any) -> AsyncIterator[Any]:
            yield self._aws.answer(self._service, operation, params)

        return SimpleNamespace(paginate=pages)

    def _operation(self, method: str) -> str:
        return next(name for service, name in READS if service == self._service and xform_name(name) == method)


def accounts(*listed: Account) -> Accounts:
    return Accounts(listed)
