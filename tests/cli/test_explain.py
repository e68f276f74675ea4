"""`crossdock explain`, in front of a service that answers what a test says."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.fakes.control import control_service
from tests.fakes.public_keys import ed25519_line

from crossdock.adapters.aws.documents.reads import read_policy

ROLE = "arn:aws:iam::111111111111:role/transfer-users"
KEY = ed25519_line("mine", "anna@laptop")
STATEMENT = {"Sid": "AllowPutObject", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
LAYER = {
    "layer": "identity-based policy",
    "says": "does not allow",
    "account": "111111111111",
    "policy": "",
    "statement": "",
    "blocking": True,
}
BOUNDARY = {**LAYER, "layer": "permissions boundary", "says": "allows", "policy": "limit", "statement": "2"}
STEP = {
    "step": "s3:PutObject",
    "outcome": "Denied",
    "needed": True,
    "subject": "arn:aws:s3:::inbox/a",
    "reason": "no policy allows it",
    "remedy": "",
    "layers": [LAYER, {**BOUNDARY, "blocking": False}],
}
FIX = {
    "account": "111111111111",
    "layer": "identity-based policy",
    "attachedTo": ROLE,
    "policy": "buckets",
    "sentence": "add this statement to the policy buckets of transfer-users",
    "change": "add-statement",
    "statement": STATEMENT,
}
DENIED = {
    "serverId": "s-1",
    "userName": "user2",
    "request": "put a",
    "outcome": "Denied",
    "conclusion": "user2 cannot put a on s-1: no policy allows it.",
    "steps": [{**STEP, "step": "server", "outcome": "Allowed", "subject": "", "reason": "online", "layers": []}, STEP],
    "fixes": [FIX],
}
ALLOWED = {**DENIED, "outcome": "Allowed", "conclusion": "user2 may put a on s-1.", "steps": [], "fixes": []}


@pytest.fixture
def service(tmp_path):
    """Starts a service with one answer; what it was asked is the list that comes back."""
    stacks = []

    def start(answer):
        running = control_service(tmp_path / "data", {"/explain": answer})
        stacks.append(running)
        return running.__enter__()

    yield start
    for running in stacks:
        running.__exit__(None, None, None)


def test_a_denial_is_told_step_by_step_with_the_statement_to_paste(crossdock, service, tmp_path):
    service(DENIED)
    data_dir = str(tmp_path / "data")
    done = crossdock("explain", "--data-dir", data_dir, "--user-name", "user2", "--role", ROLE, "put", "a")
    assert done.exit_code == 1
    assert done.stdout == (
        "✓ server\n"
        "    online\n"
        "✗ s3:PutObject arn:aws:s3:::inbox/a\n"
        "    no policy allows it\n"
        "    → identity-based policy (account 111111111111): does not allow\n"
        "      permissions boundary (account 111111111111): allows by statement 2 of limit\n"
        "\n"
        "user2 cannot put a on s-1: no policy allows it.\n"
        "\n"
        "In account 111111111111: add this statement to the policy buckets of transfer-users\n"
        f"{json.dumps(STATEMENT, indent=2)}\n"
    )


def test_json_is_what_the_service_found(crossdock, service, tmp_path):
    service(ALLOWED)
    done = crossdock(
        *("explain", "--data-dir", str(tmp_path / "data"), "-o", "json", "--user-name", "user2"),
        *("--role", ROLE, "put", "a"),
    )
    assert (done.exit_code, json.loads(done.stdout)) == (0, ALLOWED)


@pytest.mark.parametrize(
    ("arguments", "who"),
    [
        (["--role", ROLE], {"identity": {"Role": ROLE}}),
        (["--role", ROLE, "--home", "/inbox/x"], {"identity": {"Role": ROLE, "HomeDirectory": "/inbox/x"}}),
        (
            ["--role", ROLE, "--home", '[{"Entry": "/", "Target": "/inbox"}]'],
            {
                "identity": {
                    "Role": ROLE,
                    "HomeDirectoryType": "LOGICAL",
                    "HomeDirectoryDetails": '[{"Entry": "/", "Target": "/inbox"}]',
                }
            },
        ),
        (["--session", "0123456789abcdef"], {"session": "0123456789abcdef"}),
        (["--public-key", "KEY"], {"publicKey": KEY}),
        (["--public-key", "KEY", "--password-stdin"], {"publicKey": KEY, "password": "pw"}),
        (["--password-stdin"], {"password": "pw"}),
        ([], {}),
    ],
)
def test_who_the_user_is_goes_with_the_question(crossdock, service, tmp_path, arguments, who):
    asked = service(ALLOWED)
    (tmp_path / "id.pub").write_text(f"# of the laptop\n{KEY}\n")
    arguments = [str(tmp_path / "id.pub") if one == "KEY" else one for one in arguments]
    done = crossdock(
        *("explain", "--data-dir", str(tmp_path / "data"), "--server-id", "s-1", "--user-name", "user2"),
        *("--source-ip", "192.0.2.7", "--protocol", "FTP", *arguments, "mv", "a", "b"),
        input="pw\n",
    )
    assert done.exit_code == 0, done.output
    assert asked == ["/explain"]
    assert asked.bodies == [
        {
            "serverId": "s-1",
            "userName": "user2",
            "command": "mv",
            "path": "a",
            "target": "b",
            "protocol": "FTP",
            "sourceIp": "192.0.2.7",
            **who,
        }
    ]


def test_files_hold_the_session_policy_and_the_providers_answer(crossdock, service, tmp_path):
    asked = service(ALLOWED)
    (tmp_path / "policy.json").write_text("{}")
    (tmp_path / "answer.json").write_text(json.dumps({"Role": ROLE}))
    base = ("explain", "--data-dir", str(tmp_path / "data"), "--user-name", "user2")
    crossdock(*base, "--role", ROLE, "--policy", str(tmp_path / "policy.json"), "ls", "/")
    crossdock(*base, "--identity", str(tmp_path / "answer.json"), "ls", "/")
    assert [body["identity"] for body in asked.bodies] == [{"Role": ROLE, "Policy": "{}"}, {"Role": ROLE}]


def test_a_question_that_the_service_cannot_answer_is_its_sentence(crossdock, service, tmp_path):
    service((400, {"message": "there are 2 servers: name one with --server-id"}))
    done = crossdock("explain", "--data-dir", str(tmp_path / "data"), "--user-name", "user2", "ls", "/")
    assert (done.exit_code, done.stderr) == (1, "Error: there are 2 servers: name one with --server-id\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["put", "a"],
        ["--user-name", "u", "put"],
        ["--user-name", "u", "fetch", "a"],
        ["--user-name", "u", "mv", "a"],
        ["--user-name", "u", "put", "a", "b"],
        ["--user-name", "u", "--role", ROLE, "--session", "x", "put", "a"],
        ["--user-name", "u", "--role", ROLE, "--password-stdin", "put", "a"],
        ["--user-name", "u", "--role", ROLE, "--public-key", "-", "put", "a"],
        ["--user-name", "u", "--session", "x", "--public-key", "-", "put", "a"],
        ["--user-name", "u", "--password-stdin", "--public-key", "-", "put", "a"],
        ["--user-name", "u", "--public-key", "there-is-no-such-file", "put", "a"],
        ["--user-name", "u", "--home", "/x", "put", "a"],
        ["--user-name", "u", "--protocol", "foo", "put", "a"],
        ["--user-name", "u", "--source-ip", "not-an-ip", "put", "a"],
        ["--user-name", "u", "--role", ROLE, "--home", "[x", "put", "a"],
        ["--user-name", "u", "--region", "eu-central-1", "put", "a"],
        ["--user-name", "u", "--context", "aws:SourceIp=192.0.2.7", "put", "a"],
        ["--user-name", "u", "--account", "hub=111111111111", "put", "a"],
        ["--user-name", "u", "--profile", "hub=hub", "put", "a"],
        ["--user-name", "u", "--profile", "hub", "--server-id", "s-1", "put", "a"],
        ["--user-name", "u", "--profile", "=hub", "--server-id", "s-1", "put", "a"],
        ["--user-name", "u", "--profile", "hub=a", "--profile", "hub=b", "--server-id", "s-1", "put", "a"],
        ["--user-name", "u", "--profile", "hub=a", "--server-id", "s-1", "--session", "x", "put", "a"],
        ["--user-name", "u", "--profile", "hub=a", "--server-id", "s-1", "--sse", "rot13", "put", "a"],
        ["--user-name", "u", "--profile", "hub=a", "--server-id", "s-1", "--kms-key-id", "alias/x", "put", "a"],
        ["--user-name", "u", "--profile", "hub=a", "--server-id", "s-1", "--bucket-key", "put", "a"],
        ["--user-name", "u", "--sse", "aws:kms", "put", "a"],
    ],
)
def test_bad_usage_is_exit_code_2(crossdock, arguments):
    assert crossdock("explain", *arguments).exit_code == 2


def test_protocol_and_address_are_read_as_people_write_them(crossdock, service, tmp_path):
    asked = service(ALLOWED)
    options = ("--protocol", "ftps", "--source-ip", "2001:DB8::1", "ls", "/")
    done = crossdock("explain", "--data-dir", str(tmp_path / "data"), "--user-name", "u", *options)
    assert done.exit_code == 0, done.output
    assert [(body["protocol"], body["sourceIp"]) for body in asked.bodies] == [("FTPS", "2001:db8::1")]


def test_a_private_key_given_by_mistake_is_neither_sent_nor_shown(crossdock, service, tmp_path):
    asked = service(ALLOWED)
    private = ed25519.Ed25519PrivateKey.generate()
    text = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    (tmp_path / "id").write_text(text)
    options = ("--user-name", "u", "--public-key", str(tmp_path / "id"))
    done = crossdock("explain", "--data-dir", str(tmp_path / "data"), *options, "put", "a")
    assert done.exit_code == 2
    assert "this is a private key" in done.stderr
    assert not any(line in done.output for line in text.splitlines()[1:-1])
    assert asked == []


@pytest.mark.parametrize("option", ["--identity", "--policy", "--public-key"])
def test_a_file_that_is_not_utf8_is_bad_usage(crossdock, tmp_path, option):
    file = tmp_path / "file"
    file.write_bytes(b"\xff")
    role = ["--role", ROLE] if option == "--policy" else []
    done = crossdock("explain", "--user-name", "u", *role, option, str(file), "put", "a")
    assert done.exit_code == 2
    assert f"{option} is not UTF-8" in done.stderr


def test_an_option_without_its_profile_is_named(crossdock):
    done = crossdock("explain", "--user-name", "u", "--transfer-endpoint-url", "http://127.0.0.1:1", "put", "a")
    assert done.stderr.endswith("Error: --transfer-endpoint-url belongs to --profile\n")
    done = crossdock("explain", "--user-name", "u", "--account", "hub=1", "put", "a")
    assert done.stderr.endswith("Error: --account belongs to --profile\n")
    done = crossdock("explain", "--user-name", "u", "--kms-key-id", "alias/x", "put", "a")
    assert done.stderr.endswith("Error: --kms-key-id belongs to --profile\n")


def test_what_is_told_of_the_encryption_is_read_as_the_settings_are(crossdock):
    options = ("--profile", "hub=absent", "--server-id", "s-1", "--user-name", "u", "--kms-key-id", "alias/x")
    done = crossdock("explain", *options, "put", "a")
    assert 'kms_key_id of bucket * needs sse = "aws:kms"' in done.stderr
    done = crossdock("explain", *options, "--sse", "aws:kms", "--bucket-key", "put", "a")
    assert done.stderr.startswith("Error: there is no profile absent")


def test_the_policy_that_profiles_need_is_printed_without_a_question(crossdock):
    done = crossdock("explain", "--print-policy")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == read_policy()


def test_a_profile_that_is_not_there_is_a_sentence(crossdock, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    options = ("--profile", "hub=absent", "--server-id", "s-1", "--user-name", "user1")
    done = crossdock("explain", *options, "put", "a")
    assert (done.exit_code, done.stderr) == (1, "Error: there is no profile absent (those there are: none)\n")


def test_why_a_layer_is_unknown_stands_beside_it(crossdock, service, tmp_path):
    unknown = {**LAYER, "says": "unknown", "blocking": False, "why": "no profile is given"}
    step = {**STEP, "outcome": "Unknown", "layers": [unknown]}
    service({**DENIED, "outcome": "Unknown", "steps": [step], "fixes": [], "notSeen": ["the weather", "the moon"]})
    done = crossdock("explain", "--data-dir", str(tmp_path / "data"), "--user-name", "user2", "put", "a")
    assert done.exit_code == 1
    assert "    ? identity-based policy (account 111111111111): unknown, for no profile is given\n" in done.stdout
    assert done.stdout.endswith("\n\nNot looked at: the weather; the moon.\n")
