"""A worker, put together: the part of the house that serves files, with the parent behind the ports that write."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack
from pathlib import Path

from crossdock.adapters.host.clock import SystemClock
from crossdock.adapters.host.data_directory import DataDirectory
from crossdock.adapters.host.spilled_memory import SpilledMemory
from crossdock.adapters.host.sql_state import open_state_to_read
from crossdock.adapters.host.workers.calls import GUEST_LEFT, READY, GuestLeft, Ready
from crossdock.adapters.host.workers.line import CallingLine
from crossdock.adapters.host.workers.lodging import Lodging
from crossdock.adapters.host.workers.orders import Begin, Order, OrderReceiver
from crossdock.adapters.host.workers.remote_login import (
    RemoteHostKeys,
    RemoteIdentityProvider,
    RemoteLogLines,
    RemoteSessionPlaces,
)
from crossdock.adapters.host.workers.remote_unfinished import RemoteUnfinished
from crossdock.adapters.host.workers.remote_uploads import RemoteResumableUploads
from crossdock.app.budgets import block_pool, share_of
from crossdock.app.json_log import log_to_stderr
from crossdock.app.memory import settle_memory
from crossdock.app.worker_assumers import open_aws_assumer, open_embedded_assumer
from crossdock.cloud.logs.transfer_log import EmbeddedTransferLog
from crossdock.files.login import Admission
from crossdock.files.login_check import LoginCheck
from crossdock.operations.call import House
from crossdock.operations.tasks import TaskSupervisor
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
    house = House(state=state, clock=clock, entropy=os.urandom, tasks=tasks)
    assumer = await (
        open_aws_assumer(begin.aws, begin.region, line, house, stack)
        if begin.is_at_aws
        else open_embedded_assumer(begin, line, house, directory, stack)
    )
    log_lines = RemoteLogLines(line)
    stack.callback(log_lines.flush)
    admission = Admission(
        servers=StateServerDirectory(state, ServerChanges(), interrupted=begin.uploads.kept),
        check=LoginCheck(
            provider=RemoteIdentityProvider(line),
            assumer=assumer,
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
        resumable=RemoteResumableUploads(line),
        unfinished=RemoteUnfinished(line),
    )
    rooms = SshRooms(
        admission=admission,
        host_keys=RemoteHostKeys(line),
        tasks=tasks,
        clock=clock,
        settings=begin.sftp,
        allow_append=begin.allow_append,
        rename_directories=begin.rename_directories,
    )
    stack.callback(rooms.close)
    rooms.prepare()
    return rooms
