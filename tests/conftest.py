"""What every test has in common: which of them `make check` leaves to `make test`, and the other vendor's S3."""

import gc
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from tests.fakes.ceph_rgw import CephRgw, ceph_rgw
from tests.fakes.moto import moto_server
from tests.fakes.seaweedfs import SeaweedFs, seaweedfs, why_absent

HERE = Path(__file__).parent
SLOW = tuple(
    HERE / name
    for name in (
        "adapters/aws",
        "adapters/functions",
        "adapters/host",
        "api",
        "cloud/cloudformation/test_allowed_pattern.py",
        "cloud/cloudformation/test_interruptions.py",
        "cloud/lambda_/test_package.py",
        "cloud/logs/test_filtering.py",
        "contract",
        "core/test_homes.py",
        "policy/test_evaluate.py",
        "policy/test_fixes.py",
        "wire/test_aws_chunked.py",
        "wire/test_clients.py",
        "wire/test_protocols.py",
    )
)
"""Real processes, sockets and disks, and long counts of generated cases and faults."""


# An example that takes long says something about the machine, not about what is tested.
hypothesis.settings.register_profile("crossdock", deadline=None)
hypothesis.settings.load_profile("crossdock")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is imported and collected stays: that it is never looked through for garbage saves a twentieth."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items):
    for item in items:
        if any(Path(item.fspath).is_relative_to(slow) for slow in SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def ceph_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CephRgw]:
    """One for all tests: it takes seconds to start."""
    with ceph_rgw(tmp_path_factory.mktemp("ceph")) as rgw:
        yield rgw


@pytest.fixture(scope="session")
def seaweedfs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFs]:
    """Skipped where there is no Go to build it with, as `scripts/install-seaweedfs` has found out."""
    if why := why_absent():
        pytest.skip(why)
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as weed:
        yield weed


@pytest.fixture(scope="session")
def moto_server_url() -> Iterator[str]:
    with moto_server() as url:
        yield url
