"""How identity providers behind a URL are reached, as the settings say."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.aws_profiles import Profiles
from tests.fakes.certificates import self_signed, server_context
from tests.fakes.house import make_house
from tests.fakes.logins import make_attempt
from tests.fakes.provider_gateway import ScriptedRoles, gateway_server, provider_gateway

from crossdock.app.provider_api import open_logins_api
from crossdock.core.provider_urls import login_url
from crossdock.ports.provider_api import ApiUnreachable
from crossdock.settings import BadSetting, Settings

DEFAULT = Settings()


async def test_authorities_of_ones_own_come_from_the_logins_setting_or_that_of_aws(tmp_path: Path) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.write_text(self_signed().chain_pem)
    of_logins = replace(DEFAULT, login=replace(DEFAULT.login, provider_ca_file=authorities))
    of_aws = replace(DEFAULT, authority="aws", aws=replace(DEFAULT.aws, ca_file=authorities))
    beside = replace(DEFAULT, aws=replace(DEFAULT.aws, ca_file=authorities))
    async with provider_gateway(tls=server_context(tmp_path)) as gateway:
        server, url = gateway_server(gateway.url), login_url(gateway.url, make_attempt())
        for settings in (of_logins, of_aws):
            async with open_logins_api(settings, make_house(), ScriptedRoles()) as api:
                assert (await api.get(server, url=url, headers={})).status == 200
        async with open_logins_api(beside, make_house(), ScriptedRoles()) as api:
            with pytest.raises(ApiUnreachable, match="certificate is not trusted"):
                await api.get(server, url=url, headers={})


@pytest.mark.parametrize(
    ("settings", "variable"),
    [(DEFAULT, "AWS_CA_BUNDLE"), (DEFAULT, "REQUESTS_CA_BUNDLE"), (replace(DEFAULT, authority="aws"), "AWS_CA_BUNDLE")],
)
async def test_without_a_setting_authorities_are_those_that_the_aws_tools_would_believe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings, variable: str
) -> None:
    Profiles(tmp_path, monkeypatch)
    monkeypatch.setenv(variable, str(tmp_path / "ca.pem"))
    async with provider_gateway(tls=server_context(tmp_path)) as gateway:
        server, url = gateway_server(gateway.url), login_url(gateway.url, make_attempt())
        async with open_logins_api(settings, make_house(), ScriptedRoles()) as api:
            with pytest.raises(ApiUnreachable, match=rf"{variable}: .*ca\.pem does not exist"):
                await api.get(server, url=url, headers={})
            assert gateway.heard == []
            (tmp_path / "ca.pem").write_text(self_signed().chain_pem)
            assert (await api.get(server, url=url, headers={})).status == 200


async def test_the_profile_of_the_settings_names_them_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ca.pem").write_text(self_signed().chain_pem)
    Profiles(tmp_path, monkeypatch).add("dock", ca_bundle=str(tmp_path / "ca.pem"))
    settings = replace(DEFAULT, authority="aws", aws=replace(DEFAULT.aws, profile="dock"))
    async with provider_gateway(tls=server_context(tmp_path)) as gateway:
        server, url = gateway_server(gateway.url), login_url(gateway.url, make_attempt())
        async with open_logins_api(settings, make_house(), ScriptedRoles()) as api:
            assert (await api.get(server, url=url, headers={})).status == 200


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_authorities_that_cannot_be_read_end_the_start_with_a_sentence(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    settings = replace(DEFAULT, login=replace(DEFAULT.login, provider_ca_file=file))
    with pytest.raises(BadSetting, match=r"login.provider_ca_file: .*ca.pem (does not exist|holds no certificate)"):
        async with open_logins_api(settings, make_house(), ScriptedRoles()):
            raise AssertionError
