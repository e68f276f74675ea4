"""What people do with their clients, over FTP, FTPS and SFTP, byte by byte."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.clients import able
from tests.e2e.quay import Quay, open_quay
from tests.e2e.scripted_clients import Curl

NAMES = ("a.csv", "with two spaces.csv", "größe 数据.csv")
OTHERS = ("notes.txt", "csv", "a.csv.bak")
SIZES = (0, 1, 70_000, 3_000_001)
SOME = random.Random(1).randbytes(3_000_001)


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    variables = {"CROSSDOCK_LOGIN_FAILURE_DELAY_S": "0"}
    with open_quay(tmp_path_factory.mktemp("quay"), variables=variables, with_sftp=True) as running:
        yield running


@pytest.fixture
def folder(quay: Quay, tmp_path: Path) -> str:
    """A directory of the user's home, of this test's own."""
    quay.put(f"{tmp_path.name}/", b"")
    return tmp_path.name


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """One of each size, under names that need care."""
    (tmp_path / "files").mkdir()
    found = [tmp_path / "files" / name for name in (*NAMES, "empty one")]
    for file, size in zip(found, reversed(SIZES), strict=True):
        file.write_bytes(SOME[:size])
    return found


@able("names")
def test_who_has_the_password_or_key_is_let_in_and_nobody_else(
    quay: Quay, client: Any, folder: str, request: pytest.FixtureRequest
) -> None:
    quay.put(f"{folder}/{NAMES[2]}", b"x")
    assert client.names(folder) == [NAMES[2]]
    stranger = request.node.callspec.params["client"].stranger(quay, client.cwd)
    with pytest.raises(Exception, match=r"530|[Ll]ogin (failed|incorrect)|[Dd]enied|not accepted for login|uthenticat"):
        stranger.names(folder)


@able("names")
def test_a_listing_shows_files_and_directories_under_their_names(quay: Quay, client: Any, folder: str) -> None:
    for name in (*NAMES, "sub directory/"):
        quay.put(f"{folder}/{name}", b"")
    assert sorted(client.names(folder)) == sorted((*NAMES, "sub directory"))


@able("put")
def test_files_go_up_whole(quay: Quay, client: Any, folder: str, files: list[Path]) -> None:
    client.put(files, folder)
    assert quay.keys(f"{folder}/") == sorted([f"{folder}/", *(f"{folder}/{file.name}" for file in files)])
    for file in files:
        assert quay.content(f"{folder}/{file.name}") == file.read_bytes()


@able("get")
@pytest.mark.parametrize("name", NAMES[1:])
def test_a_file_comes_down_whole(quay: Quay, client: Any, folder: str, tmp_path: Path, name: str) -> None:
    quay.put(f"{folder}/{name}", SOME)
    client.get(f"{folder}/{name}", tmp_path / "taken.csv")
    assert (tmp_path / "taken.csv").read_bytes() == SOME


@able("resume")
@pytest.mark.parametrize("there", [1, 3_000_000])
def test_a_download_goes_on_where_it_stopped(quay: Quay, client: Any, folder: str, tmp_path: Path, there: int) -> None:
    """What is there already is given other bytes, so that it shows that they were not fetched again."""
    quay.put(f"{folder}/{NAMES[1]}", SOME)
    local = tmp_path / NAMES[1]
    local.write_bytes(b"\0" * there)
    client.resume(f"{folder}/{NAMES[1]}", local)
    assert local.read_bytes() == b"\0" * there + SOME[there:]


@pytest.mark.parametrize("protection", ["", "1.2", "1.3"])
def test_one_curl_fetches_one_file_after_the_other(quay: Quay, folder: str, tmp_path: Path, protection: str) -> None:
    """Over one control connection; under TLS 1.3 each ticket resumes one data connection."""
    names = [f"{number}.csv" for number in range(3)]
    wanted = {name: SOME[: 1000 * number] for number, name in enumerate(names)}
    curl = Curl(quay, protection, tmp_path, quay.password)
    words = []
    for name in names:
        quay.put(f"{folder}/{name}", wanted[name])
        words += ["-o", str(tmp_path / name), curl.url(f"{folder}/{name}")]
    curl.obey(*words)
    assert {name: (tmp_path / name).read_bytes() for name in names} == wanted


@able("get_matching")
def test_a_wildcard_fetches_what_it_matches(quay: Quay, client: Any, folder: str, tmp_path: Path) -> None:
    wanted = {name: SOME[: 1000 + number] for number, name in enumerate(NAMES)}
    for name in (*NAMES, *OTHERS):
        quay.put(f"{folder}/{name}", wanted.get(name, b"unwanted"))
    into = tmp_path / "into"
    into.mkdir()
    client.get_matching(folder, "*.csv", into)
    assert {path.name: path.read_bytes() for path in into.iterdir()} == wanted


@able("get_by_name")
def test_mget_fetches_what_its_pattern_matches(quay: Quay, client: Any, folder: str, tmp_path: Path) -> None:
    wanted = {name: name.encode() for name in NAMES}
    for name in (*NAMES, *OTHERS):
        quay.put(f"{folder}/{name}", name.encode())
    into = tmp_path / "into"
    into.mkdir()
    client.get_by_name(folder, "*.csv", into)
    assert {path.name: path.read_bytes() for path in into.iterdir()} == wanted


@able("get_by_path", "delete_by_path")
@pytest.mark.parametrize("pattern", ["x.csv", "x*"])
def test_what_is_named_with_its_directory_is_fetched_and_deleted_there(
    quay: Quay, client: Any, folder: str, tmp_path: Path, pattern: str
) -> None:
    """And not the file of that name in the directory that the client is in."""
    quay.put(f"{folder}/x.csv", b"meant")
    quay.put("x.csv", b"not meant")
    into = tmp_path / "into"
    (into / folder).mkdir(parents=True)  # some clients keep the directory
    client.get_by_path(f"{folder}/{pattern}", into)
    assert [path.read_bytes() for path in into.rglob("x.csv")] == [b"meant"]
    client.delete_by_path(f"{folder}/{pattern}")
    assert quay.keys(f"{folder}/") == [f"{folder}/"]
    assert quay.content("x.csv") == b"not meant"


@able("rename")
def test_a_file_gets_another_name_and_keeps_its_bytes(quay: Quay, client: Any, folder: str) -> None:
    quay.put(f"{folder}/{NAMES[1]}", SOME)
    client.rename(f"{folder}/{NAMES[1]}", f"{folder}/{NAMES[2]}")
    assert quay.keys(f"{folder}/") == [f"{folder}/", f"{folder}/{NAMES[2]}"]
    assert quay.content(f"{folder}/{NAMES[2]}") == SOME


@able("delete")
def test_a_file_is_deleted_and_the_others_stay(quay: Quay, client: Any, folder: str) -> None:
    for name in NAMES:
        quay.put(f"{folder}/{name}", b"x")
    client.delete(f"{folder}/{NAMES[2]}")
    client.delete(f"{folder}/{NAMES[1]}")
    assert quay.keys(f"{folder}/") == [f"{folder}/", f"{folder}/{NAMES[0]}"]


@able("make_directory", "remove_directory")
def test_a_directory_is_made_and_removed(quay: Quay, client: Any, folder: str) -> None:
    made = f"{folder}/größe of it"
    client.make_directory(made)
    assert quay.keys(f"{folder}/") == [f"{folder}/", f"{made}/"]
    client.remove_directory(made)
    assert quay.keys(f"{folder}/") == [f"{folder}/"]


@able("put_tree", "get_tree")
def test_a_tree_goes_up_and_comes_down(quay: Quay, client: Any, folder: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    wanted = {
        Path("one"): b"1",
        Path("sub dir/größe"): SOME[:100_000],
        Path("sub dir/b/empty"): b"",
        Path("d/two"): b"2",
    }
    for path, content in wanted.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
    client.put_tree(tree, f"{folder}/up")
    files = [key for key in quay.keys(f"{folder}/up/") if not key.endswith("/")]
    assert {Path(key).relative_to(f"{folder}/up"): quay.content(key) for key in files} == wanted
    client.get_tree(f"{folder}/up", tmp_path / "back")
    back = [path for path in (tmp_path / "back").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "back"): path.read_bytes() for path in back} == wanted


@able("resume_upload")
def test_an_upload_is_not_resumed_unless_that_is_allowed(
    quay: Quay, client: Any, folder: str, files: list[Path]
) -> None:
    quay.put(f"{folder}/there", b"begun")
    with pytest.raises((AssertionError, OSError), match=r"[Uu]nsupported|[Nn]ot supported"):
        client.resume_upload(files[0], f"{folder}/there")
    assert quay.content(f"{folder}/there") == b"begun"
    assert quay.open_uploads() == []
