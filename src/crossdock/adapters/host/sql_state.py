"""State in an SQL database: SQLite today, with nothing in the statements that PostgreSQL would not take.

All rows are documents in one table, so a new TableSpec needs no change of the schema. A second table holds the values
of unique fields; its primary key makes them so.

The engine is the synchronous one, each call of it in a thread: a third of the time that its asyncio dress takes, which
goes to the thread for every cursor, row and close by itself (measured: 1.4 against 4.5 ms for a view and one row).
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    insert,
    select,
    update,
)
from sqlalchemy import Row as SqlRow
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql import Executable

from crossdock.adapters.host.disk_errors import from_sqlite_error
from crossdock.adapters.host.documents import (
    decode_key,
    decode_value,
    encode_key,
    encode_prefix,
    encode_value,
    prefix_end,
    unique_values,
)
from crossdock.adapters.host.generation import Generation
from crossdock.adapters.host.settling import carry_through
from crossdock.adapters.host.turns import WriterTurns
from crossdock.core.errors import FileError, Unavailable
from crossdock.operations.threads import Threads, in_thread
from crossdock.ports.state import JsonObject, Key, NotUnique, Row, TableSpec, VersionConflict

READERS = 8
"""Views open at the same time; further ones wait."""

T = TypeVar("T")

WAIT_FOR_READER_S = 30.0
BUSY_TIMEOUT_MS = 5000

metadata = MetaData()

# Keys are bytes because bytes sort alike in every database; text sorts by a collation.
documents = Table(
    "documents",
    metadata,
    Column("table_name", String, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

uniques = Table(
    "uniques",
    metadata,
    Column("table_name", String, primary_key=True),
    Column("field", String, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("key", LargeBinary, nullable=False),
    ForeignKeyConstraint(["table_name", "key"], ["documents.table_name", "documents.key"], ondelete="CASCADE"),
    Index("uniques_by_key", "table_name", "key"),
    sqlite_with_rowid=False,
)


class SqlTransaction:
    """See `ports.state.Transaction`. Statements take turns, for a task group may share a transaction."""

    def __init__(self, threads: Executor, connection: Connection, *, is_writable: bool) -> None:
        self._threads = threads
        self._connection = connection
        self._is_writable = is_writable
        self._is_open = True
        self._failure: FileError | None = None
        self._turn = asyncio.Lock()

    def table(self, spec: TableSpec) -> "SqlTable":
        return SqlTable(self, spec)

    @asynccontextmanager
    async def turn(self, *, is_writing: bool) -> AsyncIterator["SqlTransaction"]:
        async with self._turn:
            if not self._is_open:
                raise RuntimeError("this transaction has ended")
            if is_writing and not self._is_writable:
                raise RuntimeError("this view is for reading: write in a transaction()")
            # SQLite rolls back by itself when the disk fails. What came afterwards would be committed one by one.
            self.raise_failure()
            yield self

    async def rows(self, statement: Executable) -> Sequence[SqlRow[Any]]:
        """The rows of a SELECT, asked by somebody who has the turn."""
        return await self._in_thread(_rows, statement)

    async def change(self, statement: Executable) -> int:
        """How many rows an INSERT, UPDATE or DELETE of somebody who has the turn concerned."""
        return await self._in_thread(_row_count, statement)

    def end(self) -> None:
        self._is_open = False

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _in_thread(self, function: Callable[[Connection, Executable], T], statement: Executable) -> T:
        try:
            with translated():
                return await in_thread(self._threads, function, self._connection, statement)
        except FileError as error:
            self._failure = error
            raise


class SqlTable:
    """See `ports.state.Table`."""

    def __init__(self, transaction: SqlTransaction, spec: TableSpec) -> None:
        self._transaction = transaction
        self._spec = spec

    async def get(self, key: Key) -> Row | None:
        statement = select(documents.c.version, documents.c.value).where(*self._is_row(encode_key(key)))
        async with self._transaction.turn(is_writing=False) as transaction:
            found = _first(await transaction.rows(statement))
        return Row(key=key, version=found.version, value=decode_value(found.value)) if found else None

    async def put(self, key: Key, value: JsonObject, *, expected_version: int | None = None) -> Row:
        encoded, text = encode_key(key), encode_value(value)
        async with self._transaction.turn(is_writing=True) as transaction:
            version = await self._version(transaction, encoded)
            if expected_version is not None and expected_version != version:
                raise VersionConflict(self._spec.name, expected=expected_version, found=version)
            pairs = list(unique_values(self._spec, value))
            await self._check_unique(transaction, encoded, pairs)
            if version == 0:
                row = {"table_name": self._spec.name, "key": encoded, "version": 1, "value": text}
                await transaction.change(insert(documents).values(row))
            else:
                change = update(documents).where(*self._is_row(encoded)).values(version=version + 1, value=text)
                await transaction.change(change)
            if self._spec.unique:
                await self._keep_unique(transaction, encoded, pairs)
        return Row(key=key, version=version + 1, value=decode_value(text))

    async def delete(self, key: Key) -> bool:
        async with self._transaction.turn(is_writing=True) as transaction:
            return await transaction.change(delete(documents).where(*self._is_row(encode_key(key)))) > 0

    async def page(self, prefix: Key = (), *, after: Key | None = None, limit: int = 1000) -> list[Row]:
        column = documents.c.key
        statement = (
            select(column, documents.c.version, documents.c.value)
            .where(documents.c.table_name == self._spec.name)
            .where(column >= encode_prefix(prefix), column < prefix_end(prefix))
            .order_by(column)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(column > encode_key(after))
        async with self._transaction.turn(is_writing=False) as transaction:
            found = await transaction.rows(statement)
        return [Row(key=decode_key(r.key), version=r.version, value=decode_value(r.value)) for r in found]

    async def _version(self, transaction: SqlTransaction, key: bytes) -> int:
        """0 when there is no such row. Locks it where writers do not take turns by themselves."""
        statement = select(documents.c.version).where(*self._is_row(key)).with_for_update()
        found = _first(await transaction.rows(statement))
        return found.version if found else 0

    async def _check_unique(self, transaction: SqlTransaction, key: bytes, pairs: list[tuple[str, str]]) -> None:
        """Ask before anything is written: where a statement fails, PostgreSQL takes no further one."""
        for name, value in pairs:
            statement = select(uniques.c.key).where(
                uniques.c.table_name == self._spec.name, uniques.c.field == name, uniques.c.value == value
            )
            found = _first(await transaction.rows(statement))
            if found is not None and found.key != key:
                raise NotUnique(self._spec.name, name)

    async def _keep_unique(self, transaction: SqlTransaction, key: bytes, pairs: list[tuple[str, str]]) -> None:
        await transaction.change(delete(uniques).where(uniques.c.table_name == self._spec.name, uniques.c.key == key))
        for name, value in pairs:
            row = {"table_name": self._spec.name, "field": name, "value": value, "key": key}
            await transaction.change(insert(uniques).values(row))

    def _is_row(self, key: bytes) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return documents.c.table_name == self._spec.name, documents.c.key == key


class SqlState:
    """See `ports.state.State`. Made by `open_state`; without a writer, by `open_state_to_read`."""

    def __init__(self, *, threads: Threads, writer: Engine | None, reader: Engine) -> None:
        self._threads = threads
        self._writer = writer
        self._reader = reader
        self._turns = WriterTurns()
        self._readers = asyncio.Semaphore(READERS)
        self._generation = Generation(str(reader.url.database), "state.db")
        self._is_closed = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlTransaction]:
        if self._writer is None:
            raise RuntimeError("another process writes the state")
        async with self._turns.turn(), self._begun(self._writer) as connection:
            transaction = SqlTransaction(self._threads, connection, is_writable=True)
            try:
                yield transaction
            finally:
                transaction.end()
            transaction.raise_failure()
            with translated():
                await carry_through(lambda: self._threads.begin(connection.commit))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqlTransaction]:
        try:
            async with asyncio.timeout(WAIT_FOR_READER_S):
                await self._readers.acquire()
        except TimeoutError as error:
            raise Unavailable(f"all {READERS} views of the state were taken for {WAIT_FOR_READER_S} s") from error
        try:
            async with self._begun(self._reader) as connection:
                transaction = SqlTransaction(self._threads, connection, is_writable=False)
                try:
                    yield transaction
                finally:
                    transaction.end()
        finally:
            self._readers.release()

    def generation(self) -> int:
        if self._is_closed:
            raise RuntimeError("the state is closed")
        return self._generation.current()

    async def close(self) -> None:
        """Waits for no transaction: end what uses the state first."""
        if self._is_closed:
            return
        self._is_closed = True
        self._generation.close()
        await in_thread(self._threads, self._reader.dispose)
        if self._writer is not None:
            await in_thread(self._threads, self._writer.dispose)
        self._threads.shutdown()

    @asynccontextmanager
    async def _begun(self, engine: Engine) -> AsyncIterator[Connection]:
        """A connection in a transaction, which is rolled back at the end unless it was committed."""
        if self._is_closed:
            raise RuntimeError("the state is closed")
        begun: list[Connection] = []
        try:
            with translated():
                await in_thread(self._threads, _begin, engine, begun)
            yield begun[0]
        finally:
            if begun:
                await in_thread(self._threads, begun[0].close)


async def open_state(path: Path) -> SqlState:
    """Open or make the database; one process writes to it. Raises OutOfSpace or Unavailable."""
    # Two engines, because SQLite's writers begin otherwise than its readers.
    writer = _sqlite(path, begin="BEGIN IMMEDIATE", connections=1, pragmas=("foreign_keys = ON", "synchronous = FULL"))
    threads = Threads(READERS + 1, name="state")
    state = SqlState(threads=threads, writer=writer, reader=_reader(path))
    try:
        with translated():
            await in_thread(threads, metadata.create_all, writer)
    except BaseException:
        await state.close()
        raise
    return state


def open_state_to_read(path: Path) -> SqlState:
    """The views alone, of a database that another process has open to write."""
    return SqlState(threads=Threads(READERS, name="state"), writer=None, reader=_reader(path))


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the database says of the disk into our words."""
    try:
        yield
    except DBAPIError as error:
        translation = from_sqlite_error(error.orig, "state.db")
        if translation is None:
            raise
        raise translation from error


def _begin(engine: Engine, begun: list[Connection]) -> None:
    """Hands the connection over before anything can fail or the task be cancelled."""
    connection = engine.connect()
    begun.append(connection)
    connection.begin()


def _rows(connection: Connection, statement: Executable) -> Sequence[SqlRow[Any]]:
    return connection.execute(statement).all()


def _row_count(connection: Connection, statement: Executable) -> int:
    return connection.execute(statement).rowcount


def _first(rows: Sequence[SqlRow[Any]]) -> SqlRow[Any] | None:
    return rows[0] if rows else None


def _reader(path: Path) -> Engine:
    return _sqlite(path, begin="BEGIN", connections=READERS, pragmas=("query_only = ON",))


def _sqlite(path: Path, *, begin: str, connections: int, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), pool_size=connections, max_overflow=0)

    def on_connect(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # The driver's own begin is switched off; `on_begin` says how a transaction begins.
        connection.isolation_level = None
        for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", "journal_mode = WAL", *pragmas):
            connection.execute(f"PRAGMA {pragma}")

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
        # A view is taken when something is first read, not before.
        connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1").close()

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
    return engine
