"""Orders to a worker: in their order, whole, with their sockets."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.fakes.logins import SERVER
from tests.fakes.patience import eventually

from crossdock.adapters.host.workers.frames import BadMessage
from crossdock.adapters.host.workers.orders import (
    MOST_ORDER_BYTES,
    MOST_QUEUED,
    Begin,
    Cut,
    Drain,
    Order,
    OrderReceiver,
    OrderSender,
    Receive,
    order_of,
)
from crossdock.settings import AwsSettings, LoginSettings, SftpSettings, UploadSettings

BEGIN = Begin(
    data_dir="/data/ü",
    mark="00ff",
    share=2,
    log_level="INFO",
    login=LoginSettings(concurrent=3),
    sftp=SftpSettings(proxy_protocol_from=("192.0.2.0/24",), idle_timeout_s=5),
    uploads=UploadSettings(spool_bytes=1 << 30),
    allow_append=True,
    rename_directories=True,
    region="eu-west-1",
    aws=AwsSettings(
        session_tags={"team": "ü"}, ca_file=Path("/ca.pem"), buckets={"*": {"acl": "off", "bucket_key": True}}
    ),
    is_at_aws=True,
)


@dataclass
class Heard:
    """What the worker's end has got; `changed` after each."""

    sender: OrderSender
    receiving: socket.socket
    orders: list[tuple[Order, int | None]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def listen(self) -> OrderReceiver:
        return OrderReceiver(self.receiving, take=self.take, ended=self.ended.set)

    def take(self, order: Order, fd: int | None) -> None:
        self.orders.append((order, fd))
        self.changed.set()

    async def count(self, wanted: int) -> None:
        async with asyncio.timeout(20):
            while len(self.orders) < wanted:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def pair() -> AsyncIterator[Heard]:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    its.setblocking(False)
    heard = Heard(OrderSender(ours), its)
    yield heard
    heard.sender.close()
    if its.fileno() >= 0:
        asyncio.get_running_loop().remove_reader(its)
        its.close()


def receive(guest: int, seen: bytes = b"") -> Receive:
    return Receive(guest=guest, server=SERVER, address="192.0.2.1", is_proxied=True, seen=seen)


async def test_orders_come_as_they_were_sent_and_with_their_sockets():
    sent = [BEGIN, receive(1, b"SSH-2.0-\xff"), Drain(guest=1), receive(2), Cut(guest=2, reason="now")]
    async with pair() as heard:
        reader, writer = os.pipe()
        for order in sent:
            heard.sender.send(order, os.dup(reader) if isinstance(order, Receive) else None)
        receiver = heard.listen()
        await heard.count(len(sent))
        assert [order for order, _ in heard.orders] == sent
        assert [fd is not None for _, fd in heard.orders] == [isinstance(order, Receive) for order in sent]
        os.write(writer, b"ab")
        for _, fd in heard.orders:
            if fd is not None:
                assert len(os.read(fd, 1)) == 1
                assert not os.get_inheritable(fd)
                os.close(fd)
        os.close(reader)
        os.close(writer)
        heard.sender.close()
        await heard.ended.wait()
        receiver.close()


async def test_orders_wait_for_a_worker_that_is_slow_and_no_descriptor_is_kept():
    async with pair() as heard:
        before = len(os.listdir("/proc/self/fd"))
        for guest in range(MOST_QUEUED + 500):
            assert heard.sender.is_heard or guest >= MOST_QUEUED
            heard.sender.send(receive(guest, bytes(1000)), os.dup(0))
        assert not heard.sender.is_heard
        receiver = heard.listen()
        await heard.count(MOST_QUEUED + 500)
        assert [order.guest for order, _ in heard.orders] == list(range(MOST_QUEUED + 500))
        assert heard.sender.is_heard
        for _, fd in heard.orders:
            os.close(fd)
        assert len(os.listdir("/proc/self/fd")) == before
        receiver.close()


async def test_nothing_is_kept_of_what_a_dead_worker_was_to_get():
    async with pair() as heard:
        before = len(os.listdir("/proc/self/fd"))
        heard.receiving.close()
        heard.sender.send(receive(1), os.dup(0))
        heard.sender.send(Drain(guest=1))
        assert len(os.listdir("/proc/self/fd")) == before - 2


async def test_an_order_that_is_too_long_is_refused_and_its_socket_closed():
    async with pair() as heard:
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(BadMessage):
            heard.sender.send(receive(1, bytes(MOST_ORDER_BYTES)), os.dup(0))
        assert len(os.listdir("/proc/self/fd")) == before


async def test_orders_can_be_handed_to_somebody_else():
    async with pair() as heard:
        first: list[Order] = []
        receiver = OrderReceiver(heard.receiving, take=lambda order, _: first.append(order), ended=heard.ended.set)
        heard.sender.send(BEGIN)
        await eventually(lambda: first)
        receiver.hand_to(heard.take)
        heard.sender.send(Drain(guest=1))
        await heard.count(1)
        assert (first, heard.orders) == ([BEGIN], [(Drain(guest=1), None)])
        receiver.close()


@pytest.mark.parametrize("message", [b"", b"[]", b'["Drain"]', b'["Drain",{"guest":"1"}]', b'["Die",{}]', b'{"a":1}'])
def test_what_is_no_order_is_refused(message: bytes):
    with pytest.raises(BadMessage):
        order_of(message)
