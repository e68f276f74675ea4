"""The data directory: whose it is, who uses it, in which format it is."""

import errno
import os
import socket
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from crossdock.adapters.host.data_directory import (
    FORMAT,
    MIGRATIONS,
    DataDirectoryBusy,
    DataDirectoryUnusable,
    open_data_directory,
)
from crossdock.core.errors import OutOfSpace, Unavailable

HOLD = """
import sys
from pathlib import Path
from crossdock.adapters.host.data_directory import open_data_directory
directory = open_data_directory(Path(sys.argv[1]), command="crossdock serve --data-dir x")
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "parent" / "data"


def open_and_close(path, **arguments):
    """As a whole start does, databases and all."""
    directory = open_data_directory(path, command="test", **arguments)
    for database in (directory.state_db, directory.objects_db, directory.logs_db):
        make_database(database)
    directory.finish()
    directory.close()


def make_database(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t (a)")


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_directory_is_closed_to_others_and_to_git_and_knows_its_format(path):
    directory = open_data_directory(path, command="test")
    assert directory.path == path
    assert mode_of(path) == 0o700
    assert (path / ".gitignore").read_text() == "*\n"
    directory.finish()
    assert (path / "format").read_text() == f"{FORMAT}\n"
    assert all(mode_of(path / name) == 0o700 for name in ("run", "keys", "spool", "blobs", "functions", "processes"))
    directory.close()
    directory.close()


def test_everything_has_its_place_below(path):
    directory = open_data_directory(path, command="test")
    places = {
        directory.state_db: "state.db",
        directory.objects_db: "objects.db",
        directory.logs_db: "logs.db",
        directory.blobs: "blobs",
        directory.spool: "spool",
        directory.sealing_key: "keys/sealing.key",
        directory.control_socket: "run/control.sock",
        directory.epoch: "run/epoch",
    }
    assert {place.relative_to(path).as_posix() for place in places} == set(places.values())
    directory.close()


def test_a_second_process_is_told_who_holds_it(path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(DataDirectoryBusy, match=rf"process {holder.pid} \(crossdock serve --data-dir x\)"):
            open_data_directory(path, command="test")
        holder.kill()
        holder.wait()
        open_and_close(path)


def test_a_second_opener_in_the_same_process_is_refused_too(path):
    directory = open_data_directory(path, command="first")
    with pytest.raises(DataDirectoryBusy, match=rf"process {os.getpid()} \(first\)"):
        open_data_directory(path, command="second")
    directory.close()
    open_and_close(path)


def test_a_newer_format_is_refused_and_left_alone(path):
    open_and_close(path)
    (path / "format").write_text(f"{FORMAT + 1}\n")
    with pytest.raises(DataDirectoryUnusable, match=f"has format {FORMAT + 1} and this Crossdock knows formats up to"):
        open_data_directory(path, command="test")
    assert (path / "format").read_text() == f"{FORMAT + 1}\n"


@pytest.mark.parametrize("text", ["", "one", "-1", "1.5"])
def test_a_format_that_is_no_number_is_refused(path, text):
    open_and_close(path)
    (path / "format").write_text(text)
    with pytest.raises(DataDirectoryUnusable, match="does not hold a number"):
        open_data_directory(path, command="test")


def test_an_older_format_is_brought_up_to_date_step_by_step_and_a_crash_begins_again_where_it_was(path):
    done = []

    def second(directory):
        done.append(2)
        if done.count(2) == 1:
            raise OSError("no room")

    migrations = {1: lambda directory: done.append(1), 2: second}
    open_and_close(path, newest=1)
    with pytest.raises(DataDirectoryUnusable, match="no room"):
        open_data_directory(path, command="test", newest=3, migrations=migrations)
    assert (path / "format").read_text() == "2\n"
    open_and_close(path, newest=3, migrations=migrations)
    assert (path / "format").read_text() == "3\n"
    open_and_close(path, newest=3, migrations=migrations)
    assert done == [1, 2, 2]


def test_an_older_crossdock_refuses_what_has_object_ownership(path):
    """It would drop the setting of each bucket at its next change, and show what is another account's."""
    open_and_close(path)
    with pytest.raises(DataDirectoryUnusable, match="has format 3 and this Crossdock knows formats up to 2"):
        open_data_directory(path, command="test", newest=2)


@pytest.mark.parametrize("older", range(1, FORMAT))
def test_a_directory_of_any_older_format_opens(path, older):
    open_and_close(path, newest=older)
    (path / "blobs" / "kept").write_bytes(b"x")
    open_and_close(path)
    assert (path / "format").read_text() == f"{FORMAT}\n"
    assert (path / "blobs" / "kept").read_bytes() == b"x"


def test_there_is_a_migration_from_every_format_since_the_first():
    assert sorted(MIGRATIONS) == list(range(1, FORMAT))


def test_a_format_without_a_migration_is_refused(path):
    open_and_close(path, newest=1)
    with pytest.raises(DataDirectoryUnusable, match="cannot bring up to date"):
        open_data_directory(path, command="test", newest=3, migrations={2: lambda directory: None})


def test_what_the_last_process_left_running_is_cleared_away(path):
    directory = open_data_directory(path, command="test")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(directory.control_socket))
    directory.epoch.write_bytes(bytes(8))
    (directory.spool / "half").mkdir()
    (directory.spool / "half" / "upload").write_bytes(b"x")
    os.symlink(path / "keys", directory.spool / "link")
    (directory.keys / "kept").write_bytes(b"x")
    listener.close()
    directory.close()
    open_and_close(path)
    assert os.listdir(path / "run") == ["lock"]
    assert os.listdir(path / "spool") == []
    assert os.listdir(path / "keys") == ["kept"]


