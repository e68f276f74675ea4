"""What a command finds where it goes: `explain` says what the file system itself comes to, word for word."""

from collections.abc import Awaitable

import pytest
from tests.fakes.blocks import make_pool
from tests.fakes.filesystems import METADATA, names, store_file
from tests.fakes.logins import IDENTITY
from tests.files.test_explaining import EVERYTHING, FakeTrial, ask, policy

from crossdock.core.errors import FileError, NotADirectory, Unavailable
from crossdock.files.explaining import COMMANDS
from crossdock.files.explanations import Outcome
from crossdock.files.filesystem import FileKind
from crossdock.files.object_filesystem import ObjectFileSystem
from crossdock.policy.document import PolicyKind
from crossdock.policy.fixes import AddStatement


@pytest.fixture
def trial(s3) -> FakeTrial:
    return FakeTrial(s3)


async def obey(files: ObjectFileSystem, command: str, path: str, target: str) -> None:
    """What the edges make of a command. Raises the FileError that the client hears of."""
    match command:
        case "put":
            await store_file(files, path, b"content")
        case "append":
            await store_file(files, path, b"content", at="END")
        case "get":
            await (await files.open_read(path)).close()
        case "ls":
            try:
                await names(files, path)
            except NotADirectory:
                await files.stat(path)
        case "cd":
            if not (await files.stat(path, expecting=FileKind.DIRECTORY)).is_directory:
                raise NotADirectory(f"{path} is a file")
        case "rm":
            await files.remove(path)
        case "mkdir":
            await files.make_directory(path)
        case "rmdir":
            await files.remove_directory(path)
        case "mv":
            await files.stat(path)
            await files.rename(path, target)


async def refused(done: Awaitable[None]) -> FileError | None:
    try:
        await done
    except FileError as error:
        return error
    return None


PRESENT = ("home/file", "home/full/x", "home/marked/", "home/both", "home/both/x")
PATHS = ("file", "full", "marked", "both", "none", "full/x", "/bucket", "/bucket/home", "/")
SETS_OF_ACTIONS = (
    ["s3:*"],
    ["s3:PutObject"],
    ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
    ["s3:ListBucket", "s3:PutObject", "s3:DeleteObject"],
)


@pytest.mark.parametrize("actions", SETS_OF_ACTIONS, ids=" ".join)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("command", COMMANDS)
async def test_the_file_system_comes_to_the_same_end(trial, command, path, actions):
    for key in PRESENT:
        trial.s3.add("bucket", key, b"content")
    trial.identity = (policy("some", PolicyKind.IDENTITY, {**EVERYTHING, "Action": actions}),)
    for target in ("new", "file", "full", "/bucket") if command == "mv" else ("",):
        before = dict(trial.s3.buckets["bucket"])
        found = await ask(trial, command, path, target=target)
        assert trial.s3.buckets["bucket"] == before, "nothing is written"
        absolute = [one if one.startswith("/") or not one else f"/bucket/home/{one}" for one in (path, target)]
        assert trial.session is not None
        files = ObjectFileSystem(home=IDENTITY.home, store=trial.session.store, metadata=METADATA, blocks=make_pool())
        refusal = await refused(obey(files, command, *absolute))
        assert found.outcome is (Outcome.ALLOWED if refusal is None else Outcome.DENIED), (found.conclusion, refusal)
        step = found.steps[-1]
        if step.name in ("object", "directory"):
            assert step.reason == str(refusal) or step.reason.startswith("there is no object s3://")
        trial.s3.buckets["bucket"] = before


@pytest.mark.parametrize(
    ("command", "path", "step", "reason"),
    [
        ("ls", "none", "directory", "no directory is at /bucket/home/none"),
        ("cd", "none", "directory", "nothing is at /bucket/home/none"),
        ("cd", "file", "directory", "/bucket/home/file is a file"),
        ("rmdir", "full", "directory", "/bucket/home/full is not empty"),
        ("rmdir", "none", "directory", "no directory is at /bucket/home/none"),
        ("mkdir", "full", "directory", "/bucket/home/full is there already"),
        ("mkdir", "file", "directory", "/bucket/home/file is there already"),
        ("mkdir", "/bucket/home", "home directory", "/bucket/home is a directory already"),
        ("get", "full", "object", "there is no object s3://bucket/home/full"),
        ("mv", "file", "object", "/bucket/home/full/x is there already"),
        ("mv", "full", "object", "/bucket/home/full/x is there already"),
        ("mv", "none", "object", "there is no object s3://bucket/home/none"),
    ],
)
async def test_what_is_found_or_missing_is_said(trial, command, path, step, reason):
    for key in PRESENT:
        trial.s3.add("bucket", key)
    found = await ask(trial, command, path, target="full/x" if command == "mv" else "")
    assert (found.steps[-1].name, found.steps[-1].reason) == (step, reason)
    assert found.outcome is Outcome.DENIED


async def test_who_may_not_list_appends_to_what_is_there_and_to_nothing_else(trial):
    trial.s3.add("bucket", "home/file", b"content")
    trial.identity = (policy("some", PolicyKind.IDENTITY, {**EVERYTHING, "Action": ["s3:GetObject", "s3:PutObject"]}),)
    assert (await ask(trial, "append", "file")).outcome is Outcome.ALLOWED
    found = await ask(trial, "append", "none")
    assert (found.outcome, found.steps[-1].name) == (Outcome.DENIED, "object")
    assert "S3 tells only those who may list" in found.steps[-1].reason


async def test_a_directory_cannot_be_renamed(trial):
    trial.s3.add("bucket", "home/full/x")
    found = await ask(trial, "mv", "full", target="new")
    assert found.steps[-1].reason == "/bucket/home/full is a directory: only files can be renamed"


async def test_a_listing_of_a_file_needs_a_look_at_it(trial):
    trial.s3.add("bucket", "home/file")
    trial.identity = (policy("lists", PolicyKind.IDENTITY, {**EVERYTHING, "Action": "s3:ListBucket"}),)
    found = await ask(trial, "ls", "file")
    assert (found.steps[-1].name, found.outcome) == ("s3:GetObject", Outcome.DENIED)
    (fix,) = found.fixes
    assert isinstance(fix.change, AddStatement)
    assert (fix.change.statement["Action"], fix.change.statement["Resource"]) == (
        "s3:GetObject",
        "arn:aws:s3:::bucket/home/*",
    )


async def test_an_object_whose_absence_s3_hides_is_told_to_be_missing(trial):
    trial.identity = (policy("reads", PolicyKind.IDENTITY, {**EVERYTHING, "Action": "s3:GetObject"}),)
    found = await ask(trial, "get", "none")
    assert found.outcome is Outcome.DENIED
    assert found.steps[-1].reason == (
        "there is no object s3://bucket/home/none, which S3 tells only those who may list its bucket: it denies access"
    )


@pytest.mark.parametrize(
    ("command", "operation", "step"), [("get", "HeadObject", "object"), ("rmdir", "ListObjectsV2", "directory")]
)
async def test_a_store_that_does_not_answer_leaves_it_unknown(trial, command, operation, step):
    trial.s3.fail(operation, Unavailable("the store sleeps"))
    found = await ask(trial, command, "a")
    assert (found.steps[-1].name, found.steps[-1].reason) == (step, "the store sleeps")
    assert found.outcome is Outcome.UNKNOWN
