"""Questions to the file system that move no data, in one table."""

from collections.abc import Awaitable, Callable, Mapping

from crossdock.core.errors import FileError
from crossdock.files.filesystem import Attributes, FileKind, FileSystem
from crossdock.ftp.words import AskFile, FileAnswer, FileAnswered, FileFailed, FileOperation

Ask = Callable[[FileSystem, AskFile], Awaitable[Attributes | None]]


async def answer(filesystem: FileSystem, question: AskFile) -> FileAnswer:
    """Put the question and report what came of it."""
    try:
        return FileAnswered(await _ASK[question.operation](filesystem, question))
    except FileError as error:
        return FileFailed(error)


def _look_for_directory(filesystem: FileSystem, question: AskFile) -> Awaitable[Attributes]:
    return filesystem.stat(question.path, expecting=FileKind.DIRECTORY)


def _look(filesystem: FileSystem, question: AskFile) -> Awaitable[Attributes]:
    return filesystem.stat(question.path)


def _delete(filesystem: FileSystem, question: AskFile) -> Awaitable[None]:
    return filesystem.remove(question.path)


def _make_directory(filesystem: FileSystem, question: AskFile) -> Awaitable[None]:
    return filesystem.make_directory(question.path)


def _remove_directory(filesystem: FileSystem, question: AskFile) -> Awaitable[None]:
    return filesystem.remove_directory(question.path)


def _rename(filesystem: FileSystem, question: AskFile) -> Awaitable[None]:
    return filesystem.rename(question.path, question.target)


def _rename_any(filesystem: FileSystem, question: AskFile) -> Awaitable[None]:
    return filesystem.rename(question.path, question.target, directories=True)


_ASK: Mapping[FileOperation, Ask] = {
    FileOperation.CHANGE_DIRECTORY: _look_for_directory,
    FileOperation.SIZE: _look,
    FileOperation.MODIFIED: _look,
    FileOperation.FACTS: _look,
    FileOperation.DELETE: _delete,
    FileOperation.MAKE_DIRECTORY: _make_directory,
    FileOperation.REMOVE_DIRECTORY: _remove_directory,
    FileOperation.RENAME_FROM: _look,
    FileOperation.RENAME: _rename,
    FileOperation.RENAME_ANY: _rename_any,
    FileOperation.SET_MODIFIED: _look,
}
