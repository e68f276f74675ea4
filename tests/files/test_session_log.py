"""Events in Transfer's JSON form."""

import json

import pytest
from tests.fakes.logins import ROLE, SERVER, MemoryLog, make_attempt

from crossdock.core.homes import HomeMapping, LogicalHome, PathHome
from crossdock.core.logins import PublicKey, SshFacts
from crossdock.files.session_log import MAX_MESSAGE, Activity, Direction, Mode, SessionLog, auth_failure

ARN = "arn:aws:transfer:us-east-1:111111111111:server/s-0123456789abcdef0"
LOGICAL = LogicalHome(mappings=(HomeMapping(entry="/", target="/bucket"),))


@pytest.fixture
def kept() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def log(kept: MemoryLog) -> SessionLog:
    return SessionLog(log=kept, server=SERVER, username="user1", session_id="9ca9a0e1cec6ad9d")


def test_a_session_has_a_stream_of_its_own(kept: MemoryLog, log: SessionLog):
    log.opened("/bucket/f", Mode.READ)
    assert [stream for stream, _ in kept.events] == ["user1.9ca9a0e1cec6ad9d"]


def test_the_sample_of_aws(kept: MemoryLog, log: SessionLog):
    """User Guide, "Example CloudWatch log entries"."""
    body = "AAAAC3NzaC1lZDI1NTE5AAAAIA9OY0qV6XYVHaaOiWAcj2spDJVbgjrqDPY4pxd6GnHl"
    ssh = SshFacts(
        client="SSH-2.0-OpenSSH_7.4",
        ciphers="chacha20-poly1305@openssh.com,chacha20-poly1305@openssh.com",
        kex="ecdh-sha2-nistp256",
        key_line=f"ssh-ed25519 {body} laptop",
    )
    log.connected(
        source_ip="52.94.133.133", home=PathHome(root="/test/log-me"), role_arn=ROLE, session_policy=None, ssh=ssh
    )
    log.opened("/test/log-me/config-file", Mode.WRITE)
    log.closed("/test/log-me/config-file", Direction.IN, 121)
    log.disconnected()
    common = {"resource-arn": ARN, "session-id": "9ca9a0e1cec6ad9d"}
    assert [event for _, event in kept.events] == [
        {
            **common,
            "activity-type": "CONNECTED",
            "role": ROLE,
            "source-ip": "52.94.133.133",
            "user": "user1",
            "home-dir": "/test/log-me",
            "ciphers": "chacha20-poly1305@openssh.com,chacha20-poly1305@openssh.com",
            "client": "SSH-2.0-OpenSSH_7.4",
            "kex": "ecdh-sha2-nistp256",
            "ssh-public-key": body,
            "ssh-public-key-fingerprint": "SHA256:BY3gNMHwTfjd4n2VuT4pTyLOk82zWZj4KEYEu7y4r/0",
            "ssh-public-key-type": "ssh-ed25519",
        },
        {**common, "activity-type": "OPEN", "mode": "CREATE|TRUNCATE|WRITE", "path": "/test/log-me/config-file"},
        {**common, "activity-type": "CLOSE", "path": "/test/log-me/config-file", "bytes-in": "121"},
        {**common, "activity-type": "DISCONNECTED"},
    ]


def test_a_logical_home_is_always_the_top_and_a_session_policy_is_told(kept: MemoryLog, log: SessionLog):
    log.connected(source_ip="192.0.2.1", home=LOGICAL, role_arn=ROLE, session_policy='{"Version":"2012-10-17"}')
    (_, event) = kept.events[0]
    assert (event["home-dir"], event["user-policy"]) == ("/", '{"Version":"2012-10-17"}')


def test_other_events_tell_path_and_reason(kept: MemoryLog, log: SessionLog):
    log.closed("/b/f", Direction.OUT, 5)
    log.partially_closed("/b/f", Direction.IN, 7, "the connection was reset")
    log.done(Activity.MKDIR, "/b/d")
    log.renamed("/b/f", "/b/g")
    log.failed("OPEN", "/b/f", "the bucket policy denies s3:PutObject")
    log.renewal_refused("the role was deleted")
    log.disconnected("idle for 1800 s")
    kept_fields = [
        {name: value for name, value in event.items() if name not in ("resource-arn", "session-id")}
        for _, event in kept.events
    ]
    assert kept_fields == [
        {"activity-type": "CLOSE", "path": "/b/f", "bytes-out": "5"},
        {"activity-type": "PARTIAL_CLOSE", "path": "/b/f", "bytes-in": "7", "message": "the connection was reset"},
        {"activity-type": "MKDIR", "path": "/b/d"},
        {"activity-type": "RENAME", "path": "/b/f", "new-path": "/b/g"},
        {
            "activity-type": "ERROR",
            "operation": "OPEN",
            "path": "/b/f",
            "message": "the bucket policy denies s3:PutObject",
        },
        {"activity-type": "ERROR", "operation": "ASSUME_ROLE", "message": "the role was deleted"},
        {"activity-type": "DISCONNECTED", "message": "idle for 1800 s"},
    ]


def test_every_event_is_json_with_plain_texts(kept: MemoryLog, log: SessionLog):
    log.opened('/b/späce\n"', Mode.WRITE)
    log.closed("/b/f", Direction.IN, 1)
    log.done(Activity.DELETE, "/b/f")
    for _, event in kept.events:
        assert json.loads(json.dumps(event)) == event
        assert all(type(name) is str for name in json.loads(json.dumps(event)))


def test_a_failed_login_tells_method_and_reason_and_never_the_password():
    event = auth_failure(SERVER, make_attempt(), "the password is wrong")
    assert event == {
        "activity-type": "AUTH_FAILURE",
        "method": "password",
        "user": "user1",
        "source-ip": "192.0.2.1",
        "resource-arn": ARN,
        "message": "the password is wrong",
    }
    assert auth_failure(SERVER, make_attempt(credential=PublicKey("ssh-ed25519 A")), "no")["method"] == "publickey"


def test_what_strangers_can_write_into_the_log_is_bounded():
    event = auth_failure(SERVER, make_attempt(username="x" * 5000), "y" * 5000)
    assert (len(str(event["user"])), len(str(event["message"]))) == (100, MAX_MESSAGE)


def test_paths_that_clients_make_up_are_bounded_too(kept: MemoryLog, log: SessionLog):
    endless = "/b/" + "x" * 250_000
    log.done(Activity.SETSTAT, endless)
    log.renamed(endless, endless)
    log.failed("STAT", endless, "the name is too long")
    log.opened(endless, Mode.READ)
    for _, event in kept.events:
        assert len(json.dumps(event)) < 3 * MAX_MESSAGE
        assert len(str(event["path"])) == MAX_MESSAGE
