"""The program that becomes the function: AWS's runtime client, with one thing put right.

`AWS_LAMBDA_RUNTIME_API` is `host:port/secret` here. The client's compiled part asks for work and answers under that
path; its Python part, which only reports that initialisation failed, takes the text for a host name. The service
lays a copy of this file where functions can read it, so it imports nothing of Crossdock.
"""

import os
import sys
from typing import Any

from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient


class _Client(LambdaRuntimeClient):  # type: ignore[misc]
    def __init__(self, address: str) -> None:
        host, _, self._secret = address.partition("/")
        super().__init__(host)

    def call_rapid(self, http_method: str, endpoint: str, *arguments: Any, **options: Any) -> None:
        super().call_rapid(http_method, f"/{self._secret}{endpoint}", *arguments, **options)


if __name__ == "__main__":
    given = os.environ  # noqa: TID251 (the function's own, in its own process)
    # Where the interpreter put this file's directory.
    sys.path[0] = given["LAMBDA_TASK_ROOT"]
    bootstrap.run(given["_HANDLER"], _Client(given["AWS_LAMBDA_RUNTIME_API"]))
