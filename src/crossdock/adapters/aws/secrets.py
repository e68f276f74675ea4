"""Secrets of AWS, for what the gateway itself needs: host keys and certificates."""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from crossdock.adapters.aws.clients import ServiceClients, code_of, in_words
from crossdock.adapters.aws.parsing import AWS_FAILURES, AwsFailure
from crossdock.core.errors import Unavailable


@dataclass(frozen=True, slots=True)
class AwsSecrets:
    """See `ports.authority.SecretTexts`. The secrets are those that the gateway's own credentials may read."""

    clients: ServiceClients

    async def text(self, account: str, region: str, secret_id: str) -> str:
        try:
            secrets = await self.clients.client("secretsmanager", region)
            answer = await secrets.get_secret_value(SecretId=secret_id)
        except AWS_FAILURES as error:
            raise Unavailable(f"the secret {secret_id}: {in_words(error)}{_advice(error)}") from error
        if "SecretString" not in answer:
            raise Unavailable(f"the secret {secret_id} is binary: it must be a text")
        return str(answer["SecretString"])


def _advice(error: AwsFailure) -> str:
    if not isinstance(error, ClientError) or code_of(error) != "AccessDeniedException":
        return ""
    return (
        "; the gateway's own identity must be allowed secretsmanager:GetSecretValue on it, and kms:Decrypt where it is "
        "encrypted with a key of yours"
    )
