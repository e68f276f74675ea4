"""The settings that say who may reach what, and what clients are told to reach."""

import pytest

from crossdock.settings import BadSetting, load_settings


def refused(tmp_path, text):
    path = tmp_path / "crossdock.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadSetting) as refusal:
        load_settings(path, environment={})
    return str(refusal.value).removeprefix(str(path)).removeprefix(": ")


def test_nothing_is_open_or_trusted_until_somebody_says_so():
    settings = load_settings(environment={})
    assert not settings.allow_open_servers
    assert not settings.allow_public_ftp
    assert settings.ftp.proxy_protocol_from == ()
    assert settings.passive_ip == {}
    assert (settings.login.sessions_per_server, settings.login.sessions_per_user) == (10_000, 0)


def test_they_are_read_from_a_file(tmp_path):
    path = tmp_path / "crossdock.toml"
    path.write_text(
        """
        allow_open_servers = true
        allow_public_ftp = true
        [passive_ip]
        "10.0.0.0/8" = "AUTO"
        "0.0.0.0/0" = "198.51.100.7"
        [ftp]
        proxy_protocol_from = ["10.0.0.1", "2001:db8::/32"]
        """,
        encoding="utf-8",
    )
    settings = load_settings(path, environment={})
    assert settings.allow_open_servers
    assert settings.allow_public_ftp
    assert settings.passive_ip == {"10.0.0.0/8": "AUTO", "0.0.0.0/0": "198.51.100.7"}
    assert settings.ftp.proxy_protocol_from == ("10.0.0.1", "2001:db8::/32")


def test_they_are_read_from_variables():
    settings = load_settings(
        environment={
            "CROSSDOCK_ALLOW_OPEN_SERVERS": "yes",
            "CROSSDOCK_PASSIVE_IP": "10.0.0.0/8=AUTO, 2001:db8::/32=198.51.100.7",
            "CROSSDOCK_FTP_PROXY_PROTOCOL_FROM": "10.0.0.1, 10.1.0.0/16",
        }
    )
    assert settings.allow_open_servers
    assert settings.passive_ip == {"10.0.0.0/8": "AUTO", "2001:db8::/32": "198.51.100.7"}
    assert settings.ftp.proxy_protocol_from == ("10.0.0.1", "10.1.0.0/16")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[passive_ip]\n"office" = "AUTO"', "passive_ip: 'office' is not a network such as 10.0.0.0/8"),
        ('[passive_ip]\n"10.0.0.5/8" = "AUTO"', "passive_ip: '10.0.0.5/8' has bits beyond its prefix: 10.0.0.0/8"),
        ('[passive_ip]\n"10.0.0.0/8" = "::1"', "passive_ip: '::1', for 10.0.0.0/8, is not AUTO or an IPv4 address"),
        ('[ftp]\nproxy_protocol_from = ["balancer"]', "[ftp] proxy_protocol_from: 'balancer' is not a network"),
        ('allow_open_servers = "yes"', "allow_open_servers must be true or false, not 'yes'"),
        ("[login]\nsessions_per_server = 0", "[login] sessions_per_server must be between 1 and 1,000,000, not 0"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_would_be_right(tmp_path, text, sentence):
    assert refused(tmp_path, text).startswith(sentence)
