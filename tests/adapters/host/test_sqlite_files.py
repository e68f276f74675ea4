"""What is asked of a database before it is opened to be written."""

import sqlite3
from contextlib import closing

import pytest

from crossdock.adapters.host.disk_errors import from_sqlite_error, is_damage
from crossdock.adapters.host.sqlite_files import Durability, has_tables, open_for_writing
from crossdock.core.errors import Unavailable


def test_what_is_missing_or_empty_has_no_tables_and_is_not_made(tmp_path):
    path = tmp_path / "objects.db"
    assert not has_tables(path)
    assert not path.exists()
    path.touch()
    assert not has_tables(path)
    assert path.stat().st_size == 0


def test_tables_count_that_are_in_the_log_alone(tmp_path):
    """As after a kill before the first checkpoint."""
    path = tmp_path / "a name with # and ?.db"
    connection = open_for_writing(path, durability=Durability.DISK, schema="CREATE TABLE t (a);")
    with closing(connection):
        assert has_tables(path)
    assert has_tables(path)


def test_damage_is_told_from_what_may_pass(tmp_path):
    path = tmp_path / "objects.db"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(sqlite3.DatabaseError) as raised:
        has_tables(path)
    damaged = from_sqlite_error(raised.value, path.name)
    damaged.__cause__ = raised.value
    assert is_damage(damaged)
    with pytest.raises(sqlite3.OperationalError) as raised:
        has_tables(tmp_path)
    away = from_sqlite_error(raised.value, path.name)
    away.__cause__ = raised.value
    assert not is_damage(away)
    assert not is_damage(Unavailable("objects.db: file is not a database"))
