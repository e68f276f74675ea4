"""A bucket policy that is withdrawn, and credentials that end, while files are on their way.

AWS decides each of its calls when it begins. An upload makes calls until its end, so it fails, and nothing is there; a
download is a call for each range of some MiB, so it fails at the next one and never ends as if it were whole.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.e2e.aws_cloud import BUCKET, HUB, SERVER_ID, Cloud, open_cloud, trust
from tests.e2e.halfway_clients import DOWNLOADS, UPLOADS, Halfway
from tests.e2e.harness import start_service, until
from tests.e2e.s3_fronts import Front, embedded_front
from tests.fakes.s3_fault_proxy import S3FaultProxy, s3_fault_proxy_beside

MIB = 1 << 20
CONTENT = os.urandom(32 * MIB)
"""More than is read ahead of a client, and than sockets take."""
DENIED = {"ftp": "550 Permission denied.", "sftp": "Permission denied"}
LIFE_S = 5
AGAIN_AFTER = timedelta(seconds=LIFE_S + 1)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("withdrawn")
    with open_cloud(folder) as cloud, embedded_front(cloud, folder) as front:
        yield front


def deny(front: Front, action: str) -> None:
    """By a statement more in the bucket's policy."""
    policy = json.loads(front.s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    policy["Statement"].append(statement)
    front.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


@contextmanager
def admitted(front: Front) -> Iterator[None]:
    """With the policy as it was, again when the block ends."""
    policy = front.s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    try:
        yield
    finally:
        front.s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)


@pytest.mark.parametrize("protocol", UPLOADS)
def test_an_upload_whose_permission_is_withdrawn_is_denied_and_leaves_nothing(front: Front, protocol: str):
    with admitted(front):
        upload = UPLOADS[protocol](front, f"{protocol}-up", CONTENT)
        until("an upload has begun", front.open_uploads)
        deny(front, "s3:PutObject")
        outcome = upload.finish()
    assert (outcome.worked, outcome.said) == (False, DENIED[protocol])
    assert front.content(f"{protocol}-up") is None
    until("its parts are gone", lambda: not front.open_uploads())
    told = front.cloud.logged("ERROR", f"{protocol}-up", "AccessDenied")
    assert f"s3:PutObject on {BUCKET}/{protocol}-up" in told
    assert f"role transfer-role of account {HUB}, request " in told


@pytest.mark.parametrize("protocol", DOWNLOADS)
def test_a_download_whose_permission_is_withdrawn_is_broken_off(front: Front, protocol: str):
    front.put("whole", CONTENT)
    with admitted(front):
        download = DOWNLOADS[protocol](front, "whole", CONTENT)
        deny(front, "s3:GetObject")
        outcome = download.finish()
    assert not outcome.worked
    assert outcome.said.startswith(DENIED[protocol])
    assert len(outcome.received) < len(CONTENT)
    assert CONTENT.startswith(outcome.received)
    assert front.cloud.logged("ERROR", "CLOSE", f"s3:GetObject on {BUCKET}/whole", "AccessDenied", "request ")


@pytest.mark.s3
def test_parts_that_may_not_be_deleted_any_more_are_deleted_at_the_next_start(front: Front, tmp_path: Path):
    with embedded_front(front.cloud, tmp_path) as own:
        upload = UPLOADS["ftp"](own, "left", CONTENT)
        until("an upload has begun", own.open_uploads)
        policy = own.s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
        own.s3.delete_bucket_policy(Bucket=BUCKET)
        outcome = upload.finish()
        own.s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)
        assert outcome.said == DENIED["ftp"]
        assert own.content("left") is None
        assert own.cloud.logged("ERROR", "s3:AbortMultipartUpload on partner-data/left")
        assert [upload["Key"] for upload in own.open_uploads()] == ["left"]
        own.gateway.stop()
        data, config = own.gateway.data_dir, own.gateway.data_dir.parent / "crossdock.toml"
        with start_service(data, "--config", str(config), variables=own.cloud.variables()):
            until("its parts are gone", lambda: not own.open_uploads())


