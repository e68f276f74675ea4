"""Profiles that cannot be used are sentences, and never an error of a library."""

from pathlib import Path

import pytest
from botocore.exceptions import PartialCredentialsError
from tests.fakes.aws_profiles import Profiles

from crossdock.adapters.aws.profiles import BadProfile, CredentialsNotRead, credentials_of, open_profile, renewed


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profiles:
    return Profiles(tmp_path, monkeypatch)


def test_a_profile_that_is_there_is_opened_and_none_needs_to_be(profiles: Profiles) -> None:
    assert open_profile("").profile is None
    profiles.add("dock", region="eu-west-3")
    assert open_profile("dock").get_config_variable("region") == "eu-west-3"


@pytest.mark.parametrize("variable", ["", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_a_profile_that_is_not_there_is_named_with_those_that_are(
    profiles: Profiles, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    profiles.add("dock")
    if variable:
        monkeypatch.setenv(variable, "nosuch")
    with pytest.raises(BadProfile, match=r"^there is no profile nosuch \(those there are: dock\)$"):
        open_profile("" if variable else "nosuch")


def test_files_that_are_no_profiles_are_named(profiles: Profiles) -> None:
    profiles.file.write_text("[profile dock\n")
    for name in ("", "dock"):
        with pytest.raises(BadProfile, match=r"^the profiles of the AWS tools cannot be read: .*aws-config$"):
            open_profile(name)


@pytest.mark.parametrize("empty", ["aws_access_key_id", "aws_secret_access_key"])
async def test_half_a_key_is_no_key(profiles: Profiles, empty: str) -> None:
    profiles.add("half", **{"aws_access_key_id": "AKIA", "aws_secret_access_key": "x", empty: ""})
    with pytest.raises(PartialCredentialsError, match=f"config-file, missing: {empty}"):
        await credentials_of(open_profile("half"))


async def test_a_whole_key_and_one_that_is_had_later_and_none_are_let_pass(profiles: Profiles) -> None:
    profiles.add("whole", aws_access_key_id="AKIA", aws_secret_access_key="x")
    profiles.add("later", role_arn="arn:aws:iam::111111111111:role/r", source_profile="whole")
    for name in ("whole", "later"):
        assert await credentials_of(open_profile(name)) is not None
    assert await credentials_of(open_profile("")) is None


SECRET = "a-secret-that-nobody-may-read"
UNREADABLE = pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"credential_process": "/nonexistent/program"}, "No such file or directory: /nonexistent/program$"),
        ({"credential_process": f"echo {SECRET}"}, r"not understood \(JSONDecodeError\)$"),
        ({"credential_process": f"echo '[\"{SECRET}\"]'"}, r"not understood \(AttributeError\)$"),
        (
            {
                "credential_process": f'echo {{"Version":1,"AccessKeyId":"A","SecretAccessKey":"{SECRET}",'
                f'"Expiration":"{SECRET}"}}'.replace('"', '\\"')
            },
            r"not understood \(\w+\)$",
        ),
        (
            {"role_arn": "arn:aws:iam::111111111111:role/r", "web_identity_token_file": "/nonexistent/token"},
            "No such file or directory: /nonexistent/token$",
        ),
    ],
)
"""Settings of a profile, and what is told of them."""


@UNREADABLE
async def test_what_a_profile_names_and_cannot_be_read_is_a_sentence_without_what_it_said(
    profiles: Profiles, settings: dict[str, str], words: str
) -> None:
    profiles.add("dock", **settings)

    async def read() -> None:
        credentials = await credentials_of(open_profile("dock"))
        assert credentials is not None
        await renewed(credentials)

    with pytest.raises(CredentialsNotRead, match=words) as raised:
        await read()
    assert SECRET not in str(raised.value)


async def test_credentials_are_had_as_they_are_to_be_used(profiles: Profiles) -> None:
    profiles.add("whole", aws_access_key_id="AKIA", aws_secret_access_key="x")
    credentials = await credentials_of(open_profile("whole"))
    assert credentials is not None
    assert (await renewed(credentials)).access_key == "AKIA"
