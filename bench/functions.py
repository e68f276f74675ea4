"""What an invocation costs: of an empty function, and of one that makes a boto3 client at every call, as the article's.

    python bench/functions.py [--warm 1000] [--cold 10] [--template TEMPLATE]

Prints a table for docs/benchmarks.md. First the runner alone, inside this process: that is what Crossdock itself adds
to the work of a function. Then a service, asked by boto3 over HTTP: the client's own work, the signature and the
policies are in those figures. With a template (its AWS::Lambda::Function with inline code looks users up as the
article's does) that function is measured instead of the project's stand-in for it.
"""

import argparse
import asyncio
import io
import json
import os
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from crossdock.adapters.host.clock import SystemClock
from crossdock.adapters.host.functions.runner import SubprocessRunner
from crossdock.cli.demo.clients import AwsClients
from crossdock.cli.demo.service import running_service
from crossdock.cloud.cloudformation.template import parse_template
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.functions import FunctionSpec, TemporaryCredentials
from crossdock.settings import LambdaSettings

EMPTY = "def handler(event, context): return None"
CLIENT_EACH_CALL = """
import json, os, boto3
def handler(event, context):
    region = os.environ["SecretsManagerRegion"]
    client = boto3.session.Session().client(service_name="secretsmanager", region_name=region)
    found = client.get_secret_value(SecretId="aws/transfer/" + event["serverId"] + "/" + event["username"])
    user = json.loads(found["SecretString"])
    return {"Role": user["Role"]} if user["Password"] == event["password"] else {}
"""
EVENT = {"serverId": "s-0123456789abcdef0", "username": "user1", "password": "a password", "protocol": "FTP"}
ROLE = "arn:aws:iam::111111111111:role/bench"
PROMISED_MS = 3.0
"""The empty function, warm, by the runner alone: "about a millisecond", with room for a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    name: str
    source: str
    handler: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    what: str
    seconds: Sequence[float]

    @property
    def median_ms(self) -> float:
        return statistics.median(self.seconds) * 1000

    def row(self) -> str:
        ordered = sorted(self.seconds)
        p95, p99 = (ordered[min(len(ordered) - 1, len(ordered) * part // 100)] * 1000 for part in (95, 99))
        return f"| {self.what} | {len(ordered)} | {self.median_ms:.2f} | {p95:.2f} | {p99:.2f} |"


class NoLog:
    """Implements `ports.functions.FunctionLog`."""

    def write(self, function: FunctionSpec, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        return


async def timed(call: Callable[[int], Awaitable[None]], count: int) -> list[float]:
    found = []
    for number in range(count):
        began = time.perf_counter()
        await call(number)
        found.append(time.perf_counter() - began)
    return found


def archive(source: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("index.py", source)
    return content.getvalue()


def empty_spec(revision: str) -> FunctionSpec:
    async def code() -> bytes:
        return archive(EMPTY)

    async def credentials() -> TemporaryCredentials:
        expires_at = datetime.now(UTC) + timedelta(hours=1)
        return TemporaryCredentials(
            access_key_id="ASIABENCH", secret_access_key="secret", session_token="token", expires_at=expires_at
        )

    return FunctionSpec(
        arn="arn:aws:lambda:us-east-1:111111111111:function:empty",
        name="empty",
        account_id="111111111111",
        region="us-east-1",
        revision=revision,
        runtime=f"python3.{sys.version_info.minor}",
        handler="index.handler",
        timeout_s=30,
        memory_mib=128,
        code=code,
        environment={},
        credentials=credentials,
    )


async def by_the_runner(folder: Path, *, warm: int, cold: int) -> list[Figures]:
    tasks = TaskSupervisor()
    runner = SubprocessRunner(
        folder,
        settings=LambdaSettings(),
        clock=SystemClock(),
        entropy=os.urandom,
        tasks=tasks,
        log=NoLog(),
        endpoint_url=lambda: "http://127.0.0.1:9",
    )
    await runner.start()

    async def invoke(revision: str) -> None:
        result = await runner.invoke(empty_spec(revision), b"{}", request_id="bench")
        assert not result.error, result.payload

    async def cold_one(number: int) -> None:
        await invoke(str(number))

    async def warm_one(_number: int) -> None:
        await invoke("warm")

    try:
        cold_s = await timed(cold_one, cold)
        await timed(warm_one, 20)
        return [
            Figures(what="the runner alone: empty, cold", seconds=cold_s),
            Figures(what="the runner alone: empty, warm", seconds=await timed(warm_one, warm)),
        ]
    finally:
        await runner.close()
        await tasks.close()


def looker_up(template: Path | None) -> Function:
    """The function of a template, or the project's stand-in."""
    if template is None:
        return Function(name="a client each call", source=CLIENT_EACH_CALL, handler="index.handler")
    resources = parse_template(template.read_text(encoding="utf-8")).resources.values()
    found = next(resource.properties for resource in resources if resource.type == "AWS::Lambda::Function")
    code = found["Code"]["ZipFile"]
    return Function(
        name=template.name, source=code if isinstance(code, str) else code["Fn::Sub"], handler=found["Handler"]
    )


