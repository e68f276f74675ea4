"""Durable control-plane state: tables of JSON documents in transactions."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from crossdock.core.errors import CrossdockError

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonObject = Mapping[str, JsonValue]
Key = tuple[str, ...]
"""A row's key, in parts; parts are not empty but may be any text without control characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """A table of JSON documents.

    No two rows may hold the same value in a field of `unique` (rows without it are free).
    """

    name: str
    unique: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    key: Key
    version: int
    value: JsonObject


class VersionConflict(CrossdockError):
    """The row is not at the version that the writer had read."""


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
        """Rows whose key begins with `prefix`, in order of their keys (by code points, part by part), after
        `after`."""


class Transaction(Protocol):
    def table(self, spec: TableSpec) -> Table: ...


class State(Protocol):
    """Durable control-plane state. When `transaction()` ends without an exception, what it wrote is on disk.

    Writers take turns. Never await a function, socket or foreign service inside a transaction.
    """

    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A consistent view; writing through it raises RuntimeError."""
