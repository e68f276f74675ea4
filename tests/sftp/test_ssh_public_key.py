"""Keys as clients show them: which algorithms are looked at, what is a proof, and what the log says of the rest."""

from contextlib import suppress

import asyncssh
import pytest
from asyncssh.constants import MSG_USERAUTH_REQUEST
from asyncssh.packet import Boolean, PacketDecodeError, SSHPacket, String
from tests.fakes.sftp_house import CLIENT_KEY, RSA_KEY, STRANGE_KEY, SftpHouse, sftp_house, sftp_server

from crossdock.sftp.ssh_public_key import ShownKey, read_shown_key

MODERN = (b"rsa-sha2-256", b"ssh-ed25519", b"ecdsa-sha2-nistp256")
SESSION = b"session"


def signed(key: asyncssh.SSHKey, algorithm: bytes, *, over: bytes = b"request", session: bytes = SESSION) -> ShownKey:
    return ShownKey(
        algorithm=algorithm,
        blob=key.public_data,
        signed=b"request",
        signature=key.sign(String(session) + over, algorithm),
    )


def failures(house: SftpHouse) -> list[str]:
    return [str(event["message"]) for stream, event in house.log.events if stream == "ERRORS"]


@pytest.mark.parametrize(
    ("algorithm", "blob", "objection"),
    [
        (b"ssh-ed25519", CLIENT_KEY.public_data, ""),
        (b"rsa-sha2-256", RSA_KEY.public_data, ""),
        (b"rsa-sha2-512", RSA_KEY.public_data, "the security policy has no signatures of rsa-sha2-512"),
        (b"ssh-rsa", RSA_KEY.public_data, "the security policy has no signatures of ssh-rsa"),
        (b"x" * 1000, b"", "the security policy has no signatures of " + "x" * 64),
        (b"\xff", b"", "the security policy has no signatures of \ufffd"),
        (b"rsa-sha2-256", CLIENT_KEY.public_data, "the key is none for rsa-sha2-256"),
        (b"ssh-ed25519", RSA_KEY.public_data, "the key is none for ssh-ed25519"),
        (b"ssh-ed25519", b"", "the key is none for ssh-ed25519"),
        (b"ssh-ed25519", b"\xff\xff\xff\xff", "the key is none for ssh-ed25519"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # keys are others in each process
)
def test_a_key_is_looked_at_when_the_policy_has_its_algorithm(algorithm: bytes, blob: bytes, objection: str) -> None:
    assert ShownKey(algorithm=algorithm, blob=blob).objection(MODERN) == objection


def test_a_proof_is_a_signature_of_this_session_by_this_key_of_an_admitted_algorithm() -> None:
    assert signed(CLIENT_KEY, b"ssh-ed25519").is_proof(SESSION, MODERN)
    assert signed(RSA_KEY, b"rsa-sha2-256").is_proof(SESSION, MODERN)
    assert not signed(RSA_KEY, b"ssh-rsa").is_proof(SESSION, MODERN)
    assert not signed(CLIENT_KEY, b"ssh-ed25519", over=b"other").is_proof(SESSION, MODERN)
    assert not signed(CLIENT_KEY, b"ssh-ed25519", session=b"other").is_proof(SESSION, MODERN)
    theirs = signed(STRANGE_KEY, b"ssh-ed25519").signature
    for signature in (theirs, b"", b"\0\0\0\x0bssh-ed25519", String("ssh-ed25519") + String(b"short")):
        mine = ShownKey(algorithm=b"ssh-ed25519", blob=CLIENT_KEY.public_data, signed=b"request", signature=signature)
        assert not mine.is_proof(SESSION, MODERN)


def test_the_line_is_openssh_s() -> None:
    line = ShownKey(algorithm=b"rsa-sha2-256", blob=RSA_KEY.public_data).line
    assert line == RSA_KEY.export_public_key("openssh").decode().strip()


def test_a_request_is_read_whole_or_not_at_all() -> None:
    asked = Boolean(False) + String("ssh-ed25519") + String(b"key")
    assert read_shown_key(SSHPacket(asked)) == ShownKey(algorithm=b"ssh-ed25519", blob=b"key")
    proved = Boolean(True) + String("ssh-ed25519") + String(b"key")
    found = read_shown_key(SSHPacket(proved + String(b"signature")))
    assert (found.signed, found.signature) == (proved, b"signature")
    for wrong in (asked[:-1], asked + b"x", proved, proved + String(b"signature") + b"x"):
        with pytest.raises(PacketDecodeError):
            read_shown_key(SSHPacket(wrong))


class Asking(asyncssh.SSHClient):
    """Asks about a key, whatever else the client would do, and hears what is answered."""

    def __init__(self, *requests: bytes) -> None:
        self._requests = list(requests)
        self.answers: list[int] = []

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        def send(*, next_method: bool = False) -> None:
            if self._requests:
                about = String("user1"), String("ssh-connection"), String("publickey")
                conn.send_packet(MSG_USERAUTH_REQUEST, *about, self._requests.pop(0))
            else:
                conn.abort()

        def hear(pkttype: int) -> bool:
            self.answers.append(pkttype)
            send()
            return True

        class Auth:
            """Where asyncssh takes what methods have of their own: 60 is a key that would do."""

            def process_packet(self, pkttype: int, *_: object) -> bool:
                return hear(pkttype)

            def log_received_packet(self, *_: object) -> None: ...

            def cancel(self) -> None: ...

        conn.try_next_auth = send  # type: ignore[method-assign]
        conn._packet_handlers = conn._packet_handlers | {51: lambda _, kind, *__: hear(kind)}  # type: ignore[assignment]
        conn._auth = Auth()  # type: ignore[assignment]


async def answers(house: SftpHouse, *requests: bytes) -> list[int]:
    """51 for a failure, 60 for a key that would do."""
    client = Asking(*requests)
    with suppress(asyncssh.Error, OSError):  # it leaves in the middle of its login
        async with house.client(client_factory=lambda: client):
            pass
    await house.everybody_left()
    return client.answers


def offer(key: asyncssh.SSHKey, algorithm: str) -> bytes:
    return Boolean(False) + String(algorithm) + String(key.public_data)


async def test_a_key_is_not_offered_with_what_the_policy_has_not() -> None:
    async with sftp_house() as house:  # 2024-01 has no RSA with SHA-1
        found = await answers(house, offer(RSA_KEY, "ssh-rsa"), offer(RSA_KEY, "rsa-sha2-256"))
        assert found == [51, 60]
        assert failures(house) == ["the security policy has no signatures of ssh-rsa"]
    old = sftp_server(security_policy="TransferSecurityPolicy-2018-11")
    async with sftp_house(server=old) as house:
        assert await answers(house, offer(RSA_KEY, "ssh-rsa")) == [60]


async def test_a_wrong_signature_of_a_listed_key_is_logged_once_however_often_it_comes() -> None:
    async with sftp_house() as house:
        forged = Boolean(True) + String("ssh-ed25519") + String(CLIENT_KEY.public_data) + String(b"nonsense")
        assert await answers(house, *[forged] * 5) == [51] * 5
        assert failures(house) == ["the signature is not this key's"]


async def test_of_a_key_that_is_not_listed_no_signature_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    def verify(*_: object) -> bool:
        raise AssertionError("this is work that anybody could ask for")

    monkeypatch.setattr(ShownKey, "is_proof", verify)
    async with sftp_house() as house:
        with pytest.raises(asyncssh.PermissionDenied):
            async with house.client(client_keys=[STRANGE_KEY]):
                pass


async def test_a_request_that_is_none_ends_the_connection_and_is_no_mistake_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with sftp_house() as house:
        assert await answers(house, b"\x01nonsense", offer(CLIENT_KEY, "ssh-ed25519")) == []
        assert not [record for record in caplog.records if record.levelname == "ERROR"]
