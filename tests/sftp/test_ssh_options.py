"""Every security policy, as far as asyncssh has it."""

import asyncssh
import pytest
from tests.fakes.host_keys import MemoryHostKeys, host_keys
from tests.fakes.sftp_house import sftp_house, sftp_server
from tests.fakes.sftp_talk import packet, text, u32, u64

from crossdock.core.security_policies import SECURITY_POLICIES
from crossdock.settings import SftpSettings
from crossdock.sftp.packets import Kind
from crossdock.sftp.ssh_options import NoHostKey, Offers, lacking


def offers(*algorithms: str) -> Offers:
    return Offers(MemoryHostKeys({sftp_server().server_id: host_keys(*algorithms)}), SftpSettings())


@pytest.mark.parametrize("name", SECURITY_POLICIES)
async def test_a_server_offers_its_policy_in_its_order(name):
    policy = SECURITY_POLICIES[name]
    options = await offers().current(sftp_server(security_policy=name))
    missing = lacking(policy)

    def there(kind: str, names: tuple[str, ...]) -> list[bytes]:
        return [one.encode() for one in names if one not in missing.get(kind, ())]

    assert options.kex_algs == there("kexs", policy.ssh_kexs)
    assert options.encryption_algs == there("ciphers", policy.ssh_ciphers)
    assert options.mac_algs == there("macs", policy.ssh_macs)
    assert options.compression_algs == [b"none"]
    ours = {b"rsa-sha2-256", b"rsa-sha2-512", b"ssh-rsa", b"ecdsa-sha2-nistp256", b"ssh-ed25519"}
    assert list(options.server_host_keys) == [one for one in there("host_keys", policy.ssh_host_keys) if one in ours]


async def test_options_are_made_anew_only_when_something_has_changed():
    made = offers()
    first = await made.current(sftp_server())
    assert await made.current(sftp_server(pre_login_banner="x")) is first
    assert await made.current(sftp_server(security_policy="TransferSecurityPolicy-2025-03")) is not first


async def test_a_server_without_a_key_that_its_policy_admits_says_so():
    with pytest.raises(NoHostKey, match="ImportHostKey"):
        await Offers(MemoryHostKeys({}), SftpSettings()).current(sftp_server())


@pytest.mark.parametrize("algorithm", ["rsa-sha2-256", "rsa-sha2-512", "ecdsa-sha2-nistp256", "ssh-ed25519"])
async def test_a_client_may_choose_the_host_key(algorithm):
    async with sftp_house() as house, house.client(server_host_key_algs=[algorithm]) as conn:
        key = conn.get_server_host_key()
        assert isinstance(key, asyncssh.SSHKey)
        assert key.get_algorithm() == ("ssh-rsa" if "rsa" in algorithm else algorithm)


async def test_a_write_of_32_kib_comes_in_one_packet():
    """With its head and the longest handle that is given out; and the packet is one that every SSH takes."""
    options = await offers().current(sftp_server())
    head = packet(Kind.WRITE, u32(1), text(b"1234"), u64(0), text(b""))
    assert len(head) + (32 << 10) <= options.max_pktsize <= 35_000 - 100
