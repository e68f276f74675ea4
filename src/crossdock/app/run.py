"""`crossdock serve`: opens everything in order, says what is ready, waits for the end, closes in the reverse order."""

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from shlex import join

from crossdock.adapters.host.certificate_files import CertificateFiles
from crossdock.adapters.host.clock import SystemClock
from crossdock.api.control import ControlServer
from crossdock.api.endpoint import Endpoint
from crossdock.api.server import ApiServer
from crossdock.app.administrators import as_administrator
from crossdock.app.announce import announce_failure, say
from crossdock.app.api_address import reachable, warn_if_open
from crossdock.app.backing_sweeps import BackingSweeps
from crossdock.app.buckets import BucketKeeper, keep_nothing, open_service_backings
from crossdock.app.cloud import Cloud, build_cloud, is_embedded
from crossdock.app.declared_servers import ServerDeclarer
from crossdock.app.descriptors import AcceptTroubles, make_room
from crossdock.app.disk import Disk, open_disk
from crossdock.app.example import build_example
from crossdock.app.explain import build_explain, explain_nothing
from crossdock.app.gatehouse import build_gatehouse
from crossdock.app.hints import how_to_begin, own_command
from crossdock.app.interpreters import require_interpreters
from crossdock.app.json_log import log_to_stderr
from crossdock.app.kept_ports import keep_port, kept_port
from crossdock.app.kept_unfinished import open_unfinished
from crossdock.app.memory import settle_memory
from crossdock.app.models import SELDOM, load_models
from crossdock.app.provider_api import open_logins_api
from crossdock.app.sessions_authority import SessionsAuthority, embedded_sessions
from crossdock.app.upload_ledgers import AT_AWS, LedgerOf, UploadLedgers
from crossdock.cloud.accounts import MANAGEMENT, Accounts, ensure_accounts, parse_given_keys
from crossdock.cloud.cloudformation.stacks import recover_interrupted
from crossdock.cloud.organizations.founding import ensure_organization
from crossdock.core.endpoint_addresses import in_brackets
from crossdock.core.errors import CrossdockError
from crossdock.operations.call import House
from crossdock.operations.tasks import TaskSupervisor
from crossdock.settings import BadSetting, Settings, certificate_paths, unknown_variables
from crossdock.settings.buckets_file import read_buckets_file
from crossdock.settings.servers_file import read_servers_file

_log = logging.getLogger(__name__)


class CannotListen(CrossdockError):
    """The API's address cannot be had; the message says which and what to change."""


