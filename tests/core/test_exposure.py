"""What may be opened to other machines."""

import pytest

from crossdock.core.exposure import exposure_refusal, is_loopback, is_public
from crossdock.core.servers import FileProtocol

LOOPBACK = ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST.")
PRIVATE = ("10.0.0.5", "192.168.1.1", "172.16.0.1", "100.64.0.1", "169.254.1.1", "fd00::1", "fe80::1%eth0")
PUBLIC = ("0.0.0.0", "::", "8.8.8.8", "2600::1", "::ffff:8.8.8.8", "ftp.example.com", "localhost.example.com")


def refusal(host, protocol=FileProtocol.FTP, **said):
    facts = {"is_restricted": False, "allow_public_ftp": False, "allow_open_servers": False}
    return exposure_refusal(protocol=protocol, host=host, **(facts | said))


def test_addresses_are_loopback_private_or_public():
    assert [host for host in (*LOOPBACK, *PRIVATE, *PUBLIC) if is_loopback(host)] == list(LOOPBACK)
    assert [host for host in (*LOOPBACK, *PRIVATE, *PUBLIC) if is_public(host) and not is_loopback(host)] == list(
        PUBLIC
    )


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_needs_no_word(host):
    assert refusal(host) == ""


@pytest.mark.parametrize("host", [*PRIVATE, *PUBLIC])
@pytest.mark.parametrize("protocol", [FileProtocol.FTP, FileProtocol.FTPS, FileProtocol.SFTP])
def test_a_server_without_a_group_needs_the_setting_beyond_loopback(host, protocol):
    sentence = refusal(host, protocol, allow_public_ftp=True)
    assert sentence.startswith(f"{protocol} on {host} would be open to whoever reaches this machine")
    assert "allow_open_servers = true" in sentence
    assert refusal(host, protocol, allow_public_ftp=True, allow_open_servers=True) == ""
    assert refusal(host, protocol, allow_public_ftp=True, is_restricted=True) == ""


@pytest.mark.parametrize("host", PUBLIC)
@pytest.mark.parametrize("said", [{"is_restricted": True}, {"allow_open_servers": True}])
def test_plain_ftp_needs_a_setting_of_its_own_on_a_public_address(host, said):
    sentence = refusal(host, **said)
    assert sentence.startswith("FTP sends passwords unencrypted")
    assert "allow_public_ftp = true" in sentence
    for protocol in (FileProtocol.FTPS, FileProtocol.SFTP):
        assert refusal(host, protocol, **said) == ""


@pytest.mark.parametrize("host", PRIVATE)
def test_plain_ftp_on_a_private_address_needs_a_group_only(host):
    assert refusal(host, is_restricted=True) == ""
