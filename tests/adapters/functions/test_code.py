"""Archives on disk and their unpacked form."""

import asyncio
import os
from pathlib import Path

import pytest
from tests.fakes.functions import archive, spec

from crossdock.adapters.host.functions.code import ArchiveFiles, UnpackedCode, remove_tree
from crossdock.core.archives import BadArchive
from crossdock.core.errors import NotFound


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("*"))


def modes(directory: Path) -> dict[str, int]:
    return {str(path.relative_to(directory)): path.stat().st_mode & 0o7777 for path in directory.rglob("*")}


async def test_an_archive_is_kept_found_and_forgotten(tmp_path: Path):
    files = ArchiveFiles(tmp_path / "archives", entropy=os.urandom)
    archive_id = await files.put(b"zip")
    assert await ArchiveFiles(tmp_path / "archives", entropy=os.urandom).get(archive_id) == b"zip"
    await files.delete(archive_id)
    await files.delete(archive_id)
    with pytest.raises(NotFound):
        await files.get(archive_id)


async def test_the_sweep_keeps_what_is_in_use_and_nothing_else(tmp_path: Path):
    files = ArchiveFiles(tmp_path, entropy=os.urandom)
    kept, lost = await files.put(b"1"), await files.put(b"2")
    (tmp_path / "abcd.part").write_bytes(b"half")
    assert await files.sweep({kept}) == 2
    assert await files.get(kept) == b"1"
    with pytest.raises(NotFound):
        await files.get(lost)


async def test_code_lies_unpacked_as_long_as_somebody_uses_it(tmp_path: Path):
    code = UnpackedCode(tmp_path)
    function = spec("X = 1")
    first, second = await asyncio.gather(*(code.acquire(function, gid=None) for _ in range(2)))
    assert first == second
    assert names(first) == ["index.py"]
    await code.release(function)
    assert names(first) == ["index.py"]
    await code.release(function)
    assert names(tmp_path) == []
    again = await code.acquire(function, gid=None)
    assert names(again) == ["index.py"]


async def test_unpacked_code_is_read_only(tmp_path: Path):
    code = UnpackedCode(tmp_path)
    path = await code.acquire(spec("", code=archive({"a/b/c.py": "", "index.py": ""})), gid=None)
    assert modes(path) == {"a": 0o550, "a/b": 0o550, "a/b/c.py": 0o440, "index.py": 0o440}


async def test_a_bad_archive_leaves_nothing_and_the_next_try_begins_anew(tmp_path: Path):
    code = UnpackedCode(tmp_path)
    bad, good = spec("", revision="1", code=b"no zip"), spec("X = 1", revision="1")
    results = await asyncio.gather(*(code.acquire(bad, gid=None) for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results] == [BadArchive] * 2
    assert names(tmp_path) == []
    assert names(await code.acquire(good, gid=None)) == ["index.py"]


def test_a_tree_is_removed_whatever_modes_and_links_it_holds(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "link").symlink_to(outside)
    (tree / "a" / "b").chmod(0)
    (tree / "a").chmod(0)
    outside.chmod(0o500)
    remove_tree(tree)
    remove_tree(tree)
    assert names(tmp_path) == ["outside"]
    assert names(outside) == ["kept"]
    assert outside.stat().st_mode & 0o777 == 0o500
