"""What a listing shows, over a file system: patterns, names that look like one, and files."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from tests.fakes.filesystems import PATH, TREE, files, make_s3
from tests.fakes.object_store import MemoryS3

from crossdock.core.errors import Denied, NotADirectory, NotFound
from crossdock.files.filesystem import Attributes, Entry, FileKind, FileSystem
from crossdock.ftp.globbing import split_pattern
from crossdock.ftp.listing import FACT_NAMES, name_line
from crossdock.ftp.listing_transfer import (
    ENTRIES_PER_TURN,
    LISTING_CHUNK,
    OpenListing,
    line_writer,
    open_listing,
    send_lines,
)
from crossdock.ftp.words import StartTransfer, TransferKind

NOW = datetime(2025, 3, 16, 12, 0, tzinfo=UTC)
HOME = "/bucket/home/"


@pytest.fixture
def s3() -> MemoryS3:
    s3 = make_s3()
    for name in ("a.txt", "b.txt", "c.md", ".hidden.txt", "[x].txt", "sub/d.txt", "[dir]/e.txt"):
        s3.add("bucket", f"home/{name}")
    return s3


async def listed(fs: FileSystem, argument: str, kind: TransferKind = TransferKind.NAMES) -> list[str]:
    """The lines that NLST sends, or another command of its kind; they begin with what the client said."""
    directory, pattern = split_pattern(argument)
    order = StartTransfer(kind, directory.rstrip("/") or "/", FACT_NAMES, pattern=pattern, named=argument)
    sent = bytearray()

    async def send(data: bytes) -> None:
        assert len(data) < LISTING_CHUNK + 2048
        sent.extend(data)

    listing = await open_listing(fs, order)
    await send_lines(listing, line_writer(order, NOW, listing.prefix), send)
    return sent.decode().replace(HOME, "~").split("\r\n")[:-1]


@pytest.mark.parametrize(
    ("argument", "names"),
    [
        ("*.txt", ["~[x].txt", "~a.txt", "~b.txt"]),
        ("?.*", ["~a.txt", "~b.txt", "~c.md"]),
        (".*", ["~.hidden.txt"]),
        ("[ac].*", ["~a.txt", "~c.md"]),
        ("s*", ["~sub"]),
        ("sub/*", ["~sub/d.txt"]),
        ("*.none", []),
        ("[x].txt", ["~[x].txt"]),
        ("[dir]", ["~[dir]/e.txt"]),
        ("sub", ["~sub/d.txt"]),
        ("sub//", ["~sub/d.txt"]),
        ("sub/d.txt", ["~sub/d.txt"]),
        ("a.txt", ["~a.txt"]),
    ],
)
async def test_nlst_names_what_can_be_fetched_by_that_name(s3: MemoryS3, argument: str, names: list[str]) -> None:
    assert sorted(await listed(files(s3), HOME + argument)) == sorted(names)


@pytest.mark.parametrize("kind", [TransferKind.LIST, TransferKind.NAMES, TransferKind.STATUS, TransferKind.FACTS])
async def test_a_path_with_a_slash_at_its_end_is_no_file(s3: MemoryS3, kind: TransferKind) -> None:
    with pytest.raises(NotADirectory):
        await listed(files(s3), HOME + "a.txt/", kind)


@pytest.mark.parametrize(("argument", "name"), [("", "in"), (".", "in"), ("./", "./in"), ("/", "/in"), ("..", "../in")])
async def test_the_directory_that_one_is_in_is_not_put_before_the_names(argument: str, name: str) -> None:
    """As vsftpd has it."""
    order = StartTransfer(TransferKind.NAMES, "/", named=argument)
    listing = await open_listing(files(make_s3(), TREE), order)
    assert listing.first is not None
    assert name_line(listing.first, listing.prefix).decode() == f"{name}\r\n"


@pytest.mark.parametrize("kind", [TransferKind.LIST, TransferKind.STATUS])
async def test_list_shows_the_names_alone(s3: MemoryS3, kind: TransferKind) -> None:
    lines = await listed(files(s3), HOME + "*.md", kind)
    assert [line.rsplit(" ", 1)[-1] for line in lines] == ["c.md"]
    assert all(line.startswith(" ") for line in lines) is (kind is TransferKind.STATUS)


async def test_what_nothing_matches_is_an_empty_list_and_no_directory_an_error(s3: MemoryS3) -> None:
    assert await listed(files(s3), HOME + "*.none", TransferKind.LIST) == []
    with pytest.raises(NotFound):
        await listed(files(s3), HOME + "none/*")
    with pytest.raises(NotFound):
        await listed(files(s3), HOME + "none")


async def test_a_pattern_longer_than_any_name(s3: MemoryS3) -> None:
    assert await listed(files(s3), HOME + "[a]" * 1000 + "*") == []


async def test_a_pattern_needs_no_other_permission_than_a_listing(s3: MemoryS3) -> None:
    assert await listed(files(s3, actions={"s3:ListBucket"}), HOME + "*.md") == ["~c.md"]
    with pytest.raises(Denied):
        await listed(files(s3, actions={"s3:GetObject"}), HOME + "*.md")


async def test_a_pattern_among_mapped_names(s3: MemoryS3) -> None:
    s3.add("second-bucket", "texts/readme.txt")
    assert await listed(files(s3, TREE), "/*") == ["/in", "/out", "/readme"]
    assert await listed(files(s3, TREE), "/i*") == ["/in"]
    assert await listed(files(s3, PATH), "/bucket/h*") == ["/bucket/home"]


async def test_mlsd_is_about_directories(s3: MemoryS3) -> None:
    assert await listed(files(s3), HOME + "sub", TransferKind.FACTS) != []
    with pytest.raises(NotADirectory):
        await listed(files(s3), HOME + "a.txt", TransferKind.FACTS)


async def test_a_long_directory_is_sent_in_pieces_and_only_what_matches(s3: MemoryS3) -> None:
    for number in range(5000):
        s3.add("bucket", f"many/{number:04}-{'x' * 40}")
    assert len(await listed(files(s3), "/bucket/many")) == 5000
    assert len(await listed(files(s3), "/bucket/many/*7-*")) == 500


@pytest.mark.parametrize("is_shown", [True, False], ids=["all of it", "nothing of it"])
async def test_others_have_their_turns_during_a_long_listing(is_shown: bool) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def page() -> AsyncIterator[Entry]:
        for number in range(50 * ENTRIES_PER_TURN):
            yield Entry(name=str(number), attributes=Attributes(kind=FileKind.FILE))

    async def send(data: bytes) -> None:
        """Sent at once."""

    listing = OpenListing(first=None, rest=page(), is_shown=lambda _: is_shown)
    other = asyncio.get_running_loop().create_task(count())
    await send_lines(listing, lambda entry: name_line(entry, ""), send)
    other.cancel()
    assert turns >= 50


def test_no_name_ends_its_line_early() -> None:
    entry = Entry(name="a\r\nb", attributes=Attributes(kind=FileKind.FILE))
    assert name_line(entry, "x\ny/") == b"x?y/a??b\r\n"
