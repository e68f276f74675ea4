"""The article's function and the project's own, end to end: made by boto3, run in a process, asked by a login."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.fakes.cloud import HUB, REGION
from tests.fakes.functions import archive
from tests.fakes.lambda_service import LambdaService, in_thread, lambda_service

from crossdock.adapters.embedded.provider_functions import EmbeddedProviderFunctions
from crossdock.cloud.cloudformation.template import parse_template
from crossdock.core.logins import LoginAttempt, Password
from crossdock.core.servers import EndpointType, FileProtocol, IdentityProviderChoice, IdentityProviderType, Server
from crossdock.examples.article import template_text
from crossdock.transfer.lambda_identity import LambdaIdentityProvider

SHARED = Path(__file__).resolve().parents[4] / "shared" / "reference" / "custom-idp-secrets-manager-lambda.template.yml"
PASSWORD = "Correct-Horse-7"
SERVER_ID = "s-0123456789abcdef0"
USER_ROLE = f"arn:aws:iam::{HUB}:role/transfer-users"


def functions() -> dict[str, tuple[str, str, str]]:
    """Source, handler and the variable for the region; the article's template is not part of the project."""
    own = parse_template(template_text()).resources["ProviderFunction"].properties
    found = {"own": (own["Code"]["ZipFile"], own["Handler"], "SECRETS_REGION")}
    if SHARED.exists():
        theirs = parse_template(SHARED.read_text()).resources["GetUserConfigLambda"].properties
        found["article"] = (theirs["Code"]["ZipFile"]["Fn::Sub"], theirs["Handler"], "SecretsManagerRegion")
    return found


FUNCTIONS = functions()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[LambdaService]:
    async with lambda_service(tmp_path) as made:
        yield made


