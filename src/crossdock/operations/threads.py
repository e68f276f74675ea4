"""Threads for work that blocks, and waiting for it without leaving early.

What an executor of `concurrent.futures` costs to wake is several times what a small read or commit takes; this pool
hands a job over by one queue and its result back by one call into the loop.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Held(asyncio.Future[T]):
    """A future of work that goes on whatever its waiter does, so that waiting for it is never cut short.

    A task that waits for it and is cancelled hears of that when the work is done: see `settle`.
    """

    def cancel(self, msg: object = None) -> bool:
        return False


class Threads(Executor):
    """A fixed number of threads, started with the first job."""

    def __init__(self, count: int, *, name: str) -> None:
        self._count = count
        self._name = name
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    def begin(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """The result as a future of the running loop, which cannot be cancelled."""
        loop = asyncio.get_running_loop()
        future: Held[T] = Held(loop=loop)  # `Held[T]()` would note the type in every one

        def job() -> None:
            try:
                settle: Callable[[], None] = _result(future, function(*args, **kwargs))
            except BaseException as error:  # the boundary of a thread: whoever began the job gets the error
                settle = _error(future, error)
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle)

        self._queue(job)
        return future

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See `Executor`, for work that no loop waits for."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:  # as above
                future.set_exception(error)

        self._queue(job)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more jobs; those that are queued are done all the same."""
        if not self._is_closed:
            self._is_closed = True
            for _ in self._threads:
                self._jobs.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _queue(self, job: Callable[[], None]) -> None:
        if self._is_closed:
            raise RuntimeError(f"the threads {self._name} have been shut down")
        if not self._threads:
            names = (f"{self._name}_{number}" for number in range(self._count))
            self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]
            for thread in self._threads:
                thread.start()
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # what it refers to must not live until the next one comes


async def in_thread(threads: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call in a thread and stay while it is at work. A cancellation meanwhile is raised when it has ended."""
    if isinstance(threads, Threads):
        future = threads.begin(function, *args, **kwargs)
    else:
        future = asyncio.wrap_future(threads.submit(function, *args, **kwargs))
    if await settle(future):
        future.exception()  # so that asyncio does not report it as never looked at
        raise asyncio.CancelledError
    return future.result()


async def settle(future: "asyncio.Future[Any]") -> bool:
    """Wait until the future is done, whatever happens; True if this task was cancelled meanwhile."""
    was_cancelled = False
    if isinstance(future, Held) and not future.done():
        try:
            await future
        except asyncio.CancelledError:
            was_cancelled = True  # asyncio raises it only now that the future is done
        except BaseException:  # the future's own, which its `result` tells
            return False
    while not future.done():
        waiter: asyncio.Future[None] = future.get_loop().create_future()

        def wake(_: object, waiter: "asyncio.Future[None]" = waiter) -> None:
            if not waiter.done():
                waiter.set_result(None)

        future.add_done_callback(wake)
        try:
            await waiter
        except asyncio.CancelledError:
            was_cancelled = True
        finally:
            future.remove_done_callback(wake)
    return was_cancelled


def _result(future: "asyncio.Future[T]", value: T) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_result(value)


def _error(future: "asyncio.Future[Any]", error: BaseException) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_exception(error)
