"""What our connection relies on in asyncssh, so that an upgrade that changes it is noticed."""

import asyncio
import inspect

import asyncssh
import paramiko
import pytest
from tests.fakes.sftp_house import CLIENT_KEY, RSA_KEY, sftp_house, sftp_server

from crossdock.sftp.ssh_connection import BareChannel, SshConnection

OVERRIDDEN = {
    "create_server_channel": ["self", "encoding", "errors", "window", "max_pktsize"],
    "reload_config": ["self"],
    "_finish_userauth": ["self", "begin_auth", "method", "packet"],
    "send_userauth_failure": ["self", "partial_success"],
    "check_key_permission": ["self", "permission"],
    "validate_password": ["self", "username", "password"],
    "send_newkeys": ["self", "k", "h"],
    "data_received": ["self", "data", "datatype"],
    "send_userauth_success": ["self"],
    "process_packet": ["self", "pkttype", "pktid", "packet"],
    "send_packet": ["self", "pkttype", "args", "handler"],
    "internal_error": ["self", "exc_info", "error_logger"],
}


def test_channels_are_made_as_asyncssh_makes_them():
    made_with = list(inspect.signature(asyncssh.SSHServerChannel).parameters)
    assert made_with == [
        *("conn", "loop", "allow_pty", "line_editor", "line_echo", "line_history", "max_line_length"),
        *("encoding", "errors", "window", "max_pktsize"),
    ]


async def test_a_clients_environment_is_not_kept():
    async with sftp_house() as house, house.client() as conn:
        async with conn.start_sftp_client(env={"LANG": "C"}) as sftp:
            assert await sftp.listdir() == [".", ".."]
        chan = BareChannel.__new__(BareChannel)
        assert chan._process_env_request(asyncssh.packet.SSHPacket(b"")) is False
        assert hasattr(asyncssh.SSHServerChannel, "_process_env_request")


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_asyncssh_has_what_is_overridden(name):
    original = getattr(asyncssh.SSHServerConnection, name)
    assert list(inspect.signature(original).parameters) == OVERRIDDEN[name]
    assert inspect.iscoroutinefunction(original) == inspect.iscoroutinefunction(getattr(SshConnection, name))


async def test_a_signature_that_the_policy_does_not_admit_is_no_proof():
    async with sftp_house() as house:  # 2024-01 has no RSA with SHA-1
        with pytest.raises(asyncssh.PermissionDenied):
            async with house.client(client_keys=[RSA_KEY], signature_algs=["ssh-rsa"]):
                pass
    old = sftp_server(security_policy="TransferSecurityPolicy-2018-11")
    async with sftp_house(server=old) as house, house.client(client_keys=[RSA_KEY], signature_algs=["ssh-rsa"]) as conn:
        assert conn.get_extra_info("username") == "user1"


async def test_a_key_without_its_signature_logs_nobody_in():
    class Forged(asyncssh.public_key.SSHLocalKeyPair):
        def sign(self, data: bytes) -> bytes:
            return super().sign(data + b"something else")

    async with sftp_house() as house:
        with pytest.raises(asyncssh.PermissionDenied):
            async with house.client(client_keys=[Forged(CLIENT_KEY, None, None, None)]):
                pass
        assert "CONNECTED" not in house.log.activities()


async def test_requests_without_end_are_not_heard_without_end():
    asked = 0

    class Client(asyncssh.SSHClient):
        def password_auth_requested(self) -> str:
            nonlocal asked
            asked += 1
            return f"wrong {asked}"

    async with sftp_house() as house:
        with pytest.raises(asyncssh.DisconnectError, match="Too many"):
            async with house.client(client_factory=Client, client_keys=None):
                pass
        assert asked == 6


async def test_a_client_may_ask_for_the_service_before_each_attempt():
    """As paramiko does, and asyncssh takes for a mistake."""

    def log_in(port: int) -> None:
        with paramiko.Transport(("127.0.0.1", port)) as transport:
            transport.start_client()
            for _ in range(2):
                with pytest.raises(paramiko.AuthenticationException):
                    transport.auth_password("user1", "wrong")
            transport.auth_password("user1", "secret")
            assert transport.is_authenticated()

    async with sftp_house() as house:
        await asyncio.to_thread(log_in, house.listener.port)
        assert house.log.activities().count("AUTH_FAILURE") == 2
