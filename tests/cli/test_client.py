"""What a command says when the service is not there, or not what it should be."""

import socket
from pathlib import Path

import click
import pytest
from tests.fakes.control import control_service

from crossdock.cli.client import ask_service
from crossdock.operations.socket_paths import bindable


def refused(data_dir, **options) -> str:
    with pytest.raises(click.ClickException) as refusal:
        ask_service(data_dir, "/endpoints", **options)
    assert refusal.value.exit_code == 1
    return refusal.value.message


@pytest.mark.parametrize("make", ["nothing", "directory", "file", "socket of a service that was killed"])
def test_without_a_service_the_sentence_says_how_to_start_one(tmp_path, make):
    data_dir = tmp_path / "data"
    if make == "directory":
        data_dir.mkdir()
    elif make == "file":
        data_dir.touch()
    elif make.startswith("socket"):
        (data_dir / "run").mkdir(parents=True)
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(data_dir / "run" / "control.sock"))
        left.close()
    assert refused(data_dir) == (
        f"no Crossdock service runs in {data_dir}: start one with `crossdock serve --data-dir {data_dir}`, "
        "or name another directory with --data-dir or CROSSDOCK_DATA_DIR"
    )


def test_a_service_that_does_not_answer_is_not_waited_for_for_ever(tmp_path):
    (tmp_path / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "run" / "control.sock"))
        silent.listen()
        assert "did not answer within 0.05 s" in refused(tmp_path, timeout_s=0.05)


@pytest.mark.parametrize("answer", [b"404: Not Found", b"\xff", (500, b"oops")])
def test_an_answer_that_is_no_answer_is_a_sentence(tmp_path, answer):
    with control_service(tmp_path / "data", {"/endpoints": answer}):
        assert "is it of the same version?" in refused(tmp_path / "data")


@pytest.mark.parametrize("answer", [(500, {}), (503, [])])
def test_a_refusal_without_a_sentence_gets_one(tmp_path, answer):
    with control_service(tmp_path / "data", {"/endpoints": answer}):
        assert refused(tmp_path / "data") == f"the Crossdock service answered with the status {answer[0]}"


@pytest.mark.parametrize("extra", [0, 1, 60])
def test_a_data_directory_may_lie_as_deep_as_it_likes(tmp_path, extra):
    """The kernel takes 107 bytes for a socket's path; the boundary, one more, and many more."""
    room = 107 + extra - len(str(tmp_path / "x" / "run" / "control.sock")) + 1
    data_dir = tmp_path / Path("x" * room)
    assert len(str(data_dir / "run" / "control.sock")) == 107 + extra
    with control_service(data_dir, {"/endpoints": ["deep"]}):
        assert ask_service(data_dir, "/endpoints") == ["deep"]


def test_a_short_path_is_used_as_it_is_and_a_long_one_through_its_directory(tmp_path):
    with bindable(Path("/run/x.sock")) as name:
        assert name == "/run/x.sock"
    deep = tmp_path / ("ü" * 60) / "run"
    deep.mkdir(parents=True)
    with bindable(deep / "control.sock") as name:
        assert name.startswith("/proc/self/fd/")
        assert Path(name).parent.resolve() == deep
