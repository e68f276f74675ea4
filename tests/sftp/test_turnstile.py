"""Strangers are heard one in a turn of the loop, in the order in which they came."""

import asyncio

import pytest
from tests.fakes.patience import eventually

from crossdock.sftp.turnstile import Turnstile


async def test_everybody_else_is_served_between_two_strangers() -> None:
    heard: list[str] = []
    loop = asyncio.get_running_loop()

    def somebody_else() -> None:
        heard.append("-")
        if heard.count("-") < 20:
            loop.call_soon(somebody_else)

    turnstile = Turnstile()
    for name in "abc":
        turnstile.enter(lambda name=name: heard.append(name))  # type: ignore[misc]
    loop.call_soon(somebody_else)
    await eventually(lambda: heard.count("-") == 20)
    assert "".join(heard).rstrip("-") == "a-b-c"


async def test_who_comes_again_during_a_turn_waits_behind_the_others() -> None:
    heard: list[str] = []
    turnstile = Turnstile()

    def first() -> None:
        heard.append("first")
        if len(heard) == 1:
            turnstile.enter(first)

    turnstile.enter(first)
    turnstile.enter(lambda: heard.append("second"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert heard == ["first", "second", "first"]


async def test_a_turn_that_fails_keeps_nobody_waiting() -> None:
    heard: list[str] = []
    loop = asyncio.get_running_loop()
    told: list[object] = []
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    turnstile = Turnstile()

    def fail() -> None:
        raise ValueError("a mistake")

    turnstile.enter(fail)
    turnstile.enter(lambda: heard.append("next"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert heard == ["next"]
    with pytest.raises(ValueError, match="a mistake"):
        raise told[0]  # type: ignore[misc]
