"""Where private host keys are made, read, sealed and opened."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import Any

from crossdock.core.errors import Unavailable
from crossdock.core.ids import Entropy, hex_id
from crossdock.operations.threads import in_thread
from crossdock.ports.host import SealBroken, Sealer
from crossdock.ports.host_keys import HostKey
from crossdock.transfer.host_key_material import HostKeyMaterial, generate_host_keys, read_host_key
from crossdock.transfer.host_key_records import HostKeyRecord


class HostKeyVault:
    """Keys are made and read in `threads`, for that takes long: never await it inside a transaction."""

    def __init__(
        self,
        *,
        sealer: Sealer,
        threads: Executor,
        entropy: Entropy,
        generate: Callable[[], Sequence[HostKeyMaterial]] = generate_host_keys,
    ) -> None:
        self._sealer = sealer
        self._threads = threads
        self._entropy = entropy
        self._generate = generate

    async def generated(self) -> Sequence[HostKeyMaterial]:
        """New keys, one of each type."""
        return await in_thread(self._threads, self._generate)

    async def read(self, body: str) -> HostKeyMaterial:
        """Raises ServiceError as `read_host_key` does."""
        return await in_thread(self._threads, read_host_key, body)

    def record(
        self, server_id: str, material: HostKeyMaterial, *, now: datetime, settings: dict[str, Any] | None = None
    ) -> HostKeyRecord:
        """A key of the server under an id of its own, sealed, to be put into the state."""
        key_id = hex_id("hostkey-", self._entropy)
        return HostKeyRecord(
            key_id=key_id,
            algorithm=material.algorithm,
            fingerprint=material.fingerprint,
            imported_at=now,
            settings=settings or {},
            sealed_key=self._sealer.seal(material.private_key, context=_context(server_id, key_id)),
        )

    def opened(self, server_id: str, record: HostKeyRecord) -> HostKey:
        """Raises Unavailable when the key does not open."""
        try:
            private_key = self._sealer.unseal(record.sealed_key, context=_context(server_id, record.key_id))
        except SealBroken as error:
            raise Unavailable(f"the host key {record.key_id} of {server_id} cannot be opened: {error}") from error
        return HostKey(key_id=record.key_id, algorithm=record.algorithm, private_key=private_key)


def _context(server_id: str, key_id: str) -> str:
    return f"host key {server_id}/{key_id}"
