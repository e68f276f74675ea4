"""The interpreters that `lambda.runtimes` names, looked at once before anything starts."""

import os
from collections.abc import Mapping
from pathlib import Path

from crossdock.settings import BadSetting


def require_interpreters(runtimes: Mapping[str, str]) -> None:
    """Each is there and can be run, or functions would fail at their first call. Raises BadSetting."""
    for runtime, interpreter in runtimes.items():
        path = Path(interpreter)
        # Neither raises where a directory above may not be entered.
        if not os.path.exists(path):
            raise BadSetting(
                f"lambda.runtimes: the interpreter of {runtime}, {path}, does not exist, or not for this service's user"
            )
        if not os.path.isfile(path) or not os.access(path, os.X_OK):
            raise BadSetting(f"lambda.runtimes: the interpreter of {runtime}, {path}, is no program that can be run")
