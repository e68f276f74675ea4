"""What /proc says, and what strace does."""

import os
from pathlib import Path

import pytest
from bench.harness.procfs import ProcessStat, covered_s, parse_busy, parse_kib, parse_stat, tree
from bench.harness.strace_log import spans


def stat_line(pid, name, parent, *, user=0, system=0, children=0):
    return f"{pid} ({name}) S {parent} 1 1 0 -1 4194304 9 9 9 9 {user} {system} {children} 0 20 0 1 0 100 0 0"


def stats(**parents):
    return [ProcessStat(pid=int(pid[1:]), parent=parent, ticks=0) for pid, parent in parents.items()]


def test_a_stat_line_gives_the_parent_and_all_ticks():
    found = parse_stat(stat_line(7, "vsftpd", 3, user=11, system=22, children=5))
    assert (found.pid, found.parent, found.ticks) == (7, 3, 38)


@pytest.mark.parametrize("name", ["a b", "a) (b", "((", ")) S 9"])
def test_a_name_may_hold_spaces_and_parentheses(name):
    assert parse_stat(stat_line(7, name, 3, user=1)).parent == 3


def test_this_process_can_be_read():
    found = parse_stat(Path("/proc/self/stat").read_text())
    assert (found.pid, found.parent) == (os.getpid(), os.getppid())


def test_a_tree_has_all_descendants_and_nobody_else():
    found = tree(stats(p1=0, p2=1, p3=2, p4=1, p5=0, p6=5), 1)
    assert sorted(stat.pid for stat in found) == [1, 2, 3, 4]


def test_a_process_that_is_gone_has_no_tree():
    assert tree(stats(p1=0), 9) == []


def test_kilobytes_are_read_by_name_and_other_lines_passed_over():
    text = "5593-7fff ---p 00000000 00:00 0   [rollup]\nRss:    1764 kB\nPss:     235 kB\nThreads:\t1\n"
    assert parse_kib(text) == {"Rss": 1764, "Pss": 235}


def test_a_machine_is_busy_but_for_idling_and_waiting_for_disks():
    assert parse_busy("cpu  1 2 4 1000 2000 8 16 3000 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n") == 31


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], 0.0),
        ([(1.0, 2.0), (4.0, 5.0)], 2.0),
        ([(1.0, 3.0), (2.0, 4.0)], 3.0),
        ([(1.0, 9.0), (2.0, 3.0)], 8.0),
        ([(-5.0, 1.0), (9.0, 99.0)], 2.0),
        ([(-5.0, -1.0), (11.0, 12.0)], 0.0),
    ],
)
def test_time_that_spans_share_counts_once_and_only_between_the_ends(given, expected):
    assert covered_s(given, 0.0, 10.0) == pytest.approx(expected)


def test_strace_tells_the_beginning_of_a_call_or_the_end_of_a_resumed_one():
    lines = [
        "101 1000.500000 fsync(12) = 0 <0.250000>",
        "102 1000.600000 fdatasync(9 <unfinished ...>",
        "101 1000.700000 +++ exited with 0 +++",
        "102 1002.000000 <... fdatasync resumed>) = 0 <1.400000>",
        "1003.000000 fsync(3) = -1 EIO (Input/output error) <0.500000>",
    ]
    assert spans(lines) == [
        pytest.approx((1000.5, 1000.75)),
        pytest.approx((1000.6, 1002.0)),
        pytest.approx((1003.0, 1003.5)),
    ]
