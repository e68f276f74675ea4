"""Who is let in over SFTP: keys of every kind, passwords, both; what the identity provider hears, and who fails."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import paramiko
import pytest
from tests.e2e.harness import COMMAND_S, Service, start_service, until
from tests.e2e.jetty import BUCKET, ROLE, USER, Jetty, arrive, make_asking, make_home, make_key, make_managed, public
from tests.e2e.openssh_clients import Sftp, login
from tests.e2e.own_ssh_clients import Paramiko
from tests.fakes.functions import archive

FAILURE_DELAY_S = 0.3
PASSWORD = "pass wörd '\""
KINDS = {
    "rsa-2048": ("rsa", "2048"),
    "rsa-4096": ("rsa", "4096"),
    "ecdsa-256": ("ecdsa", "256"),
    "ecdsa-384": ("ecdsa", "384"),
    "ecdsa-521": ("ecdsa", "521"),
    "ed25519": ("ed25519", ""),
}
METHODS = {
    # What lets in: a key, a password, both.
    "PUBLIC_KEY": (True, False, True),
    "PASSWORD": (False, True, True),
    "PUBLIC_KEY_OR_PASSWORD": (True, True, True),
    "PUBLIC_KEY_AND_PASSWORD": (False, False, True),
}
BOTH_CLIENTS = pytest.mark.parametrize("client", [Sftp, Paramiko], ids=["openssh", "paramiko"])
CODE = """
import json

with open("users.json") as file:
    users = json.load(file)


def handler(event, context):
    print("heard " + json.dumps(event))
    user = users.get(event["username"])
    if user is None:
        return {}
    answer = {name: user[name] for name in ("Role", "HomeDirectory")}
    if not event.get("password"):
        return {**answer, "PublicKeys": user["PublicKeys"]}
    return answer if event["password"] == user["Password"] else {}
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Harbour:
    """`managed` knows its users itself; `asking` are servers that ask one function, by their authentication methods."""

    service: Service
    keys: Mapping[str, Path]
    strangers: Sequence[Path]
    managed: Jetty
    asking: Mapping[str, Jetty]

    def heard(self, jetty: Jetty) -> list[dict[str, str]]:
        """What the function was asked about this server, in order."""
        logs = self.service.client("hub", "logs")
        found = logs.filter_log_events(logGroupName="/aws/lambda/users", filterPattern='"heard"')["events"]
        events = [json.loads(event["message"].partition("heard ")[2]) for event in found]
        return [event for event in events if event["serverId"] == jetty.server_id]


