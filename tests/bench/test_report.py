"""Tables, plots, and the part of the page that they are written to."""

import json
from xml.etree import ElementTree

import pytest
from bench.ftp.suite import FTP
from bench.ftp.targets import TARGETS
from bench.harness.figures import Kind, Sample, Spread
from bench.harness.machine import heading
from bench.harness.page import between_markers, markers
from bench.harness.report import as_json, markdown, number, spread_text
from bench.harness.stacks import shares, top_table
from bench.harness.svg import Bars, plot
from bench.harness.telling import PAGE
from bench.s3.suite import S3
from bench.sftp.suite import SFTP

DOWN = Kind(case="down", title="Download", unit="MB/s", per="GiB")
PAIR = Kind(case="down-2", title="Download, 2 streams", unit="MB/s", per="GiB")
SMALL = Kind(case="small-up", title="Small files", unit="files/s", per="file")


def sample(server, value, *, case="down", **more):
    return Sample(case=case, server=server, value=value, **more)


def report(*samples, kinds=(DOWN,), **more):
    given = {"heading": "Of a day.", "versions": {"crossdock": "0.1", "vsftpd": ""}, "problems": [], **more}
    return markdown(kinds, samples, targets=TARGETS, **given)


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1,234"), (100.0, "100"), (99.94, "99.9"), (0.01234, "0.0123"), (0, "0")]
)
def test_figures_have_three_digits_that_mean_something(value, text):
    assert number(value) == text


def test_a_single_run_has_no_range():
    assert spread_text(Spread(median=5.0, low=5.0, high=5.0)) == "5"
    assert spread_text(Spread(median=5.0, low=4.0, high=6.0)) == "5 [4 to 6]"


def test_a_table_has_a_row_a_server_and_the_ratio_in_ours():
    text = report(sample("crossdock", 200, server_cpu_s=0.5, client_cpu_s=0.25), sample("vsftpd", 100))
    assert "| crossdock | 200 | 2.00 | 0.5 | 0.25 |" in text
    assert "| vsftpd | 100 |  |  |  |" in text
    assert "Servers: crossdock 0.1, vsftpd." in text
    assert "| down | at least 1 times the best peer | 2.00 times vsftpd | met |" in text


def test_cpu_of_a_file_is_in_milliseconds():
    text = report(sample("crossdock", 900, case="small-up", server_cpu_s=0.0021), kinds=[SMALL])
    assert "server CPU ms/file" in text
    assert "| crossdock | 900 |  | 2.1 |  |" in text


def test_a_row_with_foreign_load_is_marked_and_the_mark_explained():
    marked = report(sample("crossdock", 200, foreign=0.5))
    assert "| crossdock | 200* |" in marked
    assert "other work took more than 12% of a core" in marked
    assert "*" not in report(sample("crossdock", 200, foreign=0.1)).replace("**", "")


def test_cases_that_were_not_measured_have_no_table():
    assert "Small files" not in report(sample("crossdock", 1), kinds=[DOWN, SMALL])


def test_two_streams_stand_beside_their_ceiling():
    one = sample("vsftpd", 900, server_cpu_s=0.6, client_cpu_s=0.4)
    text = report(one, sample("vsftpd", 1074, case="down-2"), kinds=[DOWN, PAIR])
    assert "| down | vsftpd | 1,074 | 2,147 | 0.50 |" in text


def test_what_was_left_out_and_the_plots_are_told():
    text = report(sample("crossdock", 1), problems=["vsftpd is left out: no"], plots=[("Speed", "benchmarks/a.svg")])
    assert "- vsftpd is left out: no" in text
    assert "![Speed](benchmarks/a.svg)" in text


def test_json_has_the_same_figures():
    found = as_json(
        [DOWN], [sample("crossdock", 50), sample("vsftpd", 100)], targets=TARGETS, versions={}, problems=["a"]
    )
    (case,) = json.loads(json.dumps(found))["cases"]
    assert (case["ratio"], case["best_peer"], len(case["rows"])) == (0.5, "vsftpd", 2)
    assert found["targets"][0]["word"] == "missed by 50%"


BEGIN, END = markers("ftp")


def test_the_page_keeps_what_stands_around_the_markers():
    page = f"# Title\n\n{BEGIN}\nold\n{END}\n\nBy hand.\n"
    written = between_markers(page, "ftp", "new\n")
    assert written == f"# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nBy hand.\n"
    assert between_markers(written, "ftp", "new") == written


def test_each_part_of_the_page_is_written_by_itself():
    page = "\n".join([*markers("sftp"), *markers("ftp")])
    written = between_markers(between_markers(page, "ftp", "files"), "sftp", "more files")
    assert [line for line in written.splitlines() if line] == [
        markers("sftp")[0],
        "more files",
        markers("sftp")[1],
        BEGIN,
        "files",
        END,
    ]


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}", "".join(markers("sftp"))])
def test_a_page_without_the_markers_is_not_written(page):
    with pytest.raises(ValueError, match="once each"):
        between_markers(page, "ftp", "new")


@pytest.mark.parametrize("suite", [FTP, SFTP, S3], ids=["ftp", "sftp", "s3"])
def test_the_page_has_the_markers_of_every_suite(suite):
    assert "a new line" in between_markers(PAGE.read_text(), suite.name, "a new line")


def test_the_heading_tells_with_what_crossdock_was_started():
    text = heading(runs=3, size=1 << 30, clients="a client", serve_args="--workers 2")
    assert "Files of 1 GiB, a client; medians of 3 runs" in text
    assert "Crossdock was started with `--workers 2`." in text
    assert "was started" not in heading(runs=3, size=1 << 30, clients="a client")


def test_a_plot_has_bars_as_long_as_their_values():
    svg = plot("Large files", "MB/s", [Bars(title="Up & down", values={"crossdock": 200.0, "vsftpd": 100.0})])
    root = ElementTree.fromstring(svg)
    name = "{http://www.w3.org/2000/svg}"
    bars = [rect for rect in root.iter(f"{name}rect") if rect.find(f"{name}title") is not None]
    assert [bar.find(f"{name}title").text for bar in bars] == [
        "Up & down, crossdock: 200 MB/s",
        "Up & down, vsftpd: 100 MB/s",
    ]
    assert float(bars[0].get("width")) == 2 * float(bars[1].get("width"))
    assert bars[0].get("fill") != bars[1].get("fill")


def test_a_plot_of_nothing_is_a_picture_still():
    assert ElementTree.fromstring(plot("Nothing", "MB/s", [])).tag.endswith("svg")


def test_a_profile_tells_own_and_inherited_shares_of_the_samples_that_worked():
    lines = ["main;work;sendfile 6\n", "main;work 2\n", "main;epoll_wait (libc.so.6) 90\n", "main;other 2\n", "\n"]
    found = {share.function: (share.own, share.total) for share in shares(lines)}
    assert found == {"sendfile": (0.6, 0.6), "work": (0.2, 0.8), "other": (0.2, 0.2), "main": (0.0, 1.0)}
    table = top_table(shares(lines)).splitlines()
    assert table[1] == "60.0%  60.0%  sendfile"


def test_a_profile_ends_with_crossdocks_own_functions_but_its_commands():
    lines = [
        "main (crossdock/cli/main.py:1);move (crossdock/ftp/data.py:2);sendfile 3",
        "main (crossdock/cli/main.py:1) 1",
    ]
    table = top_table(shares(lines)).splitlines()
    assert table[table.index("") + 2 :] == [" 0.0%  75.0%  move (crossdock/ftp/data.py:2)"]