async def run(settings: Settings, *, example: str | None = None) -> None:
    """Serve until SIGTERM or SIGINT; a second signal does not wait for transfers.

    Raises:
        CrossdockError: the service cannot start; a sentence says why.
    """
    try:
        log_to_stderr(settings.logs.level)
    except ValueError as error:
        raise BadSetting(f"logs.level: {error}") from error
    if not is_embedded(settings):
        _check_beside_aws(settings, example)
    async with AsyncExitStack() as stack:
        ended = _end_signals()
        asyncio.get_running_loop().set_exception_handler(AcceptTroubles())
        settings = make_room(settings)
        if unknown := unknown_variables():
            _log.warning("variables that are no settings have no effect", extra={"nearest_settings": unknown})
        require_interpreters(settings.lambda_.runtimes)
        declared = read_servers_file(settings.servers) if settings.servers is not None else ()
        attached = read_buckets_file(settings.buckets) if settings.buckets is not None else ()
        accounts = Accounts(settings.accounts)
        given_keys = parse_given_keys(settings.keys, accounts)
        disk = await stack.enter_async_context(open_disk(settings, command=join(sys.argv[:2])))
        if disk.swept:
            _log.info("removed what an interrupted run had left", extra={"blobs": disk.swept})
        tasks = TaskSupervisor()
        stack.push_async_callback(tasks.close)
        house = House(state=disk.state, clock=SystemClock(), entropy=os.urandom, tasks=tasks)
        models = await asyncio.to_thread(load_models)
        await ensure_accounts(house, disk.sealer, accounts, given_keys)
        await ensure_organization(house)
        await recover_interrupted(house)
        api_url = ""
        ledger_of = UploadLedgers(house)
        backings = await stack.enter_async_context(open_service_backings(settings.aws, house, ledger_of))
        sweeps = BackingSweeps(house=house, foreign=backings, ledger_of=ledger_of)
        tasks.start(sweeps.run(), name="sweeps of backed buckets")
        cloud = await stack.enter_async_context(
            build_cloud(settings, disk, house, accounts, models, lambda: api_url, backings)
        )
        authority = await stack.enter_async_context(_open_authority(settings, house, cloud, ledger_of))
        api_of_providers = await stack.enter_async_context(open_logins_api(settings, house, authority.invocation_roles))
        unfinished = await stack.enter_async_context(open_unfinished(disk.state))
        gatehouse = await build_gatehouse(
            settings, disk, house, cloud, authority, api_of_providers, ledger_of, unfinished
        )
        stack.callback(gatehouse.edge.close)
        stack.callback(gatehouse.sftp_edge.close)
        if gatehouse.crew is not None:
            stack.push_async_callback(gatehouse.crew.close)

        is_ready = False
        endpoint = Endpoint(
            models=models,
            seldom=SELDOM,
            operations=cloud.operations,
            keys=cloud.keys,
            region=settings.region,
            settings=settings.api,
        )
        api = ApiServer(endpoint, is_ready=lambda: is_ready)
        stack.push_async_callback(api.close)
        # Before anybody is served: what the start waits for from here on, S3s and secrets, may take minutes.
        settle_memory()
        await _listen(api, settings, disk)
        api_url = f"http://{in_brackets(reachable(settings.host))}:{api.port}"
        say(f"ready api http://{in_brackets(settings.host)}:{api.port}")
        warn_if_open(settings.host)

        keeper = BucketKeeper(cloud=cloud, house=house, sweeps=sweeps, own_url=api_url, region=settings.region)
        control = ControlServer(
            directory=gatehouse.directory,
            ingress=cloud.ingress,
            accounts=accounts,
            house=house,
            sealer=disk.sealer,
            region=settings.region,
            api_url=api_url,
            explain=(
                build_explain(cloud, house, gatehouse.directory, api_of_providers)
                if is_embedded(settings)
                else explain_nothing
            ),
            buckets=keeper.answer if is_embedded(settings) else keep_nothing,
        )
        stack.push_async_callback(control.close)
        await control.start(disk.directory.control_socket)

        if settings.buckets is not None:
            await keeper.apply_all(attached, settings.buckets)
        administrator = as_administrator(cloud, house, via="servers")
        declarer = ServerDeclarer(
            administrator=administrator,
            secrets=authority.secrets,
            state=house.state,
            model=models["transfer"],
            region=settings.region,
            in_files=CertificateFiles(certificate_paths(settings.ftps.certificates)).cover,
        )
        failures: Mapping[str, str] = {}
        if settings.servers is not None:
            declarer = replace(declarer, file=settings.servers)
            failures = await declarer.apply_all(declared, await gatehouse.directory.servers())
        stack.push_async_callback(gatehouse.gateway.close)
        await gatehouse.gateway.reconcile()
        tasks.start(gatehouse.gateway.run(), name="gateway")
        if example == "article":
            await build_example(cloud, house, settings, own_command(settings))
            await gatehouse.gateway.reconcile()
        elif not failures and not await gatehouse.directory.servers():
            account = accounts.name_of(next(iter(accounts.members), MANAGEMENT))
            say(how_to_begin(own_command(settings), account, has_example=is_embedded(settings)))
        for server_id, reason in failures.items():
            announce_failure(server_id, reason)
        is_ready = True
        settle_memory()
        say("crossdock ready")
        if gatehouse.crew is not None:
            gatehouse.crew.start()  # not before: each takes a core for half a second; who comes meanwhile waits
        await ended.wait()
        is_ready = False
        _log.info("stopping: transfers may finish", extra={"drain_timeout_s": settings.drain_timeout})


def _check_beside_aws(settings: Settings, example: str | None) -> None:
    if example is not None:
        raise BadSetting("--example builds buckets and roles in the embedded cloud: leave authority = aws out for it")
    if settings.buckets is not None:
        raise BadSetting("buckets are attached to the embedded cloud: leave buckets out with authority = aws")


def _end_signals() -> asyncio.Event:
    """Set at the first SIGTERM or SIGINT; at the second the process ends at once, which loses nothing acknowledged."""
    ended = asyncio.Event()

    def on_signal() -> None:
        if ended.is_set():
            os._exit(1)
        ended.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return ended


@asynccontextmanager
async def _open_authority(
    settings: Settings, house: House, cloud: Cloud, ledger_of: LedgerOf
) -> AsyncIterator[SessionsAuthority]:
    if is_embedded(settings):
        yield embedded_sessions(cloud, house)
    else:
        # Only here: what it stands on takes long to import.
        from crossdock.app.aws_authority import open_aws_authority

        async with open_aws_authority(
            settings, house, local_log=cloud.log_lines, ledger=ledger_of(AT_AWS)
        ) as authority:
            yield authority


async def _listen(api: ApiServer, settings: Settings, disk: Disk) -> None:
    port = settings.api_port or await kept_port(disk.state, "api")
    try:
        await api.start(settings.host, port)
    except OSError as error:
        raise CannotListen(f"cannot listen on {settings.host}:{port} for the AWS APIs: {_advice(error)}") from error
    if settings.api_port == 0 and port == 0:
        await keep_port(disk.state, "api", api.port)


def _advice(error: OSError) -> str:
    """Why an address cannot be had, and which option chooses another."""
    if isinstance(error, socket.gaierror):
        return f"the host is not known ({error.strerror}); choose another with --host"
    if error.errno == errno.EADDRINUSE:
        return "it is in use by another program; choose another with --api-port"
    # Newer loops of Python leave out addresses that this machine has not, and then give no number.
    if error.errno is None or error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL):
        return "this machine has no such address; choose another with --host"
    return f"{os.strerror(error.errno)}; choose another with --api-port"
