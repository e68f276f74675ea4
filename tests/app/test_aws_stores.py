"""Whom the gateway believes when it talks to an S3."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.certificates import self_signed, server_context
from tests.fakes.stub_s3 import CALLER, CREDENTIALS, ok, stub_s3
from tests.fakes.worker_lines import MemoryLedger

from crossdock.adapters.host.clock import SystemClock
from crossdock.app.aws_stores import open_aws_stores, open_session
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.settings import AwsSettings, BadSetting

LISTING = ok(b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
PUT = ok(headers={"ETag": '"x"'})
NOWHERE = "/nowhere"


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(self_signed().chain_pem)
    for name in ("AWS_CA_BUNDLE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", NOWHERE)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", NOWHERE)
    return bundle


async def use_s3(tmp_path: Path, **settings: object) -> None:
    """Once by aiobotocore, once by our own connections."""
    async with stub_s3(tls=server_context(tmp_path)) as stub:
        aws = AwsSettings(endpoint_url=f"https://localhost:{stub.port}", path_style=True, s3_attempts=1, **settings)
        async with open_aws_stores(
            aws, region="us-east-1", clock=SystemClock(), ledger=MemoryLedger(""), session=open_session(aws)
        ) as stores:
            store = stores(CREDENTIALS, CALLER)
            stub.then(LISTING, PUT)
            await store.list("box", "")
            await store.put(ObjectPlace(bucket="box", key="a"), [b"content"], {})
        assert stub.is_done


async def test_the_bundle_of_the_environment_is_believed(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable, match="not trusted"):
        await use_s3(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    await use_s3(tmp_path)


async def test_the_bundle_of_the_profile_is_believed(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(f"[profile dock]\nca_bundle = {bundle}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    await use_s3(tmp_path, profile="dock")


async def test_the_file_that_is_set_is_believed_before_the_bundle(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", NOWHERE)
    await use_s3(tmp_path, ca_file=bundle)


async def test_a_bundle_that_cannot_be_read_is_named(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", NOWHERE)
    with pytest.raises(BadSetting, match=r"AWS_CA_BUNDLE.*/nowhere has no certificates"):
        await use_s3(tmp_path)
