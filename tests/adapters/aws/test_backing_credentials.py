"""The credentials of a backing: where they come from, and that changed ones are found."""

import os
from pathlib import Path

import pytest
from tests.fakes.stub_s3 import error, stub_s3

from crossdock.adapters.aws.backing_credentials import BackingCredentials
from crossdock.core.backings import Backing
from crossdock.core.errors import Unavailable


def section(name: str, key: str, *, token: str = "") -> str:
    further = f"aws_session_token = {token}\n" if token else ""
    return f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = secret-of-{key}\n{further}"


def of_file(path: Path, profile: str = "") -> BackingCredentials:
    return BackingCredentials(Backing(bucket="box", credentials_file=str(path), profile=profile))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Nothing of the caller's."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "shared"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


async def test_a_file_has_them_by_default_or_in_the_named_section(tmp_path: Path):
    (tmp_path / "keys").write_text(section("default", "ONE", token="T") + section("other", "TWO"))
    found = await of_file(tmp_path / "keys").current()
    assert (found.access_key_id, found.secret_access_key, found.session_token) == ("ONE", "secret-of-ONE", "T")
    found = await of_file(tmp_path / "keys", "other").current()
    assert (found.access_key_id, found.session_token) == ("TWO", "")


async def test_a_file_wins_over_the_environment(tmp_path: Path, environment: pytest.MonkeyPatch):
    environment.setenv("AWS_ACCESS_KEY_ID", "ENVIRONMENT")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "x")
    (tmp_path / "keys").write_text(section("default", "FILE"))
    assert (await of_file(tmp_path / "keys").current()).access_key_id == "FILE"


async def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path):
    path = tmp_path / "keys"
    path.write_text(section("default", "ONE"))
    credentials = of_file(path)
    first = await credentials.current()
    assert await credentials.current() is first
    # As a mounted secret changes: the name leads to another file.
    (tmp_path / "new").write_text(section("default", "TWO"))
    (tmp_path / "new").rename(path)
    assert (await credentials.current()).access_key_id == "TWO"


@pytest.mark.parametrize("broken", ["", "[default]\naws_access_key_id = X\n", "no section", None])
async def test_a_file_that_is_broken_for_a_while_leaves_the_former_ones(
    tmp_path: Path, broken: str | None, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "keys"
    path.write_text(section("default", "ONE"))
    credentials = of_file(path)
    await credentials.current()
    path.unlink()
    if broken is not None:
        path.write_text(broken)
    for _ in range(3):
        assert (await credentials.current()).access_key_id == "ONE"
    assert caplog.messages == ["changed credentials cannot be read, and the former ones stay in use"]
    path.unlink(missing_ok=True)
    path.write_text(section("default", "TWO"))
    assert (await credentials.current()).access_key_id == "TWO"


@pytest.mark.parametrize("content", [None, "", "[default]\naws_access_key_id = KEY\n", "[other]\n", "no section"])
async def test_a_file_without_any_is_unavailable_and_told_without_secrets(tmp_path: Path, content: str | None):
    if content is not None:
        (tmp_path / "keys").write_text(content)
    with pytest.raises(Unavailable, match=str(tmp_path / "keys")):
        await of_file(tmp_path / "keys").current()


async def test_a_profile_is_looked_up_as_the_aws_tools_do_and_again_when_it_changes(tmp_path: Path):
    (tmp_path / "shared").write_text(section("storage", "ONE"))
    credentials = BackingCredentials(Backing(bucket="box", profile="storage"))
    assert (await credentials.current()).access_key_id == "ONE"
    assert (await credentials.current()).access_key_id == "ONE"
    (tmp_path / "shared").write_text(section("storage", "ANOTHER"))
    assert (await credentials.current()).access_key_id == "ANOTHER"


async def test_without_either_it_is_the_environment(environment: pytest.MonkeyPatch):
    with pytest.raises(Unavailable, match="the service's environment"):
        await BackingCredentials(Backing(bucket="box")).current()
    environment.setenv("AWS_ACCESS_KEY_ID", "ENVIRONMENT")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "x")
    assert (await BackingCredentials(Backing(bucket="box")).current()).access_key_id == "ENVIRONMENT"


async def test_a_profile_that_is_not_there_is_unavailable():
    with pytest.raises(Unavailable, match="nobodys"):
        await BackingCredentials(Backing(bucket="box", profile="nobodys")).current()


async def test_a_profile_whose_program_says_nonsense_is_unavailable_and_nonsense_later_leaves_the_former(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    config = tmp_path / "config"
    config.write_text("[profile storage]\ncredential_process = echo a-secret\n")
    credentials = BackingCredentials(Backing(bucket="box", profile="storage"))
    with pytest.raises(Unavailable, match=r"cannot be had: .* not understood \(JSONDecodeError\)$"):
        await credentials.current()
    config.write_text("[profile storage]\naws_access_key_id = ONE\naws_secret_access_key = x\n")
    for _ in range(2):
        assert (await credentials.current()).access_key_id == "ONE"
    config.write_text("[profile storage]\ncredential_process = echo a-secret, too\n")
    assert (await credentials.current()).access_key_id == "ONE"
    assert "the former ones stay in use" in caplog.text
    assert "a-secret" not in caplog.text


async def test_a_role_that_may_not_be_assumed_is_unavailable(tmp_path: Path):
    async with stub_s3() as sts:
        (tmp_path / "config").write_text(
            "[profile user]\naws_access_key_id = ONE\naws_secret_access_key = x\n"
            "[profile storage]\nrole_arn = arn:aws:iam::111111111111:role/r\nsource_profile = user\n"
            f"region = us-east-1\nendpoint_url = {sts.url}\n"
        )
        sts.then(error(403, "AccessDenied"))
        with pytest.raises(Unavailable, match=r"the credentials for s3://box/ .* cannot be had: .*AssumeRole"):
            await BackingCredentials(Backing(bucket="box", profile="storage")).current()
    assert sts.is_done
