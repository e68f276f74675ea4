"""`python -m crossdock.app.worker LINE ORDERS PARENT`: one worker, started by its parent and by nobody else.

LINE and ORDERS are the numbers of its sockets. Nothing is imported before the process is tied to its parent.
"""

import gc
import sys

from crossdock.adapters.host.workers.parental import leave_signals_to


def main(line: int, orders: int, parent: int) -> None:
    leave_signals_to(parent)
    gc.disable()  # until it is ready, as in `crossdock.cli.main`
    import asyncio

    from crossdock.app.worker_service import serve

    asyncio.run(serve(line, orders))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
