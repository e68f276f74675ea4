"""The machine and the commit that figures stand beside."""

import os
import platform
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def heading(*, runs: int, size: int, clients: str, serve_args: str = "") -> str:
    """One paragraph: when, what, where, how often. `clients` ends a sentence; `serve_args` is empty by default."""
    day = time.strftime("%Y-%m-%d")
    python = platform.python_version()
    served = f" Crossdock was started with `{serve_args}`." if serve_args else ""
    return (
        f"Of {day} at commit {commit()}, on a machine with {os.cpu_count()} cores ({processor()}), Linux "
        f"{platform.release()}, Python {python}. Files of {size / (1 << 30):g} GiB, {clients}; medians of {runs} "
        f"runs, but one for memory and the share of fsync; everything on tmpfs unless a disk is named.{served}"
    )


def commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
