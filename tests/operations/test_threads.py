import asyncio
import threading

import pytest

from crossdock.operations.threads import Held, Threads, in_thread, settle


async def test_results_and_errors_come_back():
    with Threads(2, name="test") as threads:
        assert await in_thread(threads, pow, 2, 10) == 1024
        with pytest.raises(ZeroDivisionError):
            await in_thread(threads, divmod, 1, 0)
        assert threads.submit(pow, 2, 3).result() == 8
        with pytest.raises(ZeroDivisionError):
            threads.submit(divmod, 1, 0).result()


async def test_there_are_no_more_threads_than_said_and_none_before_the_first_job():
    names: set[str] = set()
    before = threading.active_count()
    with Threads(2, name="few") as threads:
        assert threading.active_count() == before
        await asyncio.gather(
            *(in_thread(threads, lambda: names.add(threading.current_thread().name)) for _ in range(100))
        )
        assert names <= {"few_0", "few_1"}
        assert threading.active_count() == before + 2
    assert threading.active_count() == before


async def test_a_cancelled_task_stays_until_its_job_has_ended():
    may_end, ended = threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait(10)
        ended.set()

    with Threads(1, name="test") as threads:
        task = asyncio.create_task(in_thread(threads, work))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()


async def test_an_error_of_a_cancelled_job_is_not_reported_as_never_looked_at(caplog: pytest.LogCaptureFixture):
    may_end = threading.Event()

    def work() -> None:
        may_end.wait(10)
        raise ValueError("nobody listens")

    with Threads(1, name="test") as threads:
        task = asyncio.create_task(in_thread(threads, work))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not caplog.records


async def test_settling_says_whether_the_task_was_cancelled_and_asks_the_future_nothing():
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(settle(future))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    future.set_result(1)
    assert await task is True
    assert await settle(future) is False


async def test_jobs_that_are_queued_are_done_before_the_end_and_later_ones_refused():
    done: list[int] = []
    threads = Threads(1, name="test")
    futures = [threads.begin(done.append, number) for number in range(50)]
    threads.shutdown()
    assert done == list(range(50))
    await asyncio.gather(*futures)
    with pytest.raises(RuntimeError, match="shut down"):
        threads.begin(done.append, 0)
    threads.shutdown()


def test_a_loop_that_is_closed_meanwhile_hears_nothing():
    may_end = threading.Event()
    threads = Threads(1, name="test")

    async def begin() -> None:
        threads.begin(may_end.wait, 10)

    asyncio.run(begin())
    may_end.set()
    threads.shutdown()


async def test_who_waits_for_what_is_held_is_not_cut_short():
    future = Held[str](loop=asyncio.get_running_loop())
    waiting = asyncio.create_task(settle(future))
    for _ in range(3):
        await asyncio.sleep(0)
        waiting.cancel()
    assert not waiting.done()
    assert not future.cancelled()
    future.set_result("done")
    assert await waiting is True
    assert await settle(future) is False


async def test_an_error_of_what_is_held_is_left_to_whoever_asks_for_the_result():
    future = Held[str](loop=asyncio.get_running_loop())
    waiting = asyncio.create_task(settle(future))
    await asyncio.sleep(0)
    future.set_exception(ValueError("broken"))
    assert await waiting is False
    with pytest.raises(ValueError, match="broken"):
        future.result()
