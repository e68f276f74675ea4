"""The file of attached buckets."""

from pathlib import Path

import pytest

from crossdock.core.backings import Backing
from crossdock.settings import BadSetting
from crossdock.settings.buckets_file import DeclaredBucket, parse_buckets_file, read_buckets_file

PATH = Path("/etc/crossdock/buckets.toml")


def test_each_table_is_a_bucket_and_paths_begin_beside_the_file():
    text = """
        [landing]
        account = "hub"
        to = "s3://incoming/crossdock"
        endpoint_url = "https://s3.example.com:9000"
        path_style = true
        credentials_file = "keys"
        ca_file = "/ca.pem"

        [archive]
        account = "222222222222"
        to = "s3://archive"
        profile = "storage"
        """
    assert parse_buckets_file(text, PATH) == (
        DeclaredBucket(
            name="landing",
            account="hub",
            backing=Backing(
                bucket="incoming",
                prefix="crossdock/",
                endpoint_url="https://s3.example.com:9000",
                path_style=True,
                credentials_file="/etc/crossdock/keys",
                ca_file="/ca.pem",
            ),
        ),
        DeclaredBucket(name="archive", account="222222222222", backing=Backing(bucket="archive", profile="storage")),
    )
    assert parse_buckets_file("", PATH) == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("landing = 1", r"write \[landing\] on a line"),
        ("[landing]\nto = 's3://x'", "bucket 'landing': account is missing"),
        ("[landing]\naccount = 'hub'", "bucket 'landing': '' is not s3://"),
        ("[landing]\naccount = 'hub'\nto = 's3://x'\nsecret = 'y'", "'secret' is none of"),
        ("[", "not valid TOML"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_named(text: str, sentence: str):
    with pytest.raises(BadSetting, match=sentence):
        parse_buckets_file(text, PATH)


def test_a_file_is_read_or_refused(tmp_path: Path):
    with pytest.raises(BadSetting, match="cannot read"):
        read_buckets_file(tmp_path / "none")
    (tmp_path / "buckets.toml").write_text("[box]\naccount = 'hub'\nto = 's3://x'\ncredentials_file = 'keys'\n")
    [found] = read_buckets_file(tmp_path / "buckets.toml")
    assert found.backing.credentials_file == str(tmp_path / "keys")
