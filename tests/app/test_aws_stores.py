"""Whom the gateway believes when it talks to an S3."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.aws_profiles import Profiles
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
    Profiles(tmp_path, monkeypatch)
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
    for name in ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(bundle))
        await use_s3(tmp_path)
        monkeypatch.delenv(name)


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
    with pytest.raises(BadSetting, match=r"AWS_CA_BUNDLE: .* /nowhere does not exist"):
        await use_s3(tmp_path)


async def test_profiles_that_cannot_be_used_are_settings_that_cannot_be_meant(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadSetting, match=r"^aws\.profile: there is no profile nosuch \(those there are: none\)$"):
        open_session(AwsSettings(profile="nosuch"))
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    with pytest.raises(BadSetting, match=r"^AWS_PROFILE, AWS_CONFIG_FILE or ~/\.aws: there is no profile nosuch"):
        open_session(AwsSettings())
    monkeypatch.delenv("AWS_PROFILE")
    (tmp_path / "aws-config").write_text("[default\n")
    with pytest.raises(BadSetting, match=r"cannot be read: Unable to parse config file: .*aws-config"):
        open_session(AwsSettings())


async def test_a_file_of_the_settings_that_has_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(BadSetting, match=r"aws\.ca_file: .*text\.pem holds no certificate in PEM"):
        await use_s3(tmp_path, ca_file=tmp_path / "text.pem")


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:99999", "http://me:open-sesame@-"])
async def test_an_endpoint_of_the_environment_that_is_no_url_is_a_bad_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    Profiles(tmp_path, monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    aws = AwsSettings()
    with pytest.raises(BadSetting, match=r"^S3 has no address: .* \(aws\.endpoint_url, AWS_ENDPOINT_URL, ") as refused:
        async with open_aws_stores(
            aws, region="us-east-1", clock=SystemClock(), ledger=MemoryLedger(""), session=open_session(aws)
        ):
            pass
    assert "sesame" not in str(refused.value)
