"""FTP connections that are cut, reset, stalled and slowed at every point: what is stored stays whole, nothing leaks."""

from collections.abc import Iterator

import pytest
from tests.e2e.misfortunes import draw, suffer
from tests.e2e.ordeals import Ordeal, withstand
from tests.e2e.quay import Quay, open_quay

# A TLS stream without its close_notify is a cut that is seen, as long as the server goes by that.
VARIABLES = {"CROSSDOCK_FTP_STRICT_TLS_EOF": "true", "CROSSDOCK_LOGIN_FAILURE_DELAY_S": "0"}

# Python's ssl leaves a socket to the garbage collector whose peer resets it just before the handshake.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    with open_quay(tmp_path_factory.mktemp("quay"), variables=VARIABLES) as running:
        yield running


@pytest.fixture
def ordeal(quay: Quay) -> Ordeal:
    return Ordeal(draw=draw, suffer=suffer, port=quay.port, data_ports=quay.passive_ports)


def test_nothing_partial_stays_and_nothing_leaks_after_a_hundred_faults(quay: Quay, ordeal: Ordeal) -> None:
    outcomes = withstand(quay, ordeal, 100)
    assert sum(count for outcome, count in outcomes.items() if "failed" in outcome) > 30


@pytest.mark.soak
def test_nothing_partial_stays_and_nothing_leaks_after_a_thousand_faults(quay: Quay, ordeal: Ordeal) -> None:
    outcomes = withstand(quay, ordeal, 1000)
    assert sum(count for outcome, count in outcomes.items() if "failed" in outcome) > 300
