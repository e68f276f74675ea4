"""scripts/go-build, with a Go that does nothing but what it is told to say."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "go-build"
GO = """#!/bin/sh
echo "$1" >>"$SAID"
case $1 in
env) echo "$GO_IS" ;;
mod) printf '{\\n\\t"Dir": "%s",\\n\\t"Sum": "h1:right="\\n}\\n' "$MODULE" ;;
list) [ -z "$UNREACHED" ] ;;
build) while [ "$1" != -o ]; do shift; done; [ -z "$BREAKS" ] && echo program >"$2" ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/go").write_text(GO)
    (tmp_path / "bin/go").chmod(0o755)
    return tmp_path


def build(
    folder: Path,
    *,
    go: str = "go1.26.8",
    sum: str = "h1:right=",
    breaks: str = "",
    unreached: str = "",
    version: str = "v1",
):
    paths = f"{folder / 'bin'}:{os.defpath}" if go else os.defpath
    variables: Mapping[str, str] = {
        "PATH": paths,
        "GO_IS": go,
        "MODULE": str(folder),
        "SAID": str(folder / "said"),
        "BREAKS": breaks,
        "UNREACHED": unreached,
    }
    command = [str(SCRIPT), "example.org/module", version, sum, "cmd", "1.26.6", str(folder / "built/program")]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)


def test_a_program_is_built_once(folder: Path):
    for _ in range(2):
        assert build(folder).returncode == 0
    assert (folder / "built/program").read_text() == "program\n"
    assert (folder / "built/.complete").read_text() == "example.org/module/cmd v1 h1:right=\n"
    assert (folder / "said").read_text().split() == ["env", "mod", "list", "build"]
    assert sorted(path.name for path in (folder / "built").iterdir()) == [".complete", "program"]


@pytest.mark.parametrize(("go", "has"), [("", "none"), ("go1.26.5", "1.26.5"), ("go1.9", "1.9")])
def test_without_such_a_go_it_is_said_and_kept_why(folder: Path, go: str, has: str):
    done = build(folder, go=go)
    sentence = f"example.org/module is built by Go 1.26.6 or newer, and this machine has {has}\n"
    assert (done.returncode, done.stderr) == (3, sentence)
    assert (folder / "built/.lacking").read_text() == sentence
    assert build(folder, go="go1.27rc1").returncode == 0
    assert not (folder / "built/.lacking").exists()


def test_what_cannot_be_fetched_is_said_and_kept_too(folder: Path):
    done = build(folder, unreached="yes")
    sentence = "what example.org/module v1 is built from cannot be fetched here\n"
    assert (done.returncode, done.stderr) == (3, sentence)
    assert (folder / "built/.lacking").read_text() == sentence


def test_what_is_there_is_not_lacking_when_another_version_could_not_be_had(folder: Path):
    build(folder)
    assert build(folder, version="v2", unreached="yes").returncode == 3
    assert build(folder).returncode == 0
    assert not (folder / "built/.lacking").exists()
    (folder / "built/program").unlink()
    assert build(folder).returncode == 0
    assert (folder / "built/program").exists()


def test_a_module_with_another_hash_is_not_built(folder: Path):
    done = build(folder, sum="h1:other=")
    assert done.returncode == 1
    assert "has the hash h1:right=, and h1:other= was wanted" in done.stderr
    assert list((folder / "built").iterdir()) == []


def test_a_build_that_fails_leaves_what_was_there(folder: Path):
    build(folder)
    assert build(folder, version="v2", breaks="yes").returncode != 0
    assert (folder / "built/program").read_text() == "program\n"
    assert (folder / "built/.complete").read_text().split()[1] == "v1"
    assert sorted(path.name for path in (folder / "built").iterdir()) == [".complete", "program"]
