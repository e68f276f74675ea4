"""An asyncssh whose inside has changed is noticed, by this test and by the service."""

import logging
import re
from pathlib import Path

import pytest

from crossdock.sftp import fast_reliance
from crossdock.sftp.fast_path import FastPaths
from crossdock.sftp.fast_reliance import RELIED_ON, deviations, digest, fast_paths, text


def test_asyncssh_is_as_the_fast_path_expects_it():
    """When this fails after an upgrade: see the docstring of `fast_reliance.py` for what to do."""
    assert deviations(RELIED_ON) == []


def test_fast_paths_are_made_of_an_asyncssh_that_is_as_expected():
    assert isinstance(fast_paths(), FastPaths)


def test_a_text_that_has_changed_and_a_name_that_has_gone_are_told():
    known = next(iter(RELIED_ON))
    wanting = {
        known: "0123456789abcdef",
        "asyncssh.connection:SSHConnection._no_such_method": "",
        "asyncssh.connection:NoSuchClass.method": "",
        "asyncssh.no_such_module:name": "",
        "asyncssh.constants:MSG_IGNORE": "",  # has no text of its own
    }
    assert deviations(wanting | {"asyncssh.mac:MAC": RELIED_ON["asyncssh.mac:MAC"]}) == list(wanting)
    assert digest("asyncssh.no_such_module:name") is None


def test_without_what_it_expects_there_is_no_fast_path_but_a_warning(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING)
    assert fast_paths({"asyncssh.connection:SSHConnection._recv_packet": "0123456789abcdef"}) is None
    [record] = caplog.records
    assert record.deviating == ["asyncssh.connection:SSHConnection._recv_packet"]
    assert "fast path" in record.getMessage()


def test_every_private_name_that_the_fast_path_uses_is_in_a_text_that_is_watched():
    used = set()
    for path in Path(fast_reliance.__file__).parent.glob("fast_*.py"):
        used |= set(re.findall(r"\b(?:conn|chan|cipher|encryption|mac|_theirs)\.(_[a-z]\w*)", path.read_text()))
    assert len(used) > 20
    watched = "".join(text(name) or "" for name in RELIED_ON)
    assert sorted(name for name in used if name not in watched) == []
