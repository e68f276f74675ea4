"""The table of S3 calls is what the store really sees."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pytest
from tests.fakes.blocks import make_pool
from tests.fakes.filesystems import METADATA, PATH, files, make_s3, names
from tests.fakes.object_store import MemoryS3, MemoryStagingStore, MemoryStore, SeenCall
from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.core.errors import CannotCopy, FileError, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.files.filesystem import FileKind, FileSystem
from crossdock.files.object_filesystem import ObjectFileSystem
from crossdock.files.prefix import UploadStart
from crossdock.files.verbs import VERBS, FileVerb, Need, On
from crossdock.ports.objects import Copied

Do = Callable[[FileSystem], Awaitable[object]]
Step = tuple[str, On]


@dataclass(frozen=True, slots=True)
class Case:
    """A way to use a verb: which keys are there, what is done, and whether it works for who may do everything."""

    keys: Sequence[str]
    do: Do
    works: bool = True
    content: bytes = b"content"
    is_apart: bool = False
    """Whether nothing is copied but through the caller."""


class Apart(MemoryStore):
    """In which every key lies in an S3 of its own."""

    async def copy(self, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool = False) -> Copied:
        raise CannotCopy(f"{source} and {target} are apart")


class ApartHere(Apart, MemoryStagingStore):
    """The same, where uploads are staged."""


async def read(fs: FileSystem) -> None:
    download = await fs.open_read("/bucket/home/f")
    assert [chunk async for chunk in download.chunks()]
    await download.close()


def write(size: int, *, discards: bool = False, at: UploadStart = 0) -> Do:
    async def do(fs: FileSystem) -> None:
        upload = await fs.open_write("/bucket/home/f", at=at)
        await upload.write(0, bytes(size))
        await (upload.discard() if discards else upload.commit())

    return do


def rename_directory(new: str) -> Do:
    return lambda fs: fs.rename("/bucket/home/d", f"/bucket/home/{new}", directories=True)


def rename(fs: FileSystem) -> Awaitable[None]:
    return fs.rename("/bucket/home/f", "/bucket/home/target")


def apart(keys: Sequence[str], do: Do) -> tuple[Case, Case]:
    return Case(keys, do, is_apart=True), Case(keys, do, is_apart=True, content=bytes(BLOCK_SIZE + 1))


def rename_over(fs: FileSystem) -> Awaitable[None]:
    return fs.rename("/bucket/home/f", "/bucket/home/target", replace=True)


CASES: Mapping[FileVerb, Sequence[Case]] = {
    FileVerb.INSPECT: (
        Case(["home/f"], lambda fs: fs.stat("/bucket/home/f")),
        Case(["home/d/x"], lambda fs: fs.stat("/bucket/home/d")),
        Case([], lambda fs: fs.stat("/bucket/home/none"), works=False),
    ),
    FileVerb.ENTER: (
        Case(["home/d/x"], lambda fs: fs.stat("/bucket/home/d", expecting=FileKind.DIRECTORY)),
        Case([], lambda fs: fs.stat("/bucket", expecting=FileKind.DIRECTORY)),
        Case(["home/f"], lambda fs: fs.stat("/bucket/home/f", expecting=FileKind.DIRECTORY)),
        Case([], lambda fs: fs.stat("/bucket/home/none", expecting=FileKind.DIRECTORY), works=False),
    ),
    FileVerb.LIST: (
        Case(["home/d/x", "home/d/"], lambda fs: names(fs, "/bucket/home/d")),
        Case(["home/f"], lambda fs: names(fs, "/bucket/home/f"), works=False),
        Case([], lambda fs: names(fs, "/bucket/home/none"), works=False),
    ),
    FileVerb.READ: (Case(["home/f"], read),),
    FileVerb.WRITE: (
        Case([], write(10)),
        Case(["home/f"], write(BLOCK_SIZE + 1)),
        Case([], write(2 * BLOCK_SIZE + 1, discards=True)),
    ),
    FileVerb.APPEND: (
        Case(["home/f"], write(10, at="END")),
        Case(["home/f"], write(10, at=3)),
        Case(["home/f"], write(BLOCK_SIZE + 1, at="END"), content=bytes(5 << 20)),
        Case(["home/f"], write(10, at="END", discards=True), content=bytes(5 << 20)),
        Case(["home/f"], write(10, at=8), works=False),
        Case([], write(10, at="END")),
        Case([], write(10, at=1), works=False),
    ),
    FileVerb.REMOVE: (
        Case(["home/f"], lambda fs: fs.remove("/bucket/home/f")),
        Case([], lambda fs: fs.remove("/bucket/home/f"), works=False),
    ),
    FileVerb.MAKE_DIRECTORY: (
        Case([], lambda fs: fs.make_directory("/bucket/home/d")),
        Case(["home/d/x"], lambda fs: fs.make_directory("/bucket/home/d"), works=False),
        Case(["home/d"], lambda fs: fs.make_directory("/bucket/home/d"), works=False),
    ),
    FileVerb.REMOVE_DIRECTORY: (
        Case(["home/d/"], lambda fs: fs.remove_directory("/bucket/home/d")),
        Case(["home/d/", "home/d/x"], lambda fs: fs.remove_directory("/bucket/home/d"), works=False),
        Case(["home/d"], lambda fs: fs.remove_directory("/bucket/home/d"), works=False),
    ),
    FileVerb.RENAME: (
        Case(["home/f"], rename),
        Case(["home/f", "home/target"], rename, works=False),
        Case(["home/f/x"], rename, works=False),
        *apart(["home/f"], rename),
    ),
    FileVerb.RENAME_OVER: (
        Case(["home/f", "home/target"], rename_over),
        Case(["home/f", "home/target/x"], rename_over, works=False),
        Case(["home/f/x"], rename_over, works=False),
        *apart(["home/f", "home/target"], rename_over),
    ),
    FileVerb.RENAME_DIRECTORY: (
        Case(["home/d/x", "home/d/y/z"], rename_directory("target")),
        Case(["home/d/x", "home/target/x"], rename_directory("target"), works=False),
        Case(["home/d/" + "x" * 1015, "home/d/a"], rename_directory("target"), works=False),
        Case([], rename_directory("target"), works=False),
        *apart(["home/d/x", "home/d/y/z"], rename_directory("target")),
    ),
}
EVERY_CASE = [
    pytest.param(verb, case, id=f"{verb}-{number}")
    for verb, cases in CASES.items()
    for number, case in enumerate(cases)
]


def about(key: str) -> On:
    if key.endswith("/"):
        return On.MARKER
    if key.startswith(("home/d/", "home/target/")):
        return On.BELOW if key.startswith("home/d/") else On.TARGET_BELOW
    return On.TARGET if key == "home/target" else On.OBJECT


def steps(call: SeenCall) -> set[Step]:
    if call.operation.startswith("("):  # no call of S3, but work on this disk
        return set()
    if call.operation == "ListObjectsV2":
        return {(call.operation, On.BUCKET)}
    if call.operation == "CopyObject":
        is_below = about(call.key) is On.BELOW
        both = (On.BELOW, On.TARGET_BELOW) if is_below else (On.OBJECT, On.TARGET)
        return {(call.operation, on) for on in both}
    return {(call.operation, about(call.key))}


async def run(case: Case, *, s3: MemoryS3 | None = None, **permissions: object) -> tuple[bool, set[Step]]:
    """Whether it worked, and what the store saw."""
    s3 = s3 or make_s3()
    for key in case.keys:
        s3.add("bucket", key, case.content)
    if case.is_apart:
        store: MemoryStore = (ApartHere if permissions.get("stages") else Apart)(s3, lambda *asked: True)
    else:
        store = s3.store(**permissions)
    fs = ObjectFileSystem(home=PATH, store=store, metadata=METADATA, blocks=make_pool())
    try:
        await case.do(fs)
    except FileError:
        works = False
    else:
        works = True
    return works, {step for call in s3.calls for step in steps(call)}


async def run_interrupted(case: Case) -> set[Step]:
    """What the store sees where an interrupted upload can be resumed."""
    s3, uploads = make_s3(), resumable_uploads()
    upload = await files(s3, resumable=uploads).open_write("/bucket/home/f")
    await upload.write(0, bytes(BLOCK_SIZE + 1))
    await upload.interrupted(interruption="reset")
    s3.calls.clear()
    with suppress(FileError):
        await case.do(files(s3, resumable=uploads))
    return {step for call in s3.calls for step in steps(call)}


def promised(verb: FileVerb) -> set[Step]:
    calls = VERBS[verb].calls
    # That HeadObject answers a lister otherwise is a matter of permissions, not another call.
    return {(call.operation, call.on) for call in calls if (call.operation, call.on) != ("HeadObject", On.BUCKET)}


def test_every_verb_has_a_row_and_a_case():
    assert set(VERBS) == set(FileVerb) == set(CASES)


def test_no_protocol_verb_is_in_two_rows():
    for names_of in (lambda row: row.ftp, lambda row: row.sftp):
        every = [name for row in VERBS.values() for name in names_of(row)]
        assert sorted(every) == sorted(set(every))


@pytest.mark.parametrize(("verb", "case"), EVERY_CASE)
async def test_a_verb_makes_no_call_that_its_row_does_not_tell(verb: FileVerb, case: Case):
    works, seen = await run(case)
    assert works is case.works
    assert seen <= promised(verb)
    if works:
        calls = VERBS[verb].calls
        used = {(call.action, call.on) for call in calls if (call.operation, call.on) in seen}
        made = [call for call in calls if not case.is_apart or call.operation != "CopyObject"]
        needed = {(call.action, call.on) for call in made if call.need is Need.ALWAYS}
        assert needed - used <= {("s3:ListBucket", On.BUCKET)}


@pytest.mark.parametrize("verb", FileVerb)
async def test_every_call_of_a_row_is_made_in_some_case(verb: FileVerb):
    seen = [await run(case) for case in CASES[verb]]
    if verb is FileVerb.APPEND:
        seen.append(await run(CASES[verb][0], stages=True))
    if verb is FileVerb.RENAME_DIRECTORY:
        s3 = make_s3()
        for _ in range(2):
            s3.fail("DeleteObject", Unavailable("busy"))
        seen.append(await run(CASES[verb][0], s3=s3))
    for case in CASES[verb]:
        if case.is_apart and len(case.content) > BLOCK_SIZE:
            s3 = make_s3()
            s3.fail("UploadPart", Unavailable("busy"))
            seen += [await run(case, s3=s3), await run(case, stages=True)]
    interrupted = await run_interrupted(CASES[verb][0])
    assert set().union(interrupted, *(steps for _, steps in seen)) == promised(verb)


@pytest.mark.parametrize("verb", [verb for verb in FileVerb if verb is not FileVerb.INSPECT])
async def test_a_verb_works_for_who_has_just_what_it_always_needs(verb: FileVerb):
    needed = {(call.action, call.on) for call in VERBS[verb].calls if call.need is Need.ALWAYS}

    def allows(action: str, bucket: str, key: str) -> bool:
        return (action, On.BUCKET if action == "s3:ListBucket" else about(key)) in needed

    assert (await run(CASES[verb][0], allows=allows))[0]


@pytest.mark.parametrize(
    ("verb", "action", "on"),
    [(verb, call.action, call.on) for verb, row in VERBS.items() for call in row.calls if call.need is Need.ALWAYS],
)
async def test_a_verb_fails_for_who_lacks_something_it_always_needs(verb: FileVerb, action: str, on: On):
    def allows(asked: str, bucket: str, key: str) -> bool:
        return (asked, On.BUCKET if asked == "s3:ListBucket" else about(key)) != (action, on)

    assert not (await run(CASES[verb][0], allows=allows))[0]


async def test_an_upload_that_may_not_abort_is_discarded_all_the_same():
    works, _ = await run(CASES[FileVerb.WRITE][2], actions={"s3:PutObject"})
    assert works
