"""What a function finds in its environment, as at AWS, and the limits it lives under. Nothing of the host's.

Source: Lambda Developer Guide, "Working with Lambda environment variables", defined runtime environment variables.
"""

import os
import resource
from collections.abc import Mapping
from pathlib import Path

from crossdock.ports.functions import FunctionSpec, TemporaryCredentials

LOG_GROUP_PREFIX = "/aws/lambda/"

INTERPRETER_MIB = 64
"""Room for what the interpreter maps besides the function's own memory, in private pages that it mostly never
touches."""

MAX_TASKS = 1024
"""Processes and threads together. Source: Lambda Developer Guide, "Lambda quotas"."""

MAX_OPEN_FILES = 1024
MAX_FILE = 512 << 20
"""As large as AWS's default `/tmp`."""


def function_environment(
    function: FunctionSpec,
    *,
    credentials: TemporaryCredentials,
    task_root: Path,
    scratch: Path,
    runtime_api: str,
    endpoint_url: str,
    stream: str,
) -> Mapping[str, str]:
    """The function's own variables win over what is merely offered, and lose to what AWS reserves."""
    offered = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "LD_LIBRARY_PATH": f"{task_root}:{task_root}/lib",
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
    }
    reserved = {
        "_HANDLER": function.handler,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mib),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": LOG_GROUP_PREFIX + function.name,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "LAMBDA_TASK_ROOT": str(task_root),
    }
    return {**offered, **function.environment, **reserved}


def function_limits(memory_mib: int, max_tasks: int, *, has_own_uid: bool) -> list[tuple[int, int]]:
    """Pairs for setrlimit, soft and hard alike.

    RLIMIT_DATA counts private writable pages, as promised, not as touched; RLIMIT_AS would also count every library.
    RLIMIT_NPROC counts all tasks of a uid: a uid of the account's own begins at none, one that is shared with the
    service begins at what runs already. The kernel does not hold root to it.
    """
    tasks = max_tasks if has_own_uid else max_tasks + _tasks_of(os.getuid())
    return [
        (resource.RLIMIT_DATA, (memory_mib + INTERPRETER_MIB) << 20),
        (resource.RLIMIT_NPROC, tasks),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        (resource.RLIMIT_FSIZE, MAX_FILE),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ]


def _tasks_of(uid: int) -> int:
    """How many threads of all processes run under a uid now."""
    count = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                found = os.stat(f"/proc/{name}/task")
            except OSError:
                continue
            # Two links and one for each thread's directory.
            count += found.st_nlink - 2 if found.st_uid == uid else 0
    return count
