"""Whether anything was committed to a SQLite database since one last looked, by whichever process."""

import sqlite3

from crossdock.adapters.host.disk_errors import sqlite_errors


class Generation:
    """Looks at the memory that the database's processes share, so it may be asked on the loop: 2 µs.

    Source: SQLite, "PRAGMA data_version": another value than the last one where another connection has committed.
    """

    def __init__(self, path: str, name: str) -> None:
        self._path = path
        self._name = name
        self._connection: sqlite3.Connection | None = None

    def current(self) -> int:
        """Raises Unavailable."""
        with sqlite_errors(self._name):
            if self._connection is None:
                # Of its own: what a connection commits itself does not count for it. It never waits for a lock.
                self._connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
            (number,) = self._connection.execute("PRAGMA data_version").fetchone()
            return int(number)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
