"""`kill -9` of a real service at any moment: what was acknowledged is there, and nothing else is.

Clients of every kind work on it until it is killed in the midst of them, right after an answer, or before it is ready.
It is started again on the same ports, and held to the ledger of what it had said.
"""

import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.e2e.busy_clients import TRUST, Killer
from tests.e2e.harness import CLEAN, FREE_PORTS, HOST, Service, aws_session, start_service, until
from tests.e2e.leftovers import children, descendants, orphans_come_here, stray_directories, stray_files
from tests.e2e.promises import Dock
from tests.fakes.functions import archive

GONE_S = 15.0
"""Within which every process of a killed service must have ended, on a busy machine too."""


@pytest.fixture(autouse=True)
def orphans():
    with orphans_come_here():
        yield


@pytest.fixture
def temporary():
    """The service's TMPDIR: functions' users must be able to pass through it, as through /tmp."""
    directory = Path(tempfile.mkdtemp(prefix="e2e-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


def nobody_is_left() -> None:
    until("everything of the killed service has ended", lambda: not children(), timeout_s=GONE_S)


def be_killed(dock: Dock, rounds: int) -> None:
    for seed in range(rounds):
        choices = random.Random(seed)
        counts_steps = seed % 2 == 0
        after = choices.randint(1, 400 if counts_steps else 40)
        with dock.running() as service:
            dock.check(service)
            dock.work_until_killed(service, seed, Killer(service.process.pid, after, counts_steps))
        nobody_is_left()
    with dock.running() as service:
        dock.check(service)
        assert service.stop() == 0
    nobody_is_left()
    assert list(dock.temporary.iterdir()) == []
    print(f"{rounds} kills; acknowledged: {dict(dock.ledger.acknowledged)}")


def test_every_promise_outlives_a_kill_in_the_midst_of_uploads(tmp_path, temporary):
    dock = Dock(tmp_path / "data", temporary)
    be_killed(dock, rounds=4)
    assert dock.ledger.acknowledged["object"] > 20


@pytest.mark.soak
def test_every_promise_outlives_a_hundred_and_fifty_kills(tmp_path, temporary):
    dock = Dock(tmp_path / "data", temporary)
    be_killed(dock, rounds=150)
    assert dock.ledger.acknowledged["object"] > 500


@contextmanager
def start_process(dock: Dock, **variables: str) -> Iterator[subprocess.Popen]:
    """A service with the example that is not waited for; killed at the end."""
    command = [
        sys.executable,
        "-m",
        "crossdock",
        "serve",
        "--data-dir",
        str(dock.data_dir),
        "--host",
        HOST,
        *FREE_PORTS,
    ]
    with (dock.data_dir.parent / "service.log").open("a") as log:
        process = subprocess.Popen(
            [*command, "--example", "article"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**CLEAN, "HOME": str(dock.data_dir.parent), "TMPDIR": str(dock.temporary), **variables},
        )
    with process:
        yield process
        process.kill()


def be_killed_at_start(dock: Dock, rounds: int) -> None:
    for seed in range(rounds):
        # At a moment between its beginning and about when it is ready.
        with start_process(dock) as process, suppress(subprocess.TimeoutExpired):
            process.wait(random.Random(seed).uniform(0.2, 2.0))
        nobody_is_left()
    with dock.running() as service:
        dock.check(service)


def test_a_start_that_was_cut_off_can_be_done_again(tmp_path, temporary):
    """The first start of all, which makes everything, and the ones after it."""
    be_killed_at_start(Dock(tmp_path / "data", temporary), rounds=2)


def test_an_example_that_was_cut_off_is_built_by_the_next_start(tmp_path, temporary):
    """Killed when its stack is in the making: what there is of it is made anew."""
    dock = Dock(tmp_path / "data", temporary)
    key, secret = "AKIAHUB0000000000000", "s" * 40
    with start_process(dock, CROSSDOCK_KEYS=f"hub={key}:{secret}") as process:
        formation = aws_session().client(
            "cloudformation",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            region_name="us-east-1",
            endpoint_url=process.stdout.readline().removeprefix("ready api ").strip(),
        )
        until("a resource of the stack is being made", lambda: events_of(formation, "transfer-identity"))
        process.kill()
    with dock.running() as service:
        assert status_of(service, "transfer-identity") == "CREATE_COMPLETE"
        dock.check(service)


def events_of(formation, stack: str) -> list[dict]:
    try:
        return formation.describe_stack_events(StackName=stack)["StackEvents"][1:]
    except ClientError:
        return []


@pytest.mark.soak
def test_fifty_starts_that_were_cut_off_can_be_done_again(tmp_path, temporary):
    be_killed_at_start(Dock(tmp_path / "data", temporary), rounds=50)


# Stacks


STACK = """
Resources:
  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /of-stack}}
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: of-stack}}
  Secret: {Type: AWS::SecretsManager::Secret, Properties: {Name: of-stack, SecretString: "1"}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: of-stack
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      ManagedPolicyName: of-stack
      Roles: [!Ref Role]
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]
"""


def create_stack(service: Service) -> None:
    service.client("hub", "cloudformation").create_stack(
        StackName="new", TemplateBody=STACK, Capabilities=["CAPABILITY_NAMED_IAM"]
    )


def status_of(service: Service, name: str = "new") -> str:
    """Of the stack; DELETE_COMPLETE when there is none."""
    try:
        [stack] = service.client("hub", "cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError:
        return "DELETE_COMPLETE"
    return stack["StackStatus"]


def settled(service: Service) -> str:
    return until("the stack is settled", lambda: not (status := status_of(service)).endswith("IN_PROGRESS") and status)


def made_by_stack(service: Service) -> list[str]:
    clients = {name: service.client("hub", name) for name in ("s3", "iam", "logs", "secretsmanager")}
    found = [bucket["Name"] for bucket in clients["s3"].list_buckets()["Buckets"]]
    found += [role["RoleName"] for role in clients["iam"].list_roles()["Roles"]]
    found += [policy["PolicyName"] for policy in clients["iam"].list_policies(Scope="Local")["Policies"]]
    found += [group["logGroupName"] for group in clients["logs"].describe_log_groups()["logGroups"]]
    found += [secret["Name"] for secret in clients["secretsmanager"].list_secrets()["SecretList"]]
    return [name for name in found if "of-stack" in name]


def be_killed_with_a_stack(data_dir: Path, events: Sequence[int]) -> None:
    """Kill it when the stack has had so many events; then the stack is not under way for ever, and can be deleted."""
    for number in (*events, None):
        with start_service(data_dir) as service:
            assert status_of(service) in ("CREATE_FAILED", "CREATE_COMPLETE", "DELETE_COMPLETE")
            formation = service.client("hub", "cloudformation")
            formation.delete_stack(StackName="new")
            assert settled(service) == "DELETE_COMPLETE"
            assert made_by_stack(service) == []
            create_stack(service)
            if number is None:
                assert settled(service) == "CREATE_COMPLETE"
                assert len(made_by_stack(service)) == 5
            else:
                stack_id = formation.describe_stacks(StackName="new")["Stacks"][0]["StackId"]
                while len(formation.describe_stack_events(StackName=stack_id)["StackEvents"]) < number:
                    pass
            service.kill()
        nobody_is_left()
    with start_service(data_dir) as service:
        assert status_of(service) == "CREATE_COMPLETE"
        assert len(made_by_stack(service)) == 5


def test_a_stack_that_was_being_made_is_told_as_it_is_and_can_be_deleted(tmp_path):
    be_killed_with_a_stack(tmp_path / "data", events=(5,))


@pytest.mark.soak
def test_a_stack_can_be_interrupted_fifty_times(tmp_path):
    be_killed_with_a_stack(tmp_path / "data", events=[random.Random(seed).randint(1, 12) for seed in range(50)])


# Functions

BUSY_FUNCTION = """
import os, subprocess, time

def handler(event, context):
    if not event.get("sleeps"):
        return "awake"
    with open(os.path.join(os.environ.get("TMPDIR", "/tmp"), "scratch"), "w") as file:
        file.write("x")
    subprocess.Popen(["sleep", event["sleeps"]])
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", event["sleeps"]])
        os._exit(0)
    time.sleep(600)
"""


def invoke(service: Service, event: dict, kind: str = "RequestResponse"):
    client = service.client("hub", "lambda")
    return client.invoke(FunctionName="busy", Payload=json.dumps(event), InvocationType=kind)


def asleep(service: Service, marker: str) -> bool:
    return sum(marker in command for command in descendants(service.process.pid).values()) == 2


def create_busy_function(service: Service) -> None:
    service.client("hub", "iam").create_role(RoleName="busy", AssumeRolePolicyDocument=TRUST)
    service.client("hub", "lambda").create_function(
        FunctionName="busy",
        Runtime="python3.12",
        Role="arn:aws:iam::111111111111:role/busy",
        Handler="app.handler",
        Timeout=300,
        Code={"ZipFile": archive({"app.py": BUSY_FUNCTION})},
    )


def test_nothing_of_a_running_function_outlives_the_service(tmp_path, temporary):
    """Nor its children, nor what left its process group; nor its files, once the service has started again."""
    variables = {"TMPDIR": str(temporary)}
    for end in (signal.SIGKILL, signal.SIGTERM):
        marker = f"600.{random.randrange(10**9)}"
        with start_service(tmp_path / "data", "--drain-timeout", "0", variables=variables) as service:
            assert stray_files(service.data_dir) == []
            assert stray_directories(temporary, service.data_dir) == []
            if end == signal.SIGKILL:
                create_busy_function(service)
            assert json.load(invoke(service, {})["Payload"]) == "awake"
            invoke(service, {"sleeps": marker}, "Event")
            until("the function and its children run", lambda: asleep(service, marker))  # noqa: B023 - asked at once
            service.process.send_signal(end)
            service.process.wait(60)
            nobody_is_left()
    assert list(temporary.iterdir()) == []
    assert stray_files(tmp_path / "data") == []