@pytest.fixture(scope="module")
def brief_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Whose credentials of roles end after seconds."""
    folder = tmp_path_factory.mktemp("brief")
    with open_cloud(folder, variables={"CROSSDOCK_STS_LONGEST_SESSION_S": str(LIFE_S)}) as cloud:
        yield cloud


@pytest.fixture
def brief(brief_cloud: Cloud, tmp_path: Path) -> Iterator[tuple[Front, S3FaultProxy]]:
    """A gateway, and its way to STS. It runs with a user's key, which does not end."""
    iam = brief_cloud.service.client("hub", "iam")
    key = brief_cloud.service.environment("hub")
    arn = brief_cloud.service.client("hub", "sts").get_caller_identity()["Arn"]
    good = trust(gateway=arn.partition(f"{HUB}:")[2])
    iam.update_assume_role_policy(RoleName="transfer-role", PolicyDocument=good)
    address = urlsplit(brief_cloud.service.api_url)
    with s3_fault_proxy_beside(str(address.hostname), int(address.port or 0)) as sts:
        variables = {
            "AWS_ACCESS_KEY_ID": key["AWS_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": key["AWS_SECRET_ACCESS_KEY"],
            "AWS_SESSION_TOKEN": "",
            "AWS_ENDPOINT_URL_STS": sts.url,
        }
        with embedded_front(brief_cloud, tmp_path, variables=variables) as front:
            yield front, sts


def begin_all(front: Front) -> dict[str, Halfway]:
    """Both ways, by both protocols."""
    front.put("whole", CONTENT)
    for protocol in UPLOADS:
        front.delete(f"{protocol}-up")
    transfers = {f"{protocol} up": begin(front, f"{protocol}-up", CONTENT) for protocol, begin in UPLOADS.items()}
    transfers |= {f"{protocol} down": begin(front, "whole", CONTENT) for protocol, begin in DOWNLOADS.items()}
    until("the uploads have begun", lambda: len(front.open_uploads()) == len(UPLOADS))
    return transfers


def outlive_credentials() -> None:
    ends_at = datetime.now(UTC) + AGAIN_AFTER
    until("the credentials have ended", lambda: datetime.now(UTC) > ends_at)


@pytest.mark.s3
def test_credentials_that_end_are_renewed_and_no_transfer_notices(brief: tuple[Front, S3FaultProxy]):
    front, sts = brief
    transfers = begin_all(front)
    outlive_credentials()
    before = sts.calls.count("AssumeRole")
    front.proxy.begin(None)
    outcomes = {name: transfer.finish() for name, transfer in transfers.items()}
    assert {name for name, outcome in outcomes.items() if not outcome.worked} == set()
    assert sts.calls.count("AssumeRole") > before
    for protocol in UPLOADS:
        assert front.content(f"{protocol}-up") == CONTENT
        assert outcomes[f"{protocol} down"].received == CONTENT
    until("its parts are gone", lambda: not front.open_uploads())
    # None was asked for twice.
    assert front.proxy.calls.count("CompleteMultipartUpload") == len(UPLOADS)
    assert (
        front.cloud.service.client("hub", "logs").filter_log_events(
            logGroupName=f"/aws/transfer/{SERVER_ID}", filterPattern='"ERROR"'
        )["events"]
        == []
    )


@pytest.mark.s3
def test_credentials_that_end_and_are_not_renewed_fail_every_transfer(brief: tuple[Front, S3FaultProxy]):
    front, _ = brief
    transfers = begin_all(front)
    iam = front.cloud.service.client("hub", "iam")
    iam.update_assume_role_policy(RoleName="transfer-role", PolicyDocument=trust(external_id="another"))
    outlive_credentials()
    outcomes = {name: transfer.finish() for name, transfer in transfers.items()}
    assert {name for name, outcome in outcomes.items() if outcome.worked} == set()
    for name, outcome in outcomes.items():
        assert outcome.said.startswith(DENIED[name.split()[0]]), name
        assert CONTENT.startswith(outcome.received)
    assert front.content("ftp-up") is None
    assert front.content("sftp-up") is None
    told = front.cloud.logged("ERROR", "ASSUME_ROLE", "could not be renewed")
    assert "AccessDenied" in told
    assert "trust policy must admit this gateway's own identity" in told
    # Nobody may delete them now; the next start does: see above.
    front.abort_uploads()
