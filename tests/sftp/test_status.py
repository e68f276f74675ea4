"""Every error has its answer."""

import pytest

from crossdock.core.errors import CannotCopy, Denied, FileError, NameTooLong
from crossdock.sftp import status
from crossdock.sftp.status import STATUS_FOR, Code, Refused, Status, status_of


def test_every_error_is_told():
    assert set(STATUS_FOR) == {*FileError.__subclasses__(), CannotCopy, NameTooLong}


@pytest.mark.parametrize("error", STATUS_FOR)
def test_the_client_hears_words_of_ours_and_none_of_the_log(error: type[FileError]):
    told = status_of(error("no policy allows s3:GetObject on arn:aws:s3:::bucket"))
    assert told.code not in (Code.OK, Code.EOF)
    assert told.message
    assert "s3" not in told.message


def test_refusals_carry_their_own_words():
    assert status_of(Refused(status.RANDOM_WRITE)) == status.RANDOM_WRITE
    assert status_of(Denied("why")) == Status(Code.PERMISSION_DENIED, "Permission denied")
