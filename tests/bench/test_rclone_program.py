"""Which rclone the benchmarks take of those that scripts/install-peers may have put there."""

from pathlib import Path

import pytest
from bench.harness.servers.rclone_program import rclone_in
from bench.harness.servers.running import Unavailable


def unpack(peers: Path) -> None:
    (peers / "rclone/usr/bin").mkdir(parents=True)
    (peers / "rclone/usr/bin/rclone").touch()
    (peers / "rclone/.has-rclone").write_text("1.60.1+dfsg-2\n")


def build(peers: Path) -> None:
    (peers / "rclone-go").mkdir()
    (peers / "rclone-go/.complete").write_text("github.com/rclone/rclone/. v1.76.0 h1:x=\n")


def test_what_go_has_built_is_taken_before_debians(tmp_path):
    unpack(tmp_path)
    build(tmp_path)
    found = rclone_in(tmp_path)
    assert (found.program, found.version, found.without_ftp) == (tmp_path / "rclone-go/rclone", "1.76.0", "")


def test_debians_has_no_ftp_and_a_sentence_says_so(tmp_path):
    unpack(tmp_path)
    found = rclone_in(tmp_path)
    assert (found.program, found.version) == (tmp_path / "rclone/usr/bin/rclone", "1.60.1+dfsg-2")
    assert "no Go to build another" in found.without_ftp


def test_where_there_is_none_it_is_said_how_to_get_it(tmp_path):
    with pytest.raises(Unavailable, match="run scripts/install-peers"):
        rclone_in(tmp_path)