async def make_role(service: LambdaService) -> str:
    iam = service.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    read = {
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": f"arn:aws:secretsmanager:{REGION}:{HUB}:secret:aws/transfer/*",
    }
    made = await in_thread(iam.create_role, RoleName="provider", AssumeRolePolicyDocument=document(trust))
    await in_thread(iam.put_role_policy, RoleName="provider", PolicyName="read", PolicyDocument=document(read))
    return str(made["Role"]["Arn"])


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


async def make_provider(service: LambdaService, name: str) -> str:
    source, handler, variable = FUNCTIONS[name]
    made = await in_thread(
        service.client("lambda").create_function,
        FunctionName="provider",
        Runtime="python3.11",
        Handler=handler,
        Timeout=15,
        Role=await make_role(service),
        Code={"ZipFile": archive({"index.py": source})},
        Environment={"Variables": {variable: REGION}},
    )
    return str(made["FunctionArn"])


async def admit_transfer(service: LambdaService) -> None:
    await in_thread(
        service.client("lambda").add_permission,
        FunctionName="provider",
        StatementId="transfer",
        Action="lambda:invokeFunction",
        Principal="transfer.amazonaws.com",
        SourceArn=f"arn:aws:transfer:{REGION}:{HUB}:server/*",
    )


async def make_user(service: LambdaService, name: str) -> None:
    user = {"Password": PASSWORD, "Role": USER_ROLE, "HomeDirectory": f"/inbox/{name}"}
    await in_thread(
        service.client("secretsmanager").create_secret,
        Name=f"aws/transfer/{SERVER_ID}/{name}",
        SecretString=json.dumps(user),
    )


def server(function_arn: str) -> Server:
    return Server(
        server_id=SERVER_ID,
        account_id=HUB,
        region=REGION,
        protocols=(FileProtocol.FTP,),
        endpoint_type=EndpointType.VPC,
        identity_provider=IdentityProviderChoice(kind=IdentityProviderType.AWS_LAMBDA, function_arn=function_arn),
    )


def attempt(user: str, password: str) -> LoginAttempt:
    return LoginAttempt(
        server_id=SERVER_ID,
        username=user,
        credential=Password(password),
        protocol=FileProtocol.FTP,
        source_ip="192.0.2.7",
    )


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_the_identity_provider_vouches_for_who_is_in_secrets_manager(service: LambdaService, name: str):
    arn = await make_provider(service, name)
    await make_user(service, "user1")
    provider = LambdaIdentityProvider(EmbeddedProviderFunctions(service.operations))

    answer = await provider.identify(server(arn), attempt("user1", PASSWORD))
    assert answer.identity is None
    assert "AccessDeniedException" in answer.message, "the function's own policy decides"

    await admit_transfer(service)
    answer = await provider.identify(server(arn), attempt("user1", PASSWORD))
    assert answer.message == ""
    assert answer.identity is not None
    assert answer.identity.role_arn == USER_ROLE
    for user, password in (("user1", "wrong"), ("user2", PASSWORD)):
        refused = await provider.identify(server(arn), attempt(user, password))
        assert refused.identity is None
        assert refused.status_code == 200
    lines = await service.printed("provider")
    assert lines[0].startswith("INIT_START")
    assert sum(line.startswith("REPORT RequestId: ") for line in lines) == 3
    assert PASSWORD not in "".join(lines)


async def test_an_exception_of_the_function_is_a_refusal_with_its_reason(service: LambdaService):
    """The article's template raises NameError on an empty password, which AWS documents as a failed login."""
    source = "def handler(event, context): return response_data"
    await in_thread(
        service.client("lambda").create_function,
        FunctionName="provider",
        Runtime="python3.11",
        Handler="index.handler",
        Role=await make_role(service),
        Code={"ZipFile": archive({"index.py": source})},
    )
    await admit_transfer(service)
    arn = f"arn:aws:lambda:{REGION}:{HUB}:function:provider"
    answer = await LambdaIdentityProvider(EmbeddedProviderFunctions(service.operations)).identify(
        server(arn), attempt("user1", PASSWORD)
    )
    assert answer.identity is None
    assert "NameError: name 'response_data' is not defined" in answer.message


async def test_boto3_invokes_through_the_api(service: LambdaService):
    lambda_ = service.client("lambda")
    source = (
        "import os\ndef handler(event, context):\n    print('seen', event)\n    return {**event, 'x': os.environ['AB']}"
    )
    await in_thread(
        lambda_.create_function,
        FunctionName="echo",
        Runtime="python3.11",
        Handler="index.handler",
        Role=await make_role(service),
        Code={"ZipFile": archive({"index.py": source})},
        Environment={"Variables": {"AB": "y"}},
    )
    answer = await in_thread(lambda_.invoke, FunctionName="echo", Payload=b'{"a": "\xc3\xa4"}', LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert json.loads(answer["Payload"].read()) == {"a": "ä", "x": "y"}
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"
    assert "FunctionError" not in answer

    failed = await in_thread(lambda_.invoke, FunctionName="echo", Payload=b"[]")
    assert (failed["StatusCode"], failed["FunctionError"]) == (200, "Unhandled")
    assert json.loads(failed["Payload"].read())["errorType"] == "TypeError"

    with pytest.raises(ClientError) as refused:
        await in_thread(lambda_.invoke, FunctionName="absent")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert isinstance(refused.value, lambda_.exceptions.ResourceNotFoundException)
    dry = await in_thread(lambda_.invoke, FunctionName="echo", InvocationType="DryRun")
    assert (dry["StatusCode"], dry["Payload"].read()) == (204, b"")
    assert any("seen {'a': 'ä'}" in line for line in await service.printed("echo"))


async def test_new_code_and_variables_are_what_the_next_invocation_runs(service: LambdaService):
    lambda_ = service.client("lambda")

    async def result() -> Any:
        return json.loads((await in_thread(lambda_.invoke, FunctionName="f"))["Payload"].read())

    source = "import os\ndef handler(event, context): return [{}, os.environ.get('AB')]"
    role = await make_role(service)
    await in_thread(
        lambda_.create_function,
        FunctionName="f",
        Runtime="python3.11",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": archive({"index.py": source.format(1)})},
    )
    assert await result() == [1, None]
    await in_thread(lambda_.update_function_code, FunctionName="f", ZipFile=archive({"index.py": source.format(2)}))
    assert await result() == [2, None]
    changed = {"FunctionName": "f", "Environment": {"Variables": {"AB": "x"}}}
    await in_thread(lambda_.update_function_configuration, **changed)
    assert await result() == [2, "x"]
    await in_thread(lambda_.get_waiter("function_updated_v2").wait, FunctionName="f")
    deleted = await in_thread(lambda_.delete_function, FunctionName="f")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(ClientError, match="Function not found"):
        await result()
