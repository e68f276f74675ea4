"""Durable control-plane state: tables of JSON documents in transactions."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from crossdock.core.errors import CrossdockError

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonObject = Mapping[str, JsonValue]
Key = tuple[str, ...]
"""A row's key, in parts: at least one, of any text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """A table of JSON documents.

    No two rows may hold the same value in a top-level field of `unique` (rows without it, or with null, are free).
    """

    name: str
    unique: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`version` counts the writes since the row was made, from 1; a row made anew after a delete begins at 1 again."""

    key: Key
    version: int
    value: JsonObject


class VersionConflict(CrossdockError):
    """The row is not at the version that the writer had read."""

    def __init__(self, table: str, *, expected: int, found: int) -> None:
        super().__init__(f"{table}: the row is at version {found}, not {expected}")


class NotUnique(CrossdockError):
    """Another row holds this value in a unique field."""

    def __init__(self, table: str, field_name: str) -> None:
        super().__init__(f"{table}.{field_name} must be unique")
        self.field_name = field_name


class Table(Protocol):
    async def get(self, key: Key) -> Row | None: ...

    async def put(self, key: Key, value: JsonObject, *, expected_version: int | None = None) -> Row:
        """Write a row. `expected_version` 0 = it must be new; n = it must be at n; None = whatever is there.

        Raises VersionConflict or NotUnique.
        """

    async def delete(self, key: Key) -> bool:
        """True if there was a row."""

    async def page(self, prefix: Key = (), *, after: Key | None = None, limit: int = 1000) -> list[Row]:
        """Rows whose key begins with the parts of `prefix` (or is it), with a key greater than `after`.

        In order of their keys: by code points, part by part, the shorter first.
        """


class Transaction(Protocol):
    """After a VersionConflict or NotUnique it can still be used; nothing of the refused row was written.

    After OutOfSpace or Unavailable, which any method may raise, it can only end, and is rolled back.
    """

    def table(self, spec: TableSpec) -> Table: ...


class State(Protocol):
    """Durable control-plane state. When `transaction()` ends without an exception, what it wrote is on disk.

    Writers take turns, so a task that has one open must not ask for another (RuntimeError). Never await a function,
    socket or foreign service inside a transaction. A commit that was begun is carried through.
    """

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Commits at the end, rolls back when the block raises or its task is cancelled."""

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A consistent view; writing through it raises RuntimeError."""

    def generation(self) -> int:
        """Another number after each commit, by whichever process; told at once, from memory. Raises Unavailable."""
