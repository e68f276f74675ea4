"""Whether a backing can be used: a probe object is put, read and deleted there before anything depends on it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from crossdock.core.backings import Backing
from crossdock.core.errors import CrossdockError, FileError
from crossdock.core.homes import ObjectPlace
from crossdock.core.ids import Entropy
from crossdock.ports.backings import ForeignS3
from crossdock.ports.objects import ObjectReader

PROBE = ".crossdock-probe-"
CONTENT = b"Crossdock has put this here to see whether it can. It may be deleted."
TIMEOUT_S = 60.0


LiesHere = Callable[[str], Awaitable[bool]]
"""Whether an object of this key lies in a bucket of this service's own. A probe's key is random: that object is it."""


class ProbeFailed(CrossdockError):
    """A backing that cannot be used; the message says at which step, and why."""


async def probe(foreign: ForeignS3, backing: Backing, *, entropy: Entropy, lies_here: LiesHere) -> Backing:
    """List, put, get and delete below the backing's prefix. Leaves nothing behind unless deleting fails.

    An endpoint's URL does not tell whether it leads back to this service, by another name, a proxy or a forwarded port:
    where the object arrives does.

    Returns the backing with what was found out about it. Raises ProbeFailed.
    """
    key = PROBE + entropy(8).hex()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await _probe(foreign, backing, key, lies_here)
            return replace(backing, keeps_keys=await _keeps_keys(foreign, replace(backing, keeps_keys=True), key))
    except TimeoutError as error:
        raise ProbeFailed(f"{backing.where} did not answer within {TIMEOUT_S:g} s") from error


async def _probe(foreign: ForeignS3, backing: Backing, key: str, lies_here: LiesHere) -> None:
    place = ObjectPlace(bucket=backing.bucket, key=backing.key_of(key))
    async with _step("credentials", backing):
        store = await foreign.store_of(backing)
    async with _step("list", backing):
        await store.list(backing.bucket, backing.prefix, limit=1)
    async with _step("put", backing):
        await store.put(place, [CONTENT], {})
    try:
        if await lies_here(place.key):
            raise ProbeFailed(f"{backing.where} is this very service: a bucket cannot be backed by itself")
        async with _step("get", backing):
            content = await _content(await store.read(place))
        if content != CONTENT:
            raise ProbeFailed(f"{backing.where} failed the step get: another content was answered than was put")
        async with _step("list", backing):
            listed = await store.list(backing.bucket, place.key, delimiter="")
        if [info.place.key for info in listed.objects] != [place.key]:
            raise ProbeFailed(f"{backing.where} failed the step list: the object that was put is not listed")
    finally:
        async with _step("delete", backing):
            await store.delete(place)


async def _keeps_keys(foreign: ForeignS3, backing: Backing, key: str) -> bool:
    """Whether a key that a path would change is kept as it is. What is not seen to be so is not believed."""
    store = await foreign.store_of(backing)
    place = ObjectPlace(bucket=backing.bucket, key=backing.key_of(f"{key}//./../\\{key}.dots"))
    try:
        await store.put(place, [CONTENT], {})
    except FileError:
        # Refused, as MinIO does, which is safe too.
        return False
    try:
        async with _step("list", backing):
            listed = await store.list(backing.bucket, backing.prefix_of(f"{key}//"), delimiter="")
    finally:
        async with _step("delete", backing):
            await store.delete(place)
    return [info.place.key for info in listed.objects] == [place.key]


async def _content(reader: ObjectReader) -> bytes:
    try:
        return b"".join([chunk async for chunk in reader.chunks()])
    finally:
        await reader.close()


@asynccontextmanager
async def _step(name: str, backing: Backing) -> AsyncIterator[None]:
    try:
        yield
    except FileError as error:
        raise ProbeFailed(f"{backing.where} failed the step {name}: {error}") from error
