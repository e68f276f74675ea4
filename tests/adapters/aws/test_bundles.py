"""Where certificate authorities are looked for that nobody has named in a setting: where botocore looks."""

import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from aiobotocore.session import AioSession
from botocore.endpoint import EndpointCreator
from tests.fakes.aws_profiles import Profiles
from tests.fakes.certificates import self_signed
from tests.fakes.logins import SERVER

from crossdock.adapters.aws.bundles import Bundle, BundleTrust, bundle_of, verified_by
from crossdock.ports.provider_api import ApiUnreachable
from crossdock.settings.trusted_files import BadAuthorities

NOWHERE = "/nowhere"


@pytest.fixture(autouse=True)
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profiles:
    profiles = Profiles(tmp_path, monkeypatch)
    profiles.add("dock", ca_bundle="of-profile.pem")
    return profiles


def botocores(session: AioSession) -> object:
    """What botocore would verify by, were it not told: see `Session.create_client`."""
    found = EndpointCreator(None)._get_verify_value(session.get_config_variable("ca_bundle"))
    return None if found is True else found


@pytest.mark.parametrize(
    ("variables", "profile", "found", "named_by"),
    [
        ({}, None, None, ""),
        ({"AWS_CA_BUNDLE": "a.pem", "REQUESTS_CA_BUNDLE": "r.pem"}, "dock", "a.pem", "AWS_CA_BUNDLE"),
        ({"REQUESTS_CA_BUNDLE": "r.pem"}, "dock", "of-profile.pem", "ca_bundle of the profile dock"),
        ({"REQUESTS_CA_BUNDLE": "r.pem"}, None, "r.pem", "REQUESTS_CA_BUNDLE"),
        ({"AWS_PROFILE": "dock"}, None, "of-profile.pem", "ca_bundle of the profile dock"),
    ],
)
def test_it_is_found_as_botocore_finds_it(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], profile: str | None, found: str | None, named_by: str
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    bundle = bundle_of(AioSession(profile=profile))
    assert bundle == (None if found is None else Bundle(file=found, named_by=named_by))
    assert botocores(AioSession(profile=profile)) == found


def test_a_variable_that_is_empty_is_as_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, "")
    assert bundle_of(AioSession()) is None
    of_profile = Bundle(file="of-profile.pem", named_by="ca_bundle of the profile dock")
    assert bundle_of(AioSession(profile="dock")) == of_profile
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "r.pem")
    assert bundle_of(AioSession(profile="dock")) == of_profile
    assert bundle_of(AioSession()) == Bundle(file="r.pem", named_by="REQUESTS_CA_BUNDLE")


def test_it_is_looked_at_before_botocore_is_told(tmp_path: Path):
    assert verified_by(None) is True
    (tmp_path / "ca.pem").write_text(self_signed().chain_pem)
    assert verified_by(Bundle(file=str(tmp_path / "ca.pem"), named_by="x")) == str(tmp_path / "ca.pem")
    with pytest.raises(BadAuthorities, match="AWS_CA_BUNDLE: the file of certificate authorities /nowhere does not"):
        verified_by(Bundle(file=NOWHERE, named_by="AWS_CA_BUNDLE"))


async def test_identity_providers_are_trusted_by_the_profile_of_the_server(profiles: Profiles, tmp_path: Path):
    (tmp_path / "ca.pem").write_text(self_signed().chain_pem)
    profiles.add("hub", ca_bundle=str(tmp_path / "ca.pem"))
    trust = BundleTrust(lambda server: "hub" if server == SERVER else "")
    found = await trust(SERVER)
    assert isinstance(found, ssl.SSLContext)
    assert await trust(SERVER) is found
    assert await trust(replace(SERVER, region="eu-central-1")) is True


async def test_a_bundle_that_is_mended_counts_at_the_next_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    trust = BundleTrust(lambda _: "")
    with pytest.raises(ApiUnreachable, match=r"REQUESTS_CA_BUNDLE: .*ca\.pem does not exist") as refused:
        await trust(SERVER)
    assert "login.provider_ca_file" in refused.value.remedy
    (tmp_path / "ca.pem").write_text(self_signed().chain_pem)
    assert isinstance(await trust(SERVER), ssl.SSLContext)


async def test_a_profile_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ApiUnreachable, match="nobody"):
        await BundleTrust(lambda _: "")(SERVER)
