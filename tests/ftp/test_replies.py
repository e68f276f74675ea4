import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.core import errors
from crossdock.core.errors import FileError
from crossdock.ftp import replies
from crossdock.ftp.replies import REPLY_FOR, DataFailure, Reply, reply_for, reply_to_upload

WHOLE_REPLY = re.compile(r"(?P<code>[1-5][0-9][0-9])(-[^\r\n]*\r\n( [^\r\n]*\r\n)*(?P=code))? [^\r\n]*\r\n")
CONSTANTS = {name: value for name, value in vars(replies).items() if isinstance(value, Reply)}


def all_file_errors() -> set[type[FileError]]:
    found, left = set(), [FileError]
    while left:
        subclasses = left.pop().__subclasses__()
        found.update(subclasses)
        left.extend(subclasses)
    return {error for error in found if error.__module__.startswith("crossdock.")}


def test_every_file_error_has_a_reply() -> None:
    assert set(REPLY_FOR) == all_file_errors()


def test_every_error_reply_is_an_error_and_none_tells_why() -> None:
    for error, reply in REPLY_FOR.items():
        assert 400 <= reply.code < 600
        assert reply_for(error("arn:aws:iam::111111111111:role/secret says no")) == reply


CODES: Mapping[type[FileError], int] = {
    errors.NotFound: 550,
    errors.Denied: 550,
    errors.Exists: 550,
    errors.NotADirectory: 550,
    errors.IsADirectory: 550,
    errors.DirectoryNotEmpty: 550,
    errors.BeyondEnd: 554,
    errors.InvalidName: 553,
    errors.NameTooLong: 553,
    errors.Unsupported: 550,
    errors.CannotCopy: 550,
    errors.OutOfSpace: 452,
    errors.WrongSize: 551,
    errors.Interrupted: 426,
    errors.Unavailable: 451,
}


def test_codes_of_file_errors() -> None:
    assert {error: reply_for(error()).code for error in all_file_errors()} == CODES


def test_an_upload_that_has_begun_fails_for_good() -> None:
    codes = {error: reply_to_upload(error()).code for error in all_file_errors()}
    # Interrupted is a connection that is gone.
    assert codes == {**CODES, errors.Unavailable: 551}
    assert reply_to_upload(FileError()).code == 551


def test_an_unforeseen_file_error_is_a_local_error() -> None:
    assert reply_for(FileError()).code == 451


def test_how_a_transfer_fails_is_told_apart() -> None:
    assert {failure: failure.reply.code for failure in DataFailure} == {
        DataFailure.NO_CONNECTION: 425,
        DataFailure.CUT: 426,
        DataFailure.STALLED: 426,
        DataFailure.ABORTED: 426,
        DataFailure.TLS_FAILED: 522,
        DataFailure.TLS_NOT_RESUMED: 522,
        DataFailure.TLS_TRUNCATED: 426,
    }


@pytest.mark.parametrize("name", sorted(CONSTANTS))
def test_every_reply_is_one_line_of_the_protocol(name: str) -> None:
    assert WHOLE_REPLY.fullmatch(CONSTANTS[name].encode().decode())


def test_lines_between_the_first_and_the_last_begin_with_a_space() -> None:
    reply = replies.features(["EPSV", "SIZE"])
    assert reply.encode() == b"211-Features:\r\n EPSV\r\n SIZE\r\n211 End\r\n"


def test_a_banner_of_several_lines_is_one_reply() -> None:
    reply = replies.greeting("220 fake\r\n\n530 fake\x0bend")
    assert reply.encode() == b"220-220 fake\r\n \r\n 530 fake\r\n end\r\n220 Crossdock FTP service ready.\r\n"


@given(st.text(), st.text())
def test_no_path_and_no_banner_can_forge_a_reply(path: str, banner: str) -> None:
    for reply in (
        replies.quoted_path(path, "created."),
        replies.facts(path, f"type=dir; {path}"),
        replies.unique_name(path),
        replies.greeting(banner),
        replies.logged_in(banner),
        replies.status([path, banner]),
        replies.time_set(path, "20260315004709"),
        replies.help_on([path, banner]),
    ):
        assert WHOLE_REPLY.fullmatch(reply.encode().decode())
    assert replies.listing_begins(path, is_directory=True).count(b"\r\n") == 1


def test_passive_replies() -> None:
    assert replies.passive("127.0.0.1", 8192).encode() == b"227 Entering Passive Mode (127,0,0,1,32,0).\r\n"
    assert replies.extended_passive(8200).encode() == b"229 Entering Extended Passive Mode (|||8200|)\r\n"