def test_a_directory_that_others_may_enter_is_closed_to_them_and_that_is_said(path, caplog):
    open_and_close(path)
    path.chmod(0o755)
    open_and_close(path)
    assert mode_of(path) == 0o700
    assert "mode 0755" in caplog.text


def test_databases_are_closed_to_others_also_those_that_were_open(path):
    open_and_close(path)
    (path / "state.db").chmod(0o644)
    (path / "state.db-wal").touch(0o644)
    open_and_close(path)
    names = ("state.db", "state.db-wal", "objects.db", "logs.db")
    assert [mode_of(path / name) for name in names] == [0o600] * 4


def test_a_directory_full_of_other_things_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"x")
    tmp_path.chmod(0o755)
    with pytest.raises(DataDirectoryUnusable, match="is no Crossdock data directory"):
        open_data_directory(tmp_path, command="test")
    assert mode_of(tmp_path) == 0o755
    assert os.listdir(tmp_path) == ["photo.jpg"]


def test_a_first_start_that_was_cut_off_can_be_done_again(path):
    path.mkdir(parents=True)
    (path / "run").mkdir()
    (path / "run" / "lock").touch()
    (path / ".format.123").touch()
    open_and_close(path)


@pytest.mark.parametrize("made", [(), ("state.db",), ("state.db", "objects.db", "logs.db")])
def test_a_first_start_that_was_cut_off_before_it_was_finished_can_be_done_again(path, made):
    directory = open_data_directory(path, command="test")
    for name in made:
        make_database(path / name)
    directory.close()
    again = open_data_directory(path, command="test")
    assert again.is_new
    again.close()


def test_a_directory_that_was_finished_is_new_no_more(path):
    open_and_close(path)
    directory = open_data_directory(path, command="test")
    assert not directory.is_new
    directory.finish()
    assert (path / "format").read_text() == f"{FORMAT}\n"
    directory.close()


@pytest.mark.parametrize("name", ["state.db", "objects.db"])
@pytest.mark.parametrize("format_of", range(1, FORMAT + 1))
def test_a_directory_that_lost_a_database_is_refused_and_left_as_it_is(path, name, format_of):
    open_and_close(path, newest=format_of)
    (path / "blobs" / "kept").write_bytes(b"x")
    (path / name).unlink()
    with pytest.raises(DataDirectoryUnusable, match=rf"{path}/{name} is missing.*restore .* from a backup.*begin anew"):
        open_data_directory(path, command="test")
    assert not (path / name).exists()
    assert (path / "format").read_text() == f"{format_of}\n"
    assert (path / "blobs" / "kept").read_bytes() == b"x"


@pytest.mark.parametrize("name", ["state.db", "objects.db"])
def test_a_database_without_anything_in_it_counts_as_lost(path, name):
    """Such as a restore leaves that ended half way, or one without the log that had all its tables."""
    open_and_close(path)
    (path / name).write_bytes(b"")
    (path / f"{name}-wal").write_bytes(b"of the database that was there")
    with pytest.raises(DataDirectoryUnusable, match=f"{name} is empty"):
        open_data_directory(path, command="test")
    assert (path / f"{name}-wal").read_bytes() == b"of the database that was there"
    (path / f"{name}-wal").unlink()
    with closing(sqlite3.connect(path / name)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    assert (path / name).stat().st_size > 0
    with pytest.raises(DataDirectoryUnusable, match=f"{name} is empty"):
        open_data_directory(path, command="test")


@pytest.mark.parametrize("lose", [Path.unlink, lambda file: file.write_bytes(b"")])
def test_lost_log_events_are_told_and_done_without(path, lose, caplog):
    open_and_close(path)
    lose(path / "logs.db")
    open_and_close(path)
    assert "logs.db is missing or empty" in caplog.text


@pytest.mark.parametrize("name", ["state.db", "objects.db", "logs.db"])
def test_a_database_that_is_none_is_named(path, name):
    open_and_close(path)
    (path / name).write_bytes(b"no database" * 100)
    with pytest.raises(Unavailable, match=f"^{name}: file is not a database"):
        open_data_directory(path, command="test")


def test_a_file_in_its_place_is_refused(tmp_path):
    (tmp_path / "data").touch()
    with pytest.raises(DataDirectoryUnusable, match="is a file"):
        open_data_directory(tmp_path / "data", command="test")


def test_the_directory_of_somebody_else_is_refused(path, monkeypatch):
    open_and_close(path)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(DataDirectoryUnusable, match="this process is user 12345"):
        open_data_directory(path, command="test")


def test_a_full_disk_is_out_of_space(path, monkeypatch):
    def fail(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", fail)
    with pytest.raises(OutOfSpace, match="opening the data directory"):
        open_data_directory(path, command="test")


def test_a_disk_that_refuses_is_told_in_a_sentence(tmp_path):
    path = tmp_path / ("x" * 300)
    with pytest.raises(DataDirectoryUnusable, match=f"^cannot use the data directory {path}: File name too long$"):
        open_data_directory(path, command="test")
    (tmp_path / "file").touch()
    with pytest.raises(DataDirectoryUnusable, match="file/data: Not a directory"):
        open_data_directory(tmp_path / "file" / "data", command="test")