def prepare(aws: AwsClients, functions: Sequence[Function]) -> None:
    def statement(**members: Any) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **members}})

    trust = statement(Principal={"Service": "lambda.amazonaws.com"}, Action="sts:AssumeRole")
    aws.call("hub", "iam", "CreateRole", RoleName="bench", AssumeRolePolicyDocument=trust)
    read = statement(Action="secretsmanager:GetSecretValue", Resource="*")
    aws.call("hub", "iam", "PutRolePolicy", RoleName="bench", PolicyName="read", PolicyDocument=read)
    user = {"Password": EVENT["password"], "Role": ROLE}
    secret = f"aws/transfer/{EVENT['serverId']}/{EVENT['username']}"
    aws.call("hub", "secretsmanager", "CreateSecret", Name=secret, SecretString=json.dumps(user))
    for number, function in enumerate(functions):
        aws.call(
            "hub",
            "lambda",
            "CreateFunction",
            FunctionName=f"bench-{number}",
            Runtime="python3.11",
            Handler=function.handler,
            Timeout=30,
            Role=ROLE,
            Code={"ZipFile": archive(function.source)},
            Environment={"Variables": {"SecretsManagerRegion": "us-east-1"}},
        )


async def by_the_api(aws: AwsClients, functions: Sequence[Function], *, warm: int, cold: int) -> list[Figures]:
    found = []
    for number, function in enumerate(functions):
        name = {"FunctionName": f"bench-{number}"}
        client = aws.client("hub", "lambda")
        expected = None if function.source is EMPTY else ROLE

        # boto3 waits for its answer, and there is nothing else that this loop has to do.
        async def invoke(_number: int, name: Any = name, client: Any = client, expected: str | None = expected) -> None:
            answer = client.invoke(**name, Payload=json.dumps(EVENT).encode())
            result = json.loads(answer["Payload"].read())
            assert "FunctionError" not in answer, result
            assert (result or {}).get("Role") == expected, result

        cold_s: list[float] = []
        for turn in range(cold):
            client.update_function_configuration(**name, Description=f"turn {turn}")
            cold_s += await timed(invoke, 1)
        await timed(invoke, 5)
        found.append(Figures(what=f"through the API: {function.name}, cold", seconds=cold_s))
        found.append(Figures(what=f"through the API: {function.name}, warm", seconds=await timed(invoke, warm)))
    return found


async def measure(folder: Path, template: Path | None, *, warm: int, cold: int) -> list[Figures]:
    figures = await by_the_runner(folder / "functions", warm=warm, cold=cold)
    functions = [Function(name="empty", source=EMPTY, handler="index.handler"), looker_up(template)]
    with running_service(folder / "data", folder / "service.log", region="us-east-1") as service:
        aws = AwsClients(service)
        prepare(aws, functions)
        return figures + await by_the_api(aws, functions, warm=max(10, warm // 5), cold=cold)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warm", type=int, default=1000, help="warm invocations by the runner; a fifth by the API")
    parser.add_argument("--cold", type=int, default=10)
    parser.add_argument("--template", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-") as name:
        found = asyncio.run(measure(Path(name), arguments.template, warm=arguments.warm, cold=arguments.cold))
    print("| what | invocations | median ms | p95 ms | p99 ms |")
    print("|---|---|---|---|---|")
    for figures in found:
        print(figures.row())
    warm_alone = found[1].median_ms
    print(f"\nThe runner alone, warm: {'as' if warm_alone < PROMISED_MS else 'NOT as'} promised (< {PROMISED_MS:g} ms)")
    return 0 if warm_alone < PROMISED_MS else 1


if __name__ == "__main__":
    sys.exit(main())
