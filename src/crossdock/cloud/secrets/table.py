"""Secrets Manager as one table."""

from collections.abc import Awaitable, Callable
from functools import partial

from crossdock.cloud.secrets.deleting import delete_secret, restore_secret
from crossdock.cloud.secrets.listing import list_secrets
from crossdock.cloud.secrets.passwords import get_random_password
from crossdock.cloud.secrets.permissions import (
    block_public_keys,
    deletion_keys,
    description_keys,
    moved_stage_keys,
    on_new_secret,
    on_secret,
    on_validated_policy,
    stage_keys,
    tag_keys,
    version_keys,
)
from crossdock.cloud.secrets.reading import describe_secret, get_secret_value, list_secret_version_ids
from crossdock.cloud.secrets.resource_policies import (
    PUT_POLICY,
    delete_resource_policy,
    get_resource_policy,
    put_resource_policy,
    validate_resource_policy,
)
from crossdock.cloud.secrets.tags import tag_resource, untag_resource
from crossdock.cloud.secrets.vault import Vault
from crossdock.cloud.secrets.writing import (
    create_secret,
    put_secret_value,
    update_secret,
    update_secret_version_stage,
)
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permissions, Result, ServiceOperations, needs
from crossdock.ports.host import Epoch, Sealer

_Handler = Callable[[Vault, Call], Awaitable[Result]]


def secrets_operations(*, sealer: Sealer, epoch: Epoch) -> ServiceOperations:
    vault = Vault(sealer)

    def row(handler: _Handler, permissions: Permissions) -> Operation:
        async def bound(call: Call) -> Result:
            return await handler(vault, call)

        return Operation(handler=bound, permissions=permissions)

    return ServiceOperations(
        service="secretsmanager",
        operations={
            "CreateSecret": row(create_secret, on_new_secret),
            "GetSecretValue": row(get_secret_value, on_secret("secretsmanager:GetSecretValue", version_keys)),
            "PutSecretValue": row(put_secret_value, on_secret("secretsmanager:PutSecretValue", stage_keys)),
            "UpdateSecret": row(update_secret, on_secret("secretsmanager:UpdateSecret", description_keys)),
            "UpdateSecretVersionStage": row(
                update_secret_version_stage, on_secret("secretsmanager:UpdateSecretVersionStage", moved_stage_keys)
            ),
            "DescribeSecret": row(describe_secret, on_secret("secretsmanager:DescribeSecret")),
            "ListSecrets": row(list_secrets, needs("secretsmanager:ListSecrets")),
            "ListSecretVersionIds": row(list_secret_version_ids, on_secret("secretsmanager:ListSecretVersionIds")),
            "DeleteSecret": row(delete_secret, on_secret("secretsmanager:DeleteSecret", deletion_keys)),
            "RestoreSecret": row(restore_secret, on_secret("secretsmanager:RestoreSecret")),
            "TagResource": row(tag_resource, on_secret("secretsmanager:TagResource", tag_keys)),
            "UntagResource": row(untag_resource, on_secret("secretsmanager:UntagResource", tag_keys)),
            "GetRandomPassword": row(get_random_password, needs("secretsmanager:GetRandomPassword")),
            "PutResourcePolicy": Operation(
                handler=partial(put_resource_policy, epoch), permissions=on_secret(PUT_POLICY, block_public_keys)
            ),
            "GetResourcePolicy": Operation(
                handler=get_resource_policy, permissions=on_secret("secretsmanager:GetResourcePolicy")
            ),
            "DeleteResourcePolicy": Operation(
                handler=partial(delete_resource_policy, epoch),
                permissions=on_secret("secretsmanager:DeleteResourcePolicy"),
            ),
            "ValidateResourcePolicy": Operation(handler=validate_resource_policy, permissions=on_validated_policy),
        },
    )
