"""Parting from a client whose upload was refused while it still sends.

Clients such as curl look at the control connection only when they have sent everything, and a reset of the data
connection is then all that they tell: the network failed, they say, and try again. So what they still send is taken and
thrown away while the session goes on. Others stop by themselves when they see the reply.
"""

import asyncio

from crossdock.ftp.data_plain import PlainConnection
from crossdock.ftp.data_socket import Patience
from crossdock.ftp.data_tls import TlsConnection
from crossdock.operations.tasks import TaskSupervisor

DataConnection = PlainConnection | TlsConnection
"""Whichever way its bytes travel; both move them alike."""

REFUSED = Patience(most_s=300.0, most_bytes=8 << 30, pause_s=15.0)
"""Throwing away costs less than the upload would have, and less than the same bytes once more. A client whose rate is
limited pauses for seconds."""


class Parting:
    """One session's: at most one connection at a time, and none that outlives it."""

    def __init__(self, tasks: TaskSupervisor) -> None:
        self._tasks = tasks
        self._task: asyncio.Task[None] | None = None

    def begin(self, connection: DataConnection) -> None:
        """It begins with the loop's next turn: the reply, which is due now, goes out first."""
        self.end()
        self._task = self._tasks.start(connection.part(REFUSED), name="ftp parting")

    def end(self) -> None:
        """Be rid of the connection, however much of it is unread."""
        if self._task is not None:
            # Behind the task's first step: were it cancelled before that, nobody would close the connection.
            asyncio.get_running_loop().call_soon(self._task.cancel)
            self._task = None
