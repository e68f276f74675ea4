"""A user's bucket whose objects lie in SeaweedFS: the tests of attached buckets, of appending and of resuming."""

import ftplib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.harness import aws_session
from tests.e2e.jetty import BUCKET, ROLE, USER
from tests.e2e.openssh_clients import Sftp
from tests.e2e.quay import Quay, open_quay
from tests.e2e.test_appending import (  # noqa: F401 - tests, and a fixture
    SETTINGS,
    ftp,
    test_a_directory_is_renamed,
    test_a_file_grows_over_sftp,
    test_a_file_in_parts_is_continued,
    test_an_upload_over_sftp_goes_on_where_it_stopped,
    test_files_grow_and_are_continued,
)
from tests.e2e.test_attached_buckets import (  # noqa: F401 - tests, and a fixture
    BEHIND,
    EVERYTHING,
    MIB,
    OtherS3,
    attach_home,
    document,
    nothing_is_there,
    test_a_policy_of_ours_that_is_withdrawn_ends_what_is_on_its_way,
    test_an_s3_that_is_away_is_a_551_and_the_log_says_why,
    test_an_upload_that_a_crash_cut_off_leaves_no_parts_there,
    test_ftp_up_down_list_rename_and_delete,
    test_sftp_up_down_list_rename_and_delete,
)
from tests.e2e.test_attached_buckets import ftp as lftp_on
from tests.e2e.test_resuming import (  # noqa: F401 - tests
    test_in_front_of_another_s3_an_upload_outlives_a_killed_gateway,
)
from tests.fakes.seaweedfs import SeaweedFs

pytestmark = pytest.mark.s3


@pytest.fixture(scope="module")
def other(seaweedfs_server: SeaweedFs, tmp_path_factory: pytest.TempPathFactory) -> OtherS3:
    weed, credentials = seaweedfs_server, tmp_path_factory.mktemp("seaweedfs") / "credentials"
    key = {"aws_access_key_id": weed.access_key, "aws_secret_access_key": weed.secret_key}
    credentials.write_text("\n".join(["[default]", *(f"{name}={value}" for name, value in key.items())]))
    s3 = aws_session().client("s3", region_name="us-east-1", endpoint_url=weed.url, **key)
    s3.create_bucket(Bucket=BEHIND)
    return OtherS3(url=weed.url, credentials=credentials, s3=s3)


@pytest.fixture(scope="module")
def quay(other: OtherS3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    with open_quay(tmp_path_factory.mktemp("quay"), variables=SETTINGS, with_sftp=True) as quay:
        attach_home(quay, other)
        yield quay


def test_what_is_written_behind_our_back_is_simply_there(quay: Quay, other: OtherS3, tmp_path: Path):
    for content in ("1", "3"):
        other.s3.put_object(Bucket=BEHIND, Key="a/b/theirs/f", Body=content.encode())
        assert lftp_on(quay, tmp_path, "cls -1 theirs; cat theirs/f").stdout.split() == ["theirs/f", content]
    other.s3.delete_object(Bucket=BEHIND, Key="a/b/theirs/f")
    assert "550" in lftp_on(quay, tmp_path, "get theirs/f -o gone").stderr


def test_a_directory_does_not_take_a_files_place(quay: Quay, other: OtherS3, tmp_path: Path):
    """SeaweedFS would let it: it keeps one of a key and the same key with a slash at its end."""
    (tmp_path / "f").write_bytes(b"x")
    assert lftp_on(quay, tmp_path, "put f -o both; put f -o both/f").returncode == 0
    assert "550" in lftp_on(quay, tmp_path, "mkdir both").stderr
    assert other.names() == ["a/b/both", "a/b/both/f"]
    assert other.content("a/b/both") == b"x"


def test_a_directory_goes_from_a_bucket_of_our_own_and_back(quay: Quay, other: OtherS3, tmp_path: Path):
    """With its markers, which SeaweedFS has as soon as something lies below."""
    hub, own = quay.service, "hub-own"
    hub.client("hub", "s3").create_bucket(Bucket=own)
    hub.client("hub", "iam").put_role_policy(RoleName=ROLE, PolicyName="own", PolicyDocument=document(EVERYTHING))
    large = os.urandom(20 * MIB)
    for name, content in (("f", b"x"), ("none", b""), ("large", large)):
        (tmp_path / name).write_bytes(content)
    puts = [f"put {tmp_path}/{name} /{own}/dir/{name}" for name in ("f", "none", "large")]
    sftp = Sftp(quay.jetties["managed"], tmp_path)
    sftp.obey(f"mkdir /{own}/dir", f"mkdir /{own}/dir/empty", *puts, f"rename /{own}/dir /{BUCKET}/dir")
    names = ["dir/", "dir/empty/", "dir/f", "dir/large", "dir/none"]
    assert other.names() == [f"a/b/{name}" for name in names]
    assert (other.content("a/b/dir/f"), other.content("a/b/dir/large")) == (b"x", large)
    sftp.obey(f"rename /{BUCKET}/dir /{own}/back")
    assert other.names() == []
    listed = hub.client("hub", "s3").list_objects_v2(Bucket=own)["Contents"]
    assert [item["Key"] for item in listed] == [name.replace("dir", "back") for name in names]


@pytest.mark.parametrize("name", ["back\\slash", "x" * 256])
def test_a_name_that_it_would_not_keep_is_refused(quay: Quay, other: OtherS3, tmp_path: Path, name: str):
    (tmp_path / "f").write_bytes(b"x")
    with ftplib.FTP() as client, (tmp_path / "f").open("rb") as file:
        client.connect(quay.address, quay.port, timeout=60)
        client.login(USER, quay.password)
        with pytest.raises(ftplib.error_perm, match="553"):
            client.storbinary(f"STOR {name}", file)
    assert other.names() == []
