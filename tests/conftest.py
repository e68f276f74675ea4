"""What every test has in common: which of them `make check` leaves to `make test`."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
SLOW = tuple(
    HERE / name
    for name in (
        "adapters/aws",
        "adapters/functions",
        "adapters/host",
        "api",
        "cloud/cloudformation/test_interruptions.py",
        "cloud/logs/test_filtering.py",
        "contract",
        "core/test_homes.py",
        "policy/test_fixes.py",
        "wire/test_protocols.py",
    )
)
"""Real processes, sockets and disks, and long counts of generated cases and faults."""


def pytest_collection_modifyitems(items):
    for item in items:
        if any(Path(item.fspath).is_relative_to(slow) for slow in SLOW):
            item.add_marker(pytest.mark.slow)
