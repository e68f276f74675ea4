"""What S3 and the network answer, as users hear it and operators read it, through a real gateway process.

The client hears its protocol's word and nothing of policies; the log has a sentence that names action, bucket and
object, S3's code, the role and its account, and S3's request id.
"""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ftplib import FTP, Error
from itertools import count
from pathlib import Path

import paramiko
import pytest
from tests.e2e.aws_cloud import BUCKET, HUB, Cloud, open_cloud
from tests.e2e.halfway_clients import close, log_in, open_sftp, told
from tests.e2e.s3_fronts import Front, embedded_front
from tests.fakes.certificates import server_context
from tests.fakes.s3_fault_proxy import REQUEST_ID, Deed, Fault, answer, s3_fault_proxy_beside

DENIED = ("550 Permission denied.", "Permission denied")
MISSING = ("550 No such file or directory.", "No such file")
TRY_AGAIN = ("451 ", "The storage is unavailable, try again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`hears` is what FTP's and SFTP's clients are told, `reads` what stands in the log besides S3's code."""

    status: int
    code: str
    hears: tuple[str, str]
    reads: str = ""
    headers: str = ""


CASES = [
    Case(status=403, code="AccessDenied", hears=DENIED),
    Case(status=404, code="NoSuchBucket", hears=MISSING),
    Case(status=404, code="NoSuchKey", hears=MISSING),
    Case(status=412, code="PreconditionFailed", hears=TRY_AGAIN),
    Case(status=503, code="SlowDown", hears=TRY_AGAIN, reads="S3 throttles the requests"),
    Case(status=429, code="TooManyRequests", hears=TRY_AGAIN),
    Case(status=400, code="ExpiredToken", hears=DENIED, reads="the session's credentials have expired"),
    Case(
        status=403,
        code="RequestTimeTooSkewed",
        hears=TRY_AGAIN,
        reads="S3's clock says Sun, 15 Mar 2026 00:47:00 GMT",
        headers="Date: Sun, 15 Mar 2026 00:47:00 GMT\r\n",
    ),
    Case(
        status=301,
        code="PermanentRedirect",
        hears=TRY_AGAIN,
        reads="the bucket is in region eu-west-1",
        headers="x-amz-bucket-region: eu-west-1\r\n",
    ),
    Case(status=403, code="SignatureDoesNotMatch", hears=DENIED, reads="the secret key is another one"),
    Case(status=507, code="InsufficientStorage", hears=("452 ", "No space left")),
    Case(status=500, code="InternalError", hears=TRY_AGAIN),
]


@dataclass(frozen=True, slots=True)
class Users:
    """One of each protocol, logged in. Each answers with what was heard."""

    ftp: FTP
    sftp: paramiko.SFTPClient

    def put(self, name: str) -> tuple[str, str]:
        def write() -> None:
            file = self.sftp.open(name, "wb")
            file.write(b"x")
            close(self.sftp, file)

        return heard(lambda: self.ftp.storbinary(f"STOR {name}", io.BytesIO(b"x"))), told(write)[1]

    def get(self, name: str) -> tuple[str, str]:
        def read() -> None:
            with self.sftp.open(name, "rb") as file:
                file.read()

        return heard(lambda: self.ftp.retrbinary(f"RETR {name}", lambda _: None)), told(read)[1]


def heard(command) -> str:
    try:
        return str(command())
    except Error as error:
        return str(error)


@contextmanager
def logged_in(front: Front) -> Iterator[Users]:
    with ExitStack() as stack, log_in(front) as ftp:
        yield Users(ftp, open_sftp(front, stack))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with open_cloud(tmp_path_factory.mktemp("truth")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def front(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with embedded_front(cloud, tmp_path_factory.mktemp("front"), aws={"s3_attempts": 1}) as front:
        yield front


@pytest.fixture(scope="module")
def users(front: Front) -> Iterator[Users]:
    with logged_in(front) as users:
        yield users


NUMBERS = count(1)


def of_upload(expected: tuple[str, str]) -> tuple[str, str]:
    """FTP has other codes for what the store does to an upload that has begun."""
    by_ftp, by_sftp = expected
    return {"451 ": "551 "}.get(by_ftp, by_ftp), by_sftp


def require(heard: tuple[str, str], expected: tuple[str, str]) -> None:
    assert [said.startswith(begin) for said, begin in zip(heard, expected, strict=True)] == [True, True], heard


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_the_client_hears_its_word_and_the_log_has_the_sentence(front: Front, users: Users, case: Case):
    name = f"file-{next(NUMBERS)}"
    said = answer(case.status, case.code, headers=case.headers)
    front.proxy.begin(Fault(Deed.ANSWER, kind="PutObject", answer=said))
    require(users.put(name), of_upload(case.hears))
    front.proxy.begin(None)
    assert front.content(name) is None
    front.put(name, b"x")
    front.proxy.begin(Fault(Deed.ANSWER, kind="GetObject", answer=said))
    require(users.get(name), case.hears)
    front.proxy.begin(None)
    who = f"(role transfer-role of account {HUB}, request {REQUEST_ID})"
    for operation, action in (("PutObject", "s3:PutObject"), ("GetObject", "s3:GetObject")):
        what = f"{action} on" if case.hears == DENIED else f"{operation} of"
        assert front.cloud.logged("ERROR", f"{what} {BUCKET}/{name}: ", case.reads, f"{case.code}: so it is {who}")


def test_a_throttled_login_is_told_as_what_it_is(front: Front):
    """The session's own calls: an S3 that fails does not break the session."""
    with logged_in(front) as users:
        front.proxy.begin(Fault(Deed.SLOW_DOWN, kind="PutObject"))
        require(users.put("later"), of_upload(TRY_AGAIN))
        front.proxy.begin(None)
        assert users.put("later") == ("226 Transfer complete.", "")


@pytest.mark.s3
def test_a_name_that_cannot_be_found_and_a_certificate_that_is_not_trusted(cloud: Cloud, tmp_path: Path):
    # Nobody's authority has signed what is shown there.
    with s3_fault_proxy_beside("127.0.0.1", 0, tls=server_context(tmp_path)) as stranger:
        for number, (url, sentence) in enumerate(
            [
                ("http://s3.invalid", f"the host name {BUCKET}.s3.invalid cannot be found"),
                (f"https://127.0.0.1:{stranger.port}", "the certificate of 127.0.0.1 is not trusted"),
            ]
        ):
            folder = tmp_path / str(number)
            folder.mkdir()
            opening = embedded_front(cloud, folder, aws={"s3_attempts": 1}, variables={"AWS_ENDPOINT_URL_S3": url})
            with opening as front, logged_in(front) as users:
                name = f"nowhere-{number}"
                require(users.put(name), of_upload(TRY_AGAIN))
                assert front.cloud.logged(
                    "ERROR", f"PutObject of {BUCKET}/{name}: {sentence}", f"(role transfer-role of account {HUB})"
                )
