"""What comes out of a pipe: lines, an end, and never more than fits."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from tests.fakes.loop_time import time_stands_still
from tests.fakes.patience import PATIENCE_S

from crossdock.adapters.host.functions.output import (
    BURST,
    MAX_LINE,
    PAUSE_S,
    RATE,
    SLOWED_DOWN,
    TAIL,
    OutputPipe,
)


class Printer:
    """The other end of the pipe, and what was made of it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.said = asyncio.Event()
        self.pipe = OutputPipe(now_ms=lambda: 7, sink=self.take)
        self.fd = os.dup(self.pipe.write_fd)
        self.pipe.close_write()

    def take(self, lines) -> None:
        assert all(moment == 7 for moment, _ in lines)
        self.lines.extend(text for _, text in lines)
        self.said.set()

    def say(self, text: str) -> None:
        os.write(self.fd, text.encode())


@pytest.fixture
async def printer() -> AsyncIterator[Printer]:
    printer = Printer()
    yield printer
    printer.pipe.close()
    os.close(printer.fd)


async def test_lines_are_whole_however_they_arrive(printer: Printer):
    for piece in ("on", "e\ntw", "o\n", "\nthree"):
        printer.say(piece)
        printer.pipe.drain()
    assert printer.lines == ["one", "two", ""]
    printer.pipe.flush()
    assert printer.lines[-1] == "three"


async def test_a_platform_line_comes_after_all_that_was_printed_before_it(printer: Printer):
    printer.say("no end")
    printer.pipe.note("END RequestId: r-1")
    assert printer.lines == ["no end", "END RequestId: r-1"]
    assert printer.pipe.tail() == b"no end\nEND RequestId: r-1\n"


async def test_a_traceback_stays_one_event(printer: Printer):
    printer.say("[ERROR] ValueError\rTraceback\r  File\n")
    printer.pipe.drain()
    assert printer.lines == ["[ERROR] ValueError\nTraceback\n  File"]


async def test_what_is_no_text_is_shown_as_well_as_it_goes(printer: Printer):
    os.write(printer.fd, b"\xff\xfe binary\n")
    printer.pipe.drain()
    assert printer.lines == ["\ufffd\ufffd binary"]


async def test_the_tail_is_bounded_and_begins_anew(printer: Printer):
    printer.say("x" * (TAIL + 10) + "\n")
    printer.pipe.drain()
    assert len(printer.pipe.tail()) == TAIL
    printer.pipe.begin_tail()
    assert printer.pipe.tail() == b""


async def test_a_line_without_end_is_cut(printer: Printer):
    rest = MAX_LINE + 5
    while rest:
        size = min(rest, 32 * 1024)
        printer.say("y" * size)
        printer.pipe.drain()
        rest -= size
    printer.pipe.flush()
    assert [len(line) for line in printer.lines] == [MAX_LINE, 5]


async def test_a_line_is_cut_at_the_same_place_when_its_end_comes_with_the_piece_that_is_too_much(printer: Printer):
    for size in (32 * 1024,) * 7 + (32 * 1024 - 5,):
        printer.say("y" * size)
        printer.pipe.drain()
    printer.say("y" * 15 + "\nnext\n")
    printer.pipe.drain()
    assert [len(line) for line in printer.lines] == [MAX_LINE, 10, 4]


async def test_the_loop_empties_the_pipe_without_being_asked(printer: Printer):
    printer.say("unasked\n")
    async with asyncio.timeout(PATIENCE_S):
        await printer.said.wait()
    assert printer.lines == ["unasked"]


PIPE = 64 * 1024
"""What lies in a pipe without a reader, and what is read at once."""


async def print_all(printer: Printer, piece: bytes, size: int) -> tuple[int, float]:
    """Print pieces as fast as they are taken, on a machine that needs no time for it: how many bytes, and how long that
    took in seconds."""
    os.set_blocking(printer.fd, False)
    loop = asyncio.get_running_loop()
    written = 0
    with time_stands_still() as let_pass:
        began = loop.time()
        while written < size:
            try:
                written += os.write(printer.fd, piece)
            except BlockingIOError:
                await asyncio.sleep(0)
                if printer.pipe._pause:
                    let_pass(PAUSE_S)
        took_s = loop.time() - began
    printer.pipe.flush()
    return written, took_s


async def print_much(printer: Printer, size: int) -> float:
    """Print about as many bytes; how long it took."""
    written, took_s = await print_all(printer, b"z" * 1023 + b"\n", size)
    printed = [text for text in printer.lines if text != SLOWED_DOWN]
    assert sum(len(text) + 1 for text in printed) == written
    assert {len(text) for text in printed} == {1023}
    return took_s


async def test_one_that_prints_without_end_is_slowed_down_and_not_lost(printer: Printer):
    assert await print_much(printer, BURST + 2 * PIPE + int(RATE * PAUSE_S)) >= PAUSE_S


async def test_one_that_prints_a_few_megabytes_at_once_does_not_wait_for_them(printer: Printer):
    assert await print_much(printer, BURST - PIPE) == 0
    assert SLOWED_DOWN not in printer.lines


async def test_the_log_says_once_an_invocation_that_a_function_is_slowed_down(printer: Printer):
    await print_much(printer, BURST + 3 * PIPE)
    assert printer.lines.count(SLOWED_DOWN) == 1
    assert 3 < printer.lines.index(SLOWED_DOWN) < len(printer.lines) - 1
    printer.lines.clear()
    printer.pipe.begin_tail()
    await print_much(printer, 4 * PIPE)
    assert printer.lines.count(SLOWED_DOWN) == 1


async def test_a_line_is_not_cut_where_its_printer_is_slowed_down(printer: Printer):
    await print_all(printer, b"y" * 4096, BURST + 2 * PIPE)
    assert SLOWED_DOWN in printer.lines
    assert {len(text) for text in printer.lines[:-1] if text != SLOWED_DOWN} == {MAX_LINE}


async def test_the_end_of_the_output_closes_the_pipe():
    printer = Printer()
    printer.say("last words")
    os.close(printer.fd)
    async with asyncio.timeout(PATIENCE_S):
        await printer.said.wait()
    assert printer.lines == ["last words"]
    printer.pipe.note("REPORT")
    assert printer.lines[-1] == "REPORT"
