"""A worker, put together: the part of the house that serves files, with the parent behind the ports that write."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack
from pathlib import Path

from crossdock.adapters.embedded.assumer import HeldRoleAssumer
from crossdock.adapters.host.clock import SystemClock
from crossdock.adapters.host.data_directory import DataDirectory
from crossdock.adapters.host.disk_blobs import open_disk_blobs
from crossdock.adapters.host.epoch import MmapEpoch
from crossdock.adapters.host.spilled_memory import SpilledMemory
from crossdock.adapters.host.sql_state import open_state_to_read
from crossdock.adapters.host.workers.calls import GUEST_LEFT, READY, GuestLeft, Ready
from crossdock.adapters.host.workers.line import CallingLine
from crossdock.adapters.host.workers.lodging import Lodging
from crossdock.adapters.host.workers.orders import Begin, Order, OrderReceiver
from crossdock.adapters.host.workers.remote_blobs import RemoteBlobs
from crossdock.adapters.host.workers.remote_index import RemoteObjects
from crossdock.adapters.host.workers.remote_login import (
    RemoteHostKeys,
    RemoteIdentityProvider,
    RemoteLogLines,
    RemoteRoleHolders,
    RemoteSessionPlaces,
)
from crossdock.app.authority import build_authority
from crossdock.app.budgets import CHECKSUM_THREADS, block_pool, share_of
from crossdock.app.json_log import log_to_stderr
from crossdock.app.late_backings import LateBackings
from crossdock.app.memory import settle_memory
from crossdock.cloud.logs.transfer_log import EmbeddedTransferLog
from crossdock.cloud.organizations.management import keep_management_empty
from crossdock.cloud.s3.table import s3_operations
from crossdock.files.login import Admission
from crossdock.files.login_check import LoginCheck
from crossdock.operations.call import House, Operations
from crossdock.operations.tasks import TaskSupervisor
from crossdock.operations.threads import Threads
from crossdock.sftp.rooms import SshRooms
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.directory import StateServerDirectory


async def serve(line_fd: int, orders_fd: int) -> None:
    """Serve what the parent hands over, until it says that this is the end, or is gone."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    begun: asyncio.Future[Begin] = loop.create_future()

    def take_first(order: Order, _: int | None) -> None:
        if isinstance(order, Begin):
            begun.set_result(order)

    async with AsyncExitStack() as stack:
        line = CallingLine(ended.set)
        transport, _ = await loop.connect_accepted_socket(lambda: line, socket.socket(fileno=line_fd))
        stack.callback(transport.abort)
        orders = OrderReceiver(socket.socket(fileno=orders_fd), take=take_first, ended=ended.set)
        stack.callback(orders.close)
        begin = await begun
        log_to_stderr(begin.log_level)
        tasks = TaskSupervisor()
        rooms = await _open_rooms(begin, line, tasks, stack)
        stack.push_async_callback(tasks.close)
        lodging = Lodging(rooms, left=lambda guest: line.tell(GUEST_LEFT, GuestLeft(guest=guest)), tasks=tasks)
        orders.hand_to(lodging.take)
        settle_memory()
        line.tell(READY, Ready())
        await ended.wait()


async def _open_rooms(begin: Begin, line: CallingLine, tasks: TaskSupervisor, stack: AsyncExitStack) -> SshRooms:
    """What is in the data directory is opened to be read, but for the staged blobs."""
    directory = DataDirectory(Path(begin.data_dir), lock_fd=-1)
    clock = SystemClock()
    state = open_state_to_read(directory.state_db)
    stack.push_async_callback(state.close)
    objects = RemoteObjects(line, directory.objects_db)
    stack.callback(objects.close)
    blobs = await open_disk_blobs(directory.blobs, mark=bytes.fromhex(begin.mark), sweeps=False)
    stack.push_async_callback(blobs.close)
    epoch = MmapEpoch(directory.epoch)
    stack.callback(epoch.close)
    house = House(state=state, clock=clock, entropy=os.urandom, tasks=tasks)
    authority = build_authority(
        house,
        epoch=epoch,
        objects=objects.objects,
        uploads=objects.uploads,
        blobs=RemoteBlobs(line, blobs),
        executor=stack.enter_context(Threads(CHECKSUM_THREADS, name="checksums")),
        further={},
        foreign=LateBackings(stack, clock=clock),
    )
    operations = Operations(
        [s3_operations(authority.storage)], house=house, authorizer=authority.authorizer, rule=keep_management_empty
    )
    log_lines = RemoteLogLines(line)
    stack.callback(log_lines.flush)
    admission = Admission(
        servers=StateServerDirectory(state, ServerChanges()),
        check=LoginCheck(
            provider=RemoteIdentityProvider(line),
            assumer=HeldRoleAssumer(roles=RemoteRoleHolders(line), operations=operations, storage=authority.storage),
            entropy=os.urandom,
            concurrent=share_of(begin.login.concurrent, begin.share),
            timeout_s=begin.login.timeout_s,
        ),
        log=EmbeddedTransferLog(writer=log_lines, clock=clock),
        clock=clock,
        blocks=block_pool(begin.uploads, SpilledMemory(directory.spool).take, sharers=begin.share),
        limits=RemoteSessionPlaces(line),
        sleep=asyncio.sleep,
        failure_delay_s=begin.login.failure_delay_s,
    )
    rooms = SshRooms(
        admission=admission,
        host_keys=RemoteHostKeys(line),
        tasks=tasks,
        clock=clock,
        settings=begin.sftp,
        allow_append=begin.allow_append,
    )
    stack.callback(rooms.close)
    rooms.prepare()
    return rooms