def make_function(service: Service, keys: list[str]) -> str:
    iam, function = service.client("hub", "iam"), service.client("hub", "lambda")
    role = iam.create_role(RoleName="users", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.attach_role_policy(
        RoleName="users", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    )
    user = {
        "Role": iam.get_role(RoleName=ROLE)["Role"]["Arn"],
        "HomeDirectory": f"/{BUCKET}",
        "PublicKeys": keys,
        "Password": PASSWORD,
    }
    made: str = function.create_function(
        FunctionName="users",
        Runtime="python3.12",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": archive({"app.py": CODE, "users.json": json.dumps({USER: user})})},
    )["FunctionArn"]
    function.add_permission(
        FunctionName="users", StatementId="transfer", Action="lambda:InvokeFunction", Principal="transfer.amazonaws.com"
    )
    return made


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    directory = tmp_path_factory.mktemp("harbour")
    home = make_home(directory)
    keys = {name: make_key(directory / name, *kind) for name, kind in KINDS.items()}
    host_key = make_key(directory / "host").read_text()  # one for all, for three of each take their time to be made
    variables = {"CROSSDOCK_LOGIN_FAILURE_DELAY_S": str(FAILURE_DELAY_S)}
    with start_service(directory / "data", "--example", "article", variables=variables) as service:
        function = make_function(service, [public(key) for key in keys.values()])
        asking = {
            methods: make_asking(service, function, HostKey=host_key, details={"SftpAuthenticationMethods": methods})
            for methods in METHODS
        }
        managed = make_managed(service, *keys.values(), HostKey=host_key)
        yield Harbour(
            service=service,
            keys=keys,
            strangers=[make_key(directory / f"stranger{number}") for number in range(3)],
            managed=arrive(service, managed, home),
            asking={methods: arrive(service, server, home) for methods, server in asking.items()},
        )


def is_let_in(client: Callable[[Jetty, Path], Any], jetty: Jetty, cwd: Path) -> bool:
    """Whether something could be done there. Any other failure than that of the login is raised."""
    try:
        client(jetty, cwd).make_directory(cwd.name)
    except paramiko.AuthenticationException as error:
        if str(error) != "Authentication failed." and not isinstance(error, paramiko.BadAuthenticationType):
            raise
        return False
    except AssertionError as error:
        if "Permission denied (" not in str(error):
            raise
        return False
    client(jetty, cwd).remove_directory(cwd.name)
    return True


@BOTH_CLIENTS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("who", ["managed", "asking"])
def test_keys_of_every_kind_let_in(harbour: Harbour, client: Any, who: str, kind: str, tmp_path: Path) -> None:
    jetty = harbour.managed if who == "managed" else harbour.asking["PUBLIC_KEY"]
    assert is_let_in(client, replace(jetty, key=harbour.keys[kind]), tmp_path)


@BOTH_CLIENTS
@pytest.mark.parametrize("methods", METHODS)
def test_a_server_wants_what_its_methods_say(harbour: Harbour, client: Any, methods: str, tmp_path: Path) -> None:
    jetty, key = harbour.asking[methods], harbour.keys["ed25519"]
    shown = replace(jetty, key=key), replace(jetty, password=PASSWORD), replace(jetty, key=key, password=PASSWORD)
    assert tuple(is_let_in(client, one, tmp_path) for one in shown) == METHODS[methods]


def explained(jetty: Jetty, service: Service) -> dict[str, Any]:
    """What `explain` says of who shows what this jetty's user would."""
    key = ("--public-key", f"{jetty.key}.pub") if jetty.key is not None else ()
    done = service.crossdock(
        *("explain", "--server-id", jetty.server_id, "--user-name", jetty.user, "-o", "json", *key),
        *(("--password-stdin",) if jetty.password else ()),
        *("ls", "."),
        input_text=jetty.password or None,
        check=False,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if found["outcome"] == "Allowed" else 1), done.stderr
    assert not jetty.password or jetty.password not in done.stdout + done.stderr
    return found


@pytest.mark.parametrize("methods", METHODS)
def test_explain_says_of_keys_and_passwords_what_a_login_comes_to(
    harbour: Harbour, methods: str, tmp_path: Path
) -> None:
    jetty, key, both = harbour.asking[methods], harbour.keys["rsa-2048"], methods.endswith("_AND_PASSWORD")
    shown = [replace(jetty, key=one, password=word) for one in (key, harbour.strangers[0]) for word in ("", PASSWORD)]
    shown = [one for one in shown if both or not one.password] + [replace(jetty, password=PASSWORD)]
    for one in shown:
        assert (explained(one, harbour.service)["outcome"] == "Allowed") is is_let_in(Sftp, one, tmp_path)


def test_explain_names_the_key_that_lets_in(harbour: Harbour) -> None:
    key = harbour.keys["ecdsa-256"]
    printed = subprocess.run(["ssh-keygen", "-l", "-f", str(key)], capture_output=True, text=True, check=True).stdout
    found = explained(replace(harbour.managed, key=key), harbour.service)
    step = next(one for one in found["steps"] if one["step"] == "public key")
    assert step["subject"] == printed.split()[1]
    number = list(harbour.keys).index("ecdsa-256") + 1
    assert step["reason"] == f"it is number {number} of the user's {len(KINDS)}, and may sign with ecdsa-sha2-nistp256"


@BOTH_CLIENTS
@pytest.mark.parametrize(
    "wrong",
    [{"key": "stranger"}, {"password": "no"}, {"user": "nobody"}, {"user": "nobody", "password": "no"}],
    ids=str,
)
def test_with_both_wanted_neither_may_be_wrong(
    harbour: Harbour, client: Any, wrong: dict[str, str], tmp_path: Path
) -> None:
    jetty = replace(harbour.asking["PUBLIC_KEY_AND_PASSWORD"], key=harbour.keys["ed25519"], password=PASSWORD)
    changes = {name: harbour.strangers[0] if value == "stranger" else value for name, value in wrong.items()}
    assert not is_let_in(client, replace(jetty, **changes), tmp_path)


@pytest.mark.parametrize("methods", METHODS)
def test_the_provider_hears_what_it_hears_at_aws(harbour: Harbour, methods: str, tmp_path: Path) -> None:
    """A call without a password for keys, however many there are, and one with it: so two where both are wanted."""
    jetty = replace(harbour.asking[methods], key=harbour.keys["ecdsa-256"], password=PASSWORD)
    before = len(harbour.heard(jetty))
    assert is_let_in(Paramiko, jetty, tmp_path)
    event = {"username": USER, "protocol": "SFTP", "serverId": jetty.server_id, "sourceIp": "127.0.0.1"}
    by_key, by_password = event, {**event, "password": PASSWORD}
    once = {
        "PUBLIC_KEY": [by_key],
        "PASSWORD": [by_password],
        "PUBLIC_KEY_OR_PASSWORD": [by_key],
        "PUBLIC_KEY_AND_PASSWORD": [by_key, by_password],
    }[methods]
    # One login to make the directory, one to remove it.
    until("the log has them", lambda: len(harbour.heard(jetty)) >= before + 2 * len(once))
    assert harbour.heard(jetty)[before:] == once * 2


def test_a_provider_is_asked_once_though_many_keys_are_tried(harbour: Harbour) -> None:
    jetty = harbour.asking["PUBLIC_KEY_OR_PASSWORD"]
    before = len(harbour.heard(jetty))
    files = [word for number in range(3) for word in ("-o", f"IdentityFile={harbour.strangers[number]}")]
    answers = spoken(replace(jetty, key=harbour.keys["ecdsa-384"]), *files)
    assert answers == ["51", "publickey,password"] * 4 + ["60", "52"]
    until("the log has it", lambda: len(harbour.heard(jetty)) > before)
    assert [event.get("password") for event in harbour.heard(jetty)[before:]] == [None]


def spoken(jetty: Jetty, *options: str) -> list[str]:
    """What the server answered to a client that logs in: numbers of messages (RFC 4252 §6), and methods that go on."""
    done = subprocess.run(
        ["ssh", "-vvv", *options, *jetty.options, "-p", str(jetty.port), "-s", login(jetty), "sftp"],
        env=jetty.variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    begun = done.stderr.partition("SSH2_MSG_SERVICE_ACCEPT received")[2]
    answers = re.findall(r"receive packet: type ([56]\d)|Authentications that can continue: ([\w,]+)", begun)
    return [number or methods for number, methods in answers]


def test_who_fails_does_not_learn_what_was_wrong(harbour: Harbour) -> None:
    """Neither by what is answered nor, within the delay, by when."""
    jetty = harbour.asking["PUBLIC_KEY_OR_PASSWORD"]
    wrongs = {
        "a wrong key": replace(jetty, key=harbour.strangers[0]),
        "nobody's key": replace(jetty, key=harbour.keys["ed25519"], user="nobody"),
        "a wrong password": replace(jetty, password="no"),
        "nobody's password": replace(jetty, password=PASSWORD, user="nobody"),
        "a name that is none": replace(jetty, password=PASSWORD, user=".."),
    }
    answers: dict[str, list[str]] = {}
    took: dict[str, float] = {}
    for name, wrong in wrongs.items():
        begun = time.monotonic()
        answers[name] = spoken(
            wrong, "-o", f"PreferredAuthentications={'password' if wrong.key is None else 'publickey'}"
        )
        took[name] = time.monotonic() - begun
    # To the question which methods there are, and to the attempt.
    assert answers == dict.fromkeys(wrongs, ["51", "publickey,password"] * 2)
    assert min(took.values()) >= FAILURE_DELAY_S


def test_the_first_of_two_factors_is_told_as_partial_success(harbour: Harbour) -> None:
    jetty = replace(harbour.asking["PUBLIC_KEY_AND_PASSWORD"], key=harbour.keys["ed25519"], password=PASSWORD)
    # What is wanted first; that the key would do (60) and did; the password.
    assert spoken(jetty) == ["51", "publickey", "60", "51", "password", "52"]
