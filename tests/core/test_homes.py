"""Where paths lead."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.core.homes import (
    HomeMapping,
    LogicalHome,
    MappingType,
    Nowhere,
    ObjectPlace,
    PathHome,
    VirtualDirectory,
    initial_directory,
    is_given_directory,
    is_given_file,
    locate,
    normalise,
    virtual_children,
)

ROOT = LogicalHome(mappings=(HomeMapping(entry="/", target="/bucket/theRealFolder"),))
TREE = LogicalHome(
    mappings=(
        HomeMapping(entry="/pics", target="/first-bucket/pics"),
        HomeMapping(entry="/docs/2026/in", target="/second-bucket"),
        HomeMapping(entry="/docs/2026/in/deep", target="/third-bucket/x"),
        HomeMapping(entry="/docs/readme.txt", target="/first-bucket/texts/readme", type=MappingType.FILE),
    )
)
NAMES = st.text(min_size=1, max_size=8).filter(lambda name: "/" not in name and name not in (".", ".."))
ENTRIES = st.lists(NAMES, max_size=3).map(lambda names: "/" + "/".join(names))
TARGETS = st.lists(NAMES, max_size=3).map(lambda names: "/".join(["/some-bucket", *names]))
MAPPINGS = st.lists(
    st.builds(HomeMapping, entry=ENTRIES, target=TARGETS, type=st.sampled_from(MappingType)), min_size=1, max_size=6
).map(tuple)
# Paths that a client might send: names of the tree above all, and every way to step out of one.
RAW_PATHS = st.lists(st.one_of(NAMES, st.sampled_from(["..", ".", "", "%2e%2e", "..\\", "․․"])), max_size=8).map(
    lambda parts: "/" + "/".join(parts)
)


def place(path: str) -> ObjectPlace:
    bucket, _, key = path.lstrip("/").partition("/")
    return ObjectPlace(bucket=bucket, key=key)


@pytest.mark.parametrize(
    ("path", "start", "expected"),
    [
        ("/a/b", "/", "/a/b"),
        ("b", "/a", "/a/b"),
        ("", "/a", "/a"),
        (".", "/a", "/a"),
        ("..", "/a", "/"),
        ("../../..", "/a/b", "/"),
        ("/../../x", "/", "/x"),
        ("//a//b/", "/", "/a/b"),
        ("/a/./b/../c", "/", "/a/c"),
        ("x/..", "/", "/"),
        ("...", "/", "/..."),
        ("a b/ü", "/", "/a b/ü"),
    ],
)
def test_a_path_is_made_absolute_without_detours(path: str, start: str, expected: str):
    assert normalise(path, start=start) == expected


@settings(deadline=None)
@given(st.text(), RAW_PATHS)
def test_a_normalised_path_stays_as_it_is_and_has_no_step_out(path: str, start: str):
    absolute = normalise(path, start=normalise(start))
    assert normalise(absolute) == absolute
    assert absolute.startswith("/")
    assert not {"", ".", ".."} & set(absolute[1:].split("/")) or absolute == "/"


@pytest.mark.parametrize(
    ("home", "path", "expected"),
    [
        (ROOT, "/", place("/bucket/theRealFolder")),
        (ROOT, "/a/b", place("/bucket/theRealFolder/a/b")),
        (TREE, "/", VirtualDirectory(children=("docs", "pics"))),
        (TREE, "/docs", VirtualDirectory(children=("2026", "readme.txt"))),
        (TREE, "/docs/2026", VirtualDirectory(children=("in",))),
        (TREE, "/docs/2026/in", place("/second-bucket")),
        (TREE, "/docs/2026/in/f", place("/second-bucket/f")),
        (TREE, "/docs/2026/in/deep", place("/third-bucket/x")),
        (TREE, "/docs/2026/in/deep/f", place("/third-bucket/x/f")),
        (TREE, "/docs/2026/in/deeper", place("/second-bucket/deeper")),
        (TREE, "/docs/readme.txt", place("/first-bucket/texts/readme")),
        (TREE, "/docs/readme.txt/x", Nowhere()),
        (TREE, "/pics2", Nowhere()),
        (TREE, "/upload.txt", Nowhere()),
        (LogicalHome(mappings=()), "/", VirtualDirectory(children=())),
        (LogicalHome(mappings=()), "/x", Nowhere()),
        (PathHome(root="/bucket/home"), "/", VirtualDirectory(children=())),
        (PathHome(root="/bucket/home"), "/bucket", place("/bucket")),
        (PathHome(root="/bucket/home"), "/bucket/home/f", place("/bucket/home/f")),
        (PathHome(root="/bucket/home"), "/other-bucket/f", place("/other-bucket/f")),
        (PathHome(root="/bucket/home"), "/?versions/f", Nowhere()),
        (PathHome(root="/bucket/home"), "/ab/f", Nowhere()),
        (PathHome(), "/arn:aws:s3:::bucket/f", Nowhere()),
    ],
)
def test_a_path_leads_to_its_place(home: PathHome | LogicalHome, path: str, expected: object):
    assert locate(home, path) == expected


@settings(deadline=None)
@given(MAPPINGS, RAW_PATHS)
def test_no_path_leaves_its_mappings(mappings: tuple[HomeMapping, ...], raw: str):
    location = locate(LogicalHome(mappings=mappings), normalise(raw))
    if isinstance(location, ObjectPlace):
        targets = [str(place(mapping.target)) for mapping in mappings]
        assert any(str(location) == target or str(location).startswith(target + "/") for target in targets)
        assert not {".", ".."} & set(str(location).split("/"))


@settings(deadline=None)
@given(MAPPINGS, RAW_PATHS)
def test_the_longest_entry_decides(mappings: tuple[HomeMapping, ...], raw: str):
    path = normalise(raw)
    holding = [m for m in mappings if m.entry in ("/", path) or path.startswith(m.entry + "/")]
    location = locate(LogicalHome(mappings=mappings), path)
    if not holding:
        assert not isinstance(location, ObjectPlace)
        return
    longest = max(len(mapping.entry) for mapping in holding)
    first = next(mapping for mapping in holding if len(mapping.entry) == longest)
    if first.type is MappingType.DIRECTORY or first.entry == path:
        rest = path[len(first.entry.rstrip("/")) :].rstrip("/")
        assert location == place(first.target + rest)
    else:
        assert not isinstance(location, ObjectPlace)


@settings(deadline=None)
@given(MAPPINGS)
def test_every_entry_can_be_walked_to_from_the_top(mappings: tuple[HomeMapping, ...]):
    home = LogicalHome(mappings=mappings)
    for mapping in mappings:
        path = "/"
        for name in mapping.entry.strip("/").split("/") if mapping.entry != "/" else []:
            assert name in virtual_children(home, path)
            path = normalise(name, start=path)


def test_names_below_a_path_are_those_that_the_home_itself_makes():
    assert virtual_children(TREE, "/docs/2026/in") == ("deep",)
    assert virtual_children(TREE, "/docs/2026/in/deep") == ()
    assert virtual_children(PathHome(root="/bucket/folder"), "/") == ("bucket",)
    assert virtual_children(PathHome(root="/bucket/folder"), "/bucket") == ()
    assert virtual_children(PathHome(root="/"), "/") == ()


def test_a_home_is_compared_by_its_mappings():
    assert LogicalHome(mappings=TREE.mappings) == TREE
    assert hash(LogicalHome(mappings=TREE.mappings)) == hash(TREE)
    assert LogicalHome(mappings=TREE.mappings[:1]) != TREE
    assert re.search("_by_entry|_names_below", repr(TREE)) is None


@pytest.mark.parametrize(
    ("home", "path", "expected"),
    [
        (TREE, "/", True),
        (TREE, "/docs", True),
        (TREE, "/docs/2026/in", True),
        (TREE, "/pics", True),
        (TREE, "/pics/inner", False),
        (TREE, "/docs/readme.txt", False),
        (TREE, "/nothing", False),
        (PathHome(root="/bucket/home/"), "/bucket/home", True),
        (PathHome(root="/bucket/home"), "/bucket", False),
        (PathHome(root="/bucket/home"), "/bucket/home/x", False),
        (PathHome(root="/bucket/home"), "/", True),
    ],
)
def test_what_the_home_itself_makes_a_directory(home: PathHome | LogicalHome, path: str, expected: bool):
    assert is_given_directory(home, path) is expected


@pytest.mark.parametrize(
    ("home", "path", "expected"),
    [
        (TREE, "/docs/readme.txt", True),
        (TREE, "/docs/readme.txt/below", False),
        (TREE, "/docs", False),
        (TREE, "/pics", False),
        (TREE, "/pics/inner", False),
        (PathHome(root="/bucket/home"), "/bucket/home", False),
        # A name under which another mapping lies is a directory for all that.
        (
            LogicalHome(mappings=(*TREE.mappings, HomeMapping(entry="/docs/readme.txt/x", target="/b/x"))),
            "/docs/readme.txt",
            False,
        ),
    ],
)
def test_what_the_home_itself_makes_a_file(home: PathHome | LogicalHome, path: str, expected: bool):
    assert is_given_file(home, path) is expected


def test_a_session_starts_at_the_root_of_a_path_home_and_at_the_top_of_a_logical_one():
    assert initial_directory(PathHome(root="/bucket/home/")) == "/bucket/home"
    assert initial_directory(PathHome()) == "/"
    assert initial_directory(TREE) == "/"
    within = LogicalHome(mappings=TREE.mappings, start="/pics/new/")
    assert initial_directory(within) == "/pics/new"
    assert is_given_directory(within, "/pics/new")
    assert within != TREE


def test_a_place_is_written_as_a_path():
    assert str(ObjectPlace(bucket="b", key="k/x")) == "/b/k/x"
    assert str(ObjectPlace(bucket="b")) == "/b"
    assert ObjectPlace(bucket="b", key="k").directory_prefix == "k/"
    assert ObjectPlace(bucket="b").directory_prefix == ""
