"""The embedded cloud, put together: every service's table on one road, and what the gateway needs of it."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from botocore.model import ServiceModel

from crossdock.adapters.embedded.assumer import EmbeddedRoleAssumer, EmbeddedRoleHolders
from crossdock.adapters.host.functions.runner import SubprocessRunner
from crossdock.app.authority import build_authority
from crossdock.app.chores import chores
from crossdock.app.disk import Disk
from crossdock.cloud.accounts import Accounts
from crossdock.cloud.acm.table import acm_operations
from crossdock.cloud.cloudformation.table import cloudformation_operations
from crossdock.cloud.ec2.ingress import SecurityGroupIngress
from crossdock.cloud.ec2.table import ec2_operations
from crossdock.cloud.iam.operations import iam_operations
from crossdock.cloud.lambda_.log import EmbeddedFunctionLog
from crossdock.cloud.lambda_.package import sweep_packages
from crossdock.cloud.lambda_.resource_policy import LambdaPolicies
from crossdock.cloud.lambda_.table import lambda_operations
from crossdock.cloud.logs.group_sink import GroupSink
from crossdock.cloud.logs.table import logs_operations
from crossdock.cloud.logs.writer import LogWriter
from crossdock.cloud.organizations.management import keep_management_empty
from crossdock.cloud.organizations.table import organizations_operations
from crossdock.cloud.s3.table import s3_operations
from crossdock.cloud.secrets.resource_policies import SecretPolicies
from crossdock.cloud.secrets.table import secrets_operations
from crossdock.cloud.sts.access_keys import AccessKeys
from crossdock.cloud.sts.assume_role import MAX_SESSION_S
from crossdock.cloud.sts.operations import sts_operations
from crossdock.cloud.sts.session_tokens import SessionTokens
from crossdock.operations.call import House, Operations
from crossdock.operations.operation import Params
from crossdock.ports.backings import ForeignS3
from crossdock.ports.logs import LogLines
from crossdock.settings import Settings
from crossdock.transfer.security_group_use import ServersOfGroups
from crossdock.transfer.server_certificates import ServersOfCertificates
from crossdock.wire.validation import validate_params

BESIDE_AWS = frozenset({"acm", "ec2", "iam", "logs", "organizations", "sts"})
"""What is served besides Transfer when the authority is AWS: whose servers these are, and what these refer to."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    operations: Operations
    accounts: Accounts
    keys: AccessKeys
    assumer: EmbeddedRoleAssumer
    log_lines: LogLines
    ingress: SecurityGroupIngress
    backings: ForeignS3


def is_embedded(settings: Settings) -> bool:
    return settings.authority == "embedded"


@asynccontextmanager
async def build_cloud(
    settings: Settings,
    disk: Disk,
    house: House,
    accounts: Accounts,
    models: Mapping[str, ServiceModel],
    api_url: Callable[[], str],
    backings: ForeignS3,
) -> AsyncIterator[Cloud]:
    """`api_url` is asked whenever a function is started: the port is not known before the API listens.

    `backings` reaches the S3s that hold the objects of attached buckets.
    """
    authority = build_authority(
        house,
        epoch=disk.epoch,
        objects=disk.objects.objects,
        uploads=disk.objects.uploads,
        blobs=disk.blobs,
        executor=disk.threads,
        further={"lambda": LambdaPolicies(), "secretsmanager": SecretPolicies()},
        foreign=backings,
        notes_encryption=settings.api.pretend_encryption,
    )
    library, organization, storage = authority.library, authority.organization, authority.storage
    tokens = SessionTokens(disk.sealer)
    keys = AccessKeys(state=disk.state, sealer=disk.sealer, tokens=tokens, library=library, epoch=disk.epoch)

    writer = LogWriter(sink=GroupSink(events=disk.logs, state=disk.state, clock=house.clock), clock=house.clock)
    house.tasks.start(writer.run(), name="log writer")
    runner = SubprocessRunner(
        disk.directory.processes,
        settings=settings.lambda_,
        clock=house.clock,
        entropy=house.entropy,
        tasks=house.tasks,
        log=EmbeddedFunctionLog(writer),
        endpoint_url=api_url,
    )

    ingress = SecurityGroupIngress(state=disk.state, tasks=house.tasks)
    await ingress.load()

    def validate(service: str, operation: str, params: Params) -> None:
        # S3 has its own errors for what is wrong with a request, and its bodies are streams.
        if service != "s3":
            validate_params(models[service], operation, params)

    tables = [
        table
        for table in (
            acm_operations(sealer=disk.sealer, epoch=disk.epoch, uses=ServersOfCertificates()),
            cloudformation_operations(sealer=disk.sealer),
            ec2_operations(ingress=ingress, use=ServersOfGroups()),
            iam_operations(epoch=disk.epoch, library=library, organization=organization),
            lambda_operations(
                runner=runner, code=disk.archives, sealer=disk.sealer, access_keys=keys, epoch=disk.epoch
            ),
            logs_operations(events=disk.logs, settings=settings.logs),
            organizations_operations(epoch=disk.epoch),
            s3_operations(storage),
            secrets_operations(sealer=disk.sealer, epoch=disk.epoch),
            sts_operations(
                principals=authority.principals,
                tokens=tokens,
                library=library,
                longest_session_s=settings.sts.longest_session_s or MAX_SESSION_S,
            ),
        )
        if is_embedded(settings) or table.service in BESIDE_AWS
    ]
    operations = Operations(
        tables,
        house=house,
        authorizer=authority.authorizer,
        validate=validate,
        rule=keep_management_empty,
    )
    await sweep_packages(disk.state, disk.archives)
    await runner.start()
    if is_embedded(settings):  # else functions are Lambda's
        _log.info(runner.isolation)
    house.tasks.start(chores(settings, disk, house), name="chores")
    try:
        yield Cloud(
            operations=operations,
            accounts=accounts,
            keys=keys,
            assumer=EmbeddedRoleAssumer(
                roles=EmbeddedRoleHolders(operations=operations, access_keys=keys),
                operations=operations,
                storage=storage,
            ),
            log_lines=writer,
            ingress=ingress,
            backings=backings,
        )
    finally:
        await runner.close()
        await writer.close()
