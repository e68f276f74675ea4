"""Interpreters of functions that cannot be meant end the start."""

import sys

import pytest

from crossdock.app.interpreters import require_interpreters
from crossdock.settings import BadSetting


def test_an_interpreter_that_is_there_will_do():
    require_interpreters({})
    require_interpreters({"python3.11": sys.executable})


@pytest.mark.parametrize(
    ("name", "sentence"), [("missing", "does not exist"), ("", "is no program"), ("text", "is no program")]
)
def test_one_that_cannot_be_run_is_told_with_its_runtime(tmp_path, name, sentence):
    (tmp_path / "text").write_text("#!/bin/sh\n")
    with pytest.raises(BadSetting, match=rf"^lambda\.runtimes: the interpreter of python3\.12, .*{name}, {sentence}"):
        require_interpreters({"python3.11": sys.executable, "python3.12": str(tmp_path / name)})
