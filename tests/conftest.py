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


def pytest_collection_modifyitems(items):
    for item in items:
        if any(Path(item.fspath).is_relative_to(slow) for slow in SLOW):
            item.add_marker(pytest.mark.slow)
