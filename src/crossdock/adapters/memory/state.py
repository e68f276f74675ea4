"""State that is forgotten with the process."""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from crossdock.adapters.host.documents import (
    decode_key,
    decode_value,
    encode_key,
    encode_prefix,
    encode_value,
    prefix_end,
    unique_values,
)
from crossdock.adapters.host.turns import WriterTurns
from crossdock.ports.state import JsonObject, Key, NotUnique, Row, TableSpec, VersionConflict


@dataclass(frozen=True, slots=True)
class _Stored:
    version: int
    text: str


@dataclass(slots=True)
class _Rows:
    """One table. Once committed it is never changed, so a reader that holds it has a consistent view."""

    rows: dict[bytes, _Stored] = field(default_factory=dict)
    uniques: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def copy(self) -> "_Rows":
        return _Rows(dict(self.rows), dict(self.uniques))

    def forget_uniques(self, spec: TableSpec, key: bytes) -> None:
        stored = self.rows.get(key)
        if stored is not None:
            for pair in unique_values(spec, decode_value(stored.text)):
                self.uniques.pop(pair, None)


class MemoryTransaction:
    """See `ports.state.Transaction`: a view of the tables, and copies of those that were written."""

    def __init__(self, tables: dict[str, _Rows], *, is_writable: bool) -> None:
        self._tables = tables
        self._is_writable = is_writable
        self._is_open = True
        self.written: dict[str, _Rows] = {}

    def table(self, spec: TableSpec) -> "MemoryTable":
        return MemoryTable(self, spec)

    def rows(self, name: str) -> _Rows:
        self._check_open()
        return self.written.get(name) or self._tables.get(name) or _Rows()

    def rows_to_write(self, name: str) -> _Rows:
        self._check_open()
        if not self._is_writable:
            raise RuntimeError("this view is for reading: write in a transaction()")
        if name not in self.written:
            self.written[name] = self.rows(name).copy()
        return self.written[name]

    def end(self) -> None:
        self._is_open = False

    def _check_open(self) -> None:
        if not self._is_open:
            raise RuntimeError("this transaction has ended")


class MemoryTable:
    """See `ports.state.Table`. Every call lets other tasks run, as one that reaches a disk does."""

    def __init__(self, transaction: MemoryTransaction, spec: TableSpec) -> None:
        self._transaction = transaction
        self._spec = spec

    async def get(self, key: Key) -> Row | None:
        await asyncio.sleep(0)
        stored = self._transaction.rows(self._spec.name).rows.get(encode_key(key))
        return Row(key=key, version=stored.version, value=decode_value(stored.text)) if stored else None

    async def put(self, key: Key, value: JsonObject, *, expected_version: int | None = None) -> Row:
        await asyncio.sleep(0)
        encoded, text = encode_key(key), encode_value(value)
        table = self._transaction.rows_to_write(self._spec.name)
        stored = table.rows.get(encoded)
        version = stored.version if stored else 0
        if expected_version is not None and expected_version != version:
            raise VersionConflict(self._spec.name, expected=expected_version, found=version)
        pairs = list(unique_values(self._spec, value))
        for name, held in pairs:
            if table.uniques.get((name, held), encoded) != encoded:
                raise NotUnique(self._spec.name, name)
        table.forget_uniques(self._spec, encoded)
        table.uniques.update(dict.fromkeys(pairs, encoded))
        table.rows[encoded] = _Stored(version + 1, text)
        return Row(key=key, version=version + 1, value=decode_value(text))

    async def delete(self, key: Key) -> bool:
        await asyncio.sleep(0)
        encoded = encode_key(key)
        table = self._transaction.rows_to_write(self._spec.name)
        table.forget_uniques(self._spec, encoded)
        return table.rows.pop(encoded, None) is not None

    async def page(self, prefix: Key = (), *, after: Key | None = None, limit: int = 1000) -> list[Row]:
        await asyncio.sleep(0)
        rows = self._transaction.rows(self._spec.name).rows
        keys = sorted(rows)
        first = bisect_left(keys, encode_prefix(prefix))
        if after is not None:
            first = max(first, bisect_right(keys, encode_key(after)))
        found = keys[first : bisect_left(keys, prefix_end(prefix))][:limit]
        return [Row(key=decode_key(k), version=rows[k].version, value=decode_value(rows[k].text)) for k in found]


class MemoryState:
    """See `ports.state.State`."""

    def __init__(self) -> None:
        self._turns = WriterTurns()
        self._tables: dict[str, _Rows] = {}
        self._generation = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryTransaction]:
        async with self._turns.turn():
            transaction = MemoryTransaction(self._tables, is_writable=True)
            try:
                yield transaction
            finally:
                transaction.end()
            self._tables = {**self._tables, **transaction.written}
            self._generation += 1

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[MemoryTransaction]:
        transaction = MemoryTransaction(self._tables, is_writable=False)
        try:
            yield transaction
        finally:
            transaction.end()

    def generation(self) -> int:
        return self._generation
