"""Serves clients in this process, whichever endpoint let them in."""

import logging
from functools import cached_property

from crossdock.core.errors import CrossdockError
from crossdock.core.servers import Server
from crossdock.files.login import Admission
from crossdock.files.ssh_login import SshLogin
from crossdock.operations.tasks import TaskSupervisor
from crossdock.operations.threads import Threads
from crossdock.ports.guests import Arrived, Left
from crossdock.ports.host import Clock
from crossdock.ports.host_keys import HostKeys
from crossdock.settings import SftpSettings
from crossdock.sftp.conversation import Means
from crossdock.sftp.fast_reliance import fast_paths
from crossdock.sftp.ssh_applicant import Applicant
from crossdock.sftp.ssh_client import SshClient, Surroundings
from crossdock.sftp.ssh_connection import SshConnection
from crossdock.sftp.ssh_options import Offers

_log = logging.getLogger(__name__)

POOL_THREADS = 4
MOST_OFFERS = 256
"""Servers whose options are remembered."""


class SshRooms:
    """See `ports.guests.Rooms`.

    `allow_append` and `rename_directories` are FTP's settings of these names.
    """

    def __init__(
        self,
        *,
        admission: Admission,
        host_keys: HostKeys,
        tasks: TaskSupervisor,
        clock: Clock,
        settings: SftpSettings,
        allow_append: bool = False,
        rename_directories: bool = False,
    ) -> None:
        # What asyncssh says at INFO is a line for each of its steps; of what it says below, some is the client's.
        logging.getLogger("asyncssh").setLevel(logging.WARNING)
        self._admission = admission
        self._host_keys = host_keys
        self._settings = settings
        self._pool = Threads(POOL_THREADS, name="sftp-data")
        self._means = Means(
            pool=self._pool,
            tasks=tasks,
            clock=clock,
            allow_append=allow_append,
            rename_directories=rename_directories,
        )
        self._offers: dict[str, Offers] = {}

    async def check(self, server: Server) -> None:
        """Raises CrossdockError, with a sentence, when a client could not be served."""
        await self._offers_of(server).current(server)

    def prepare(self) -> None:
        """Do now what would keep the first client waiting."""
        _ = self._surroundings

    async def receive(self, arrived: Arrived, left: Left) -> SshClient | None:
        server, address, transport = arrived.server, arrived.address, arrived.transport
        try:
            options = await self._offers_of(server).current(server)
        except CrossdockError as error:
            extra = {"server_id": server.server_id, "source_ip": address, "reason": str(error)}
            _log.error("ssh connection refused", extra=extra)
            return None
        if transport.is_closing():
            return None
        applicant = Applicant(SshLogin(admission=self._admission, server=server, source_ip=address))
        client = SshClient(self._surroundings, server, applicant, source_ip=address, left=left)
        connection = SshConnection(
            options,
            client,
            applicant,
            attempts=self._settings.attempts_per_connection,
            is_proxied=arrived.is_proxied,
            socket_is_full=client.socket_is_full,
            turnstile=self._surroundings.turnstile,
            is_thrifty=self._surroundings.paths is not None,
        )
        transport.set_protocol(connection)
        connection.connection_made(transport)
        if arrived.seen:
            connection.data_received(arrived.seen)
        if not transport.is_closing():
            transport.resume_reading()
        return client

    def close(self) -> None:
        """Let the threads go, when everybody has left."""
        self._pool.shutdown(wait=False)

    def _offers_of(self, server: Server) -> Offers:
        if len(self._offers) > MOST_OFFERS:
            self._offers.clear()
        offers = self._offers.get(server.server_id)
        if offers is None:
            offers = self._offers[server.server_id] = Offers(self._host_keys, self._settings)
        return offers

    @cached_property
    def _surroundings(self) -> Surroundings:
        """To look whether asyncssh is what the fast path relies on takes a while."""
        paths = fast_paths() if self._settings.fast_path else None
        return Surroundings(means=self._means, settings=self._settings, paths=paths)
