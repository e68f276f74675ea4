"""Ceph's S3 gateway, killed and started again while files are on their way, both ways and by both protocols."""

import os
from collections.abc import Iterator

import pytest
from tests.e2e.aws_cloud import Cloud, open_cloud
from tests.e2e.halfway_clients import DOWNLOADS, UPLOADS, Halfway
from tests.e2e.harness import start_service, until
from tests.e2e.s3_fronts import Front, ceph_front, ceph_key
from tests.fakes.ceph_rgw import CephRgw

pytestmark = pytest.mark.s3
CONTENT = os.urandom(40 << 20)


@pytest.fixture(scope="module")
def cloud(ceph_gateway: CephRgw, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    variables = {"CROSSDOCK_KEYS": ceph_key(ceph_gateway)}
    with open_cloud(tmp_path_factory.mktemp("restarts"), variables=variables) as cloud:
        yield cloud


def begin_all(front: Front) -> dict[str, Halfway]:
    front.put("whole", CONTENT)
    transfers = {f"{protocol} up": begin(front, f"{protocol}-up", CONTENT) for protocol, begin in UPLOADS.items()}
    transfers |= {f"{protocol} down": begin(front, "whole", CONTENT) for protocol, begin in DOWNLOADS.items()}
    until("the uploads have begun", lambda: len(front.open_uploads()) == len(UPLOADS))
    return transfers


def test_a_gateway_that_comes_back_costs_no_more_than_time(cloud: Cloud, ceph_gateway: CephRgw, tmp_path):
    # It also answers with errors while it starts.
    with ceph_front(cloud, ceph_gateway, tmp_path, aws={"s3_attempts": 16}) as front:
        transfers = begin_all(front)
        ceph_gateway.kill()
        ceph_gateway.start()
        outcomes = {name: transfer.finish() for name, transfer in transfers.items()}
        ceph_gateway.wait()
        assert {name: outcome.said for name, outcome in outcomes.items() if not outcome.worked} == {}
        for protocol in UPLOADS:
            assert front.content(f"{protocol}-up") == CONTENT
            assert outcomes[f"{protocol} down"].received == CONTENT
        assert front.open_uploads() == []


def test_a_gateway_that_stays_away_is_told_to_every_client(cloud: Cloud, ceph_gateway: CephRgw, tmp_path):
    with ceph_front(cloud, ceph_gateway, tmp_path, aws={"s3_attempts": 2, "s3_timeout_s": 2.0}) as front:
        transfers = begin_all(front)
        ceph_gateway.kill()
        outcomes = {name: transfer.finish() for name, transfer in transfers.items()}
        ceph_gateway.start()
        ceph_gateway.wait()
        assert {name for name, outcome in outcomes.items() if outcome.worked} == set()
        for name, outcome in outcomes.items():
            # An upload may not be tried again by itself: what lay there before is not its beginning.
            code = "451 " if name.endswith("down") else "551 "
            assert outcome.said.startswith({"ftp": code, "sftp": "The storage is unavailable"}[name.split()[0]]), name
            assert CONTENT.startswith(outcome.received)
        assert [front.content(f"{protocol}-up") for protocol in UPLOADS] == [None, None]
        assert front.cloud.logged("ERROR", f"of {front.bucket}/ftp-up: ", f"(role {front.role}")
        # It was not there to be told that the uploads have ended: the next start tells it.
        gateway = front.gateway
        gateway.stop()
        variables = {
            "AWS_ACCESS_KEY_ID": ceph_gateway.access_key,
            "AWS_SECRET_ACCESS_KEY": ceph_gateway.secret_key,
            "AWS_ENDPOINT_URL": ceph_gateway.url,
        }
        config = gateway.data_dir.parent / "crossdock.toml"
        with start_service(gateway.data_dir, "--config", str(config), variables=variables):
            until("no parts are left", lambda: not front.open_uploads())
