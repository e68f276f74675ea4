"""Holding a service to its promises while one client after the other comes to grief, whatever they speak."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.e2e.harness import until
from tests.e2e.leftovers import stray_files
from tests.e2e.misfortunes import Misfortune
from tests.e2e.quay import Quay
from tests.e2e.watching import descriptors_at_rest
from tests.fakes.fault_proxy import Deed, FaultProxy, fault_proxy

ABREAST = 6
"""So many clients at a time, each behind a proxy and an address of its own."""
KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordeal:
    """What befalls clients of a protocol, who reach the service at these ports.

    `draw` makes of a seed and a number always the same. `suffer` is the client, in a thread: what it holds for
    transferred, None when it knows that it failed.
    """

    draw: Callable[[int, int], Misfortune]
    suffer: Callable[[Misfortune, FaultProxy, Quay], bytes | None]
    port: int
    data_ports: Sequence[int] = ()


async def befall(quay: Quay, ordeal: Ordeal, proxy: FaultProxy, misfortune: Misfortune) -> str:
    """Let it happen, check what it did to the file, and say what came of it."""
    if misfortune.old is not None:
        await asyncio.to_thread(quay.put, misfortune.name, misfortune.old)
    proxy.begin(misfortune.fault)
    taken = await asyncio.to_thread(ordeal.suffer, misfortune, proxy, quay)
    await proxy.end()
    assert taken in (None, misfortune.new), f"{misfortune.fault}: the client took other bytes for the whole"
    if taken is None:
        assert proxy.has_struck, f"{misfortune.fault}: failed though nothing had happened"
        assert misfortune.fault.deed is not Deed.SLOW, f"{misfortune.fault}: a slow one failed"
    found = await asyncio.to_thread(stored, quay, misfortune)
    assert found in misfortune.may_be, f"{misfortune.fault}: partial or foreign bytes"
    if taken is not None:
        assert found == misfortune.new, f"{misfortune.fault}: acknowledged and not there"
    return f"{misfortune.fault.deed.name} {'failed' if taken is None else 'passed'}"


def stored(quay: Quay, misfortune: Misfortune) -> bytes | None:
    return quay.content(misfortune.name) if misfortune.name in quay.keys(misfortune.name) else None


async def befall_all(quay: Quay, ordeal: Ordeal, rounds: int, seed: int) -> Counter[str]:
    numbers = iter(range(rounds))
    outcomes: Counter[str] = Counter()

    async def one_after_another(worker: int) -> None:
        places = {"host": f"127.0.2.{worker}", "source": f"127.0.3.{worker}"}
        async with fault_proxy(quay.address, control=ordeal.port, data=ordeal.data_ports, **places) as proxy:
            for number in numbers:
                misfortune = ordeal.draw(seed, number)
                outcomes[await befall(quay, ordeal, proxy, misfortune)] += 1

    async with asyncio.TaskGroup() as tasks:
        for worker in range(1, ABREAST + 1):
            tasks.create_task(one_after_another(worker))
    return outcomes


def withstand(quay: Quay, ordeal: Ordeal, rounds: int) -> Counter[str]:
    """`rounds` faults, after the same kind of work without any."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    asyncio.run(befall_all(quay, ordeal, 3 * ABREAST, seed + 1))
    before = descriptors_at_rest(quay)
    outcomes = asyncio.run(befall_all(quay, ordeal, rounds, seed))
    print(dict(outcomes))
    # Threads of the pools keep pipes and databases open, functions' processes sockets: few, however many faults.
    until("no descriptor is left over", lambda: (descriptors_at_rest(quay) - before).total() <= KEPT)
    for number in range(rounds):
        misfortune = ordeal.draw(seed, number)
        assert stored(quay, misfortune) in misfortune.may_be, misfortune.fault
    strays = stray_files(quay.service.data_dir)
    assert [path for path in strays if not path.startswith("processes/scratch/")] == []  # those are of functions
    assert quay.open_uploads() == []
    assert '"ERROR"' not in quay.service.log()
    return outcomes
