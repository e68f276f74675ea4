"""Connections that are cut, reset, stalled and slowed at every point: what is stored stays whole, and nothing leaks."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.e2e.harness import until
from tests.e2e.leftovers import stray_files
from tests.e2e.misfortunes import Misfortune, draw, suffer
from tests.e2e.quay import Quay, open_quay
from tests.e2e.watching import descriptors_at_rest
from tests.fakes.fault_proxy import Deed, FaultProxy, fault_proxy

ABREAST = 6
"""So many clients at a time, each behind a proxy and an address of its own."""
KEPT = 20
# A TLS stream without its close_notify is a cut that is seen, as long as the server goes by that.
VARIABLES = {"CROSSDOCK_FTP_STRICT_TLS_EOF": "true", "CROSSDOCK_LOGIN_FAILURE_DELAY_S": "0"}

# Python's ssl leaves a socket to the garbage collector whose peer resets it just before the handshake.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    with open_quay(tmp_path_factory.mktemp("quay"), variables=VARIABLES) as running:
        yield running


async def befall(quay: Quay, proxy: FaultProxy, misfortune: Misfortune) -> str:
    """Let it happen, check what it did to the file, and say what came of it."""
    if misfortune.old is not None:
        await asyncio.to_thread(quay.put, misfortune.name, misfortune.old)
    proxy.begin(misfortune.fault)
    taken = await asyncio.to_thread(suffer, misfortune, proxy, quay)
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


async def befall_all(quay: Quay, rounds: int, seed: int) -> Counter[str]:
    numbers = iter(range(rounds))
    outcomes: Counter[str] = Counter()

    async def one_after_another(worker: int) -> None:
        places = {"host": f"127.0.2.{worker}", "source": f"127.0.3.{worker}"}
        async with fault_proxy(quay.address, control=quay.port, data=quay.passive_ports, **places) as proxy:
            for number in numbers:
                misfortune = draw(seed, number)
                outcomes[await befall(quay, proxy, misfortune)] += 1

    async with asyncio.TaskGroup() as tasks:
        for worker in range(1, ABREAST + 1):
            tasks.create_task(one_after_another(worker))
    return outcomes


def withstand(quay: Quay, rounds: int) -> Counter[str]:
    """`rounds` faults, after the same kind of work without any."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    asyncio.run(befall_all(quay, 3 * ABREAST, seed + 1))
    before = descriptors_at_rest(quay)
    outcomes = asyncio.run(befall_all(quay, rounds, seed))
    print(dict(outcomes))
    # Threads of the pools keep pipes and databases open, functions' processes sockets: few, however many faults.
    until("no descriptor is left over", lambda: (descriptors_at_rest(quay) - before).total() <= KEPT)
    for number in range(rounds):
        misfortune = draw(seed, number)
        assert stored(quay, misfortune) in misfortune.may_be, misfortune.fault
    strays = stray_files(quay.service.data_dir)
    assert [path for path in strays if not path.startswith("processes/scratch/")] == []  # those are of functions
    assert quay.open_uploads() == []
    assert '"ERROR"' not in quay.service.log()
    return outcomes


def test_nothing_partial_stays_and_nothing_leaks_after_a_hundred_faults(quay: Quay) -> None:
    outcomes = withstand(quay, 100)
    assert sum(count for outcome, count in outcomes.items() if "failed" in outcome) > 30


@pytest.mark.soak
def test_nothing_partial_stays_and_nothing_leaks_after_a_thousand_faults(quay: Quay) -> None:
    outcomes = withstand(quay, 1000)
    assert sum(count for outcome, count in outcomes.items() if "failed" in outcome) > 300
