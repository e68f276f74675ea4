"""Typed rows: a frozen dataclass in, the same dataclass out, JSON in between."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from cattrs import BaseValidationError
from cattrs.preconf.json import make_converter

from crossdock.core.errors import Unavailable
from crossdock.ports.state import JsonObject, Key, TableSpec, Transaction

T = TypeVar("T")
_converter = make_converter()


class Records(Generic[T]):
    """A table whose rows are `record` dataclasses.

    Fields may be str, int, float, bool, bytes, datetime, enums, tuples, dicts and further dataclasses. Whatever reads
    raises Unavailable for a row that is none of them, because it is damaged or of another version of Crossdock.
    """

    def __init__(self, spec: TableSpec, record: type[T]) -> None:
        self.spec = spec
        self._record = record

    async def get(self, tx: Transaction, *key: str) -> T | None:
        row = await tx.table(self.spec).get(key)
        return None if row is None else self._read(key, row.value)

    async def put(self, tx: Transaction, record: T, *key: str, is_new: bool = False) -> None:
        """Write a record. Raises VersionConflict when `is_new` and the key is taken, NotUnique for a unique field."""
        value = _converter.unstructure(record)
        await tx.table(self.spec).put(key, value, expected_version=0 if is_new else None)

    async def delete(self, tx: Transaction, *key: str) -> bool:
        """True if there was one."""
        return await tx.table(self.spec).delete(key)

    async def page(self, tx: Transaction, *prefix: str, after: Key | None = None, limit: int = 1000) -> list[T]:
        """Records in the order of their keys."""
        return [record for _, record in await self.page_with_keys(tx, *prefix, after=after, limit=limit)]

    async def page_with_keys(
        self, tx: Transaction, *prefix: str, after: Key | None = None, limit: int = 1000
    ) -> Sequence[tuple[Key, T]]:
        rows = await tx.table(self.spec).page(prefix, after=after, limit=limit)
        return [(row.key, self._read(row.key, row.value)) for row in rows]

    async def everything(self, tx: Transaction, *prefix: str) -> list[T]:
        """All records below a prefix, however many."""
        found: list[T] = []
        after: Key | None = None
        while page := await self.page_with_keys(tx, *prefix, after=after):
            found.extend(record for _, record in page)
            after = page[-1][0]
        return found

    async def keys(self, tx: Transaction) -> list[Key]:
        """Those of all records, also of such as cannot be read."""
        table, found = tx.table(self.spec), list[Key]()
        while rows := await table.page(after=found[-1] if found else None):
            found.extend(row.key for row in rows)
        return found

    def _read(self, key: Key, value: JsonObject) -> T:
        try:
            return _converter.structure(value, self._record)
        except BaseValidationError as error:
            named = " ".join((self.spec.name, *key))
            raise Unavailable(
                f"the stored record {named} cannot be read: it is damaged, or of another version of Crossdock"
            ) from error
