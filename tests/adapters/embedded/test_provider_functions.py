"""Identity providers' functions of the embedded cloud: what is told where one gives no answer."""

import pytest
from tests.fakes.lambda_ import EmbeddedLambda, function_arn, make_lambda
from tests.fakes.logins import SERVER, make_attempt

from crossdock.adapters.embedded.provider_functions import EmbeddedProviderFunctions
from crossdock.cloud.lambda_.faults import too_many_requests
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Result, ServiceOperations, needs_nothing
from crossdock.ports.authority import FunctionUnreachable


async def refused(cloud: EmbeddedLambda, arn: str) -> FunctionUnreachable:
    functions = EmbeddedProviderFunctions(cloud.operations)
    with pytest.raises(FunctionUnreachable) as refusal:
        await functions.invoke(SERVER, make_attempt(), function_arn=arn, event=b"{}")
    return refusal.value


@pytest.mark.parametrize("qualifier", ["", ":live"])
async def test_a_function_that_does_not_exist_is_told_as_that_and_not_to_be_opened(
    qualifier: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    found = await refused(await make_lambda(), function_arn("idp") + qualifier)
    missing = f"there is no function idp in account {SERVER.account_id} in region {SERVER.region}"
    assert str(found) == missing
    assert found.remedy == "create it, or name one that there is in the server's IdentityProviderDetails"
    assert not found.is_silent
    (denied,) = [record for record in caplog.records if record.message == "denied"]
    assert vars(denied)["reason"] == missing


async def test_a_function_of_another_region_is_looked_for_there() -> None:
    arn = function_arn("idp").replace(SERVER.region, "eu-west-3")
    assert str(await refused(await make_lambda(), arn)).endswith("in region eu-west-3")


async def test_of_another_account_nobody_learns_which_functions_it_has(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    arn = function_arn("idp").replace(SERVER.account_id, "999999999999")
    assert "there is no function" not in str(await refused(await make_lambda(), arn))
    (denied,) = [record for record in caplog.records if record.message == "denied"]
    assert vars(denied)["reason"].startswith("there is no function idp in account 999999999999")


async def test_one_that_lets_nobody_in_is_opened_with_a_command() -> None:
    cloud = await make_lambda()
    await cloud.make("idp")
    found = await refused(cloud, function_arn("idp"))
    assert "aws lambda add-permission --function-name" in found.remedy
    assert "there is no function" not in str(found)


@pytest.mark.parametrize("arn", ["idp", "arn:aws:lambda:us-east-1:111111111111:layer"])
async def test_what_is_no_arn_of_a_function_is_told_in_lambdas_words(arn: str) -> None:
    assert "AccessDeniedException" in str(await refused(await make_lambda(), arn))


@pytest.mark.parametrize(
    ("error", "is_silent"),
    [
        (too_many_requests(), True),
        (ServiceError("ServiceUnavailableException", "the disk is full", status=503), True),
        (ServiceError("InvalidRuntimeException", "no such handler", status=502), False),
    ],
)
async def test_what_may_answer_when_it_is_asked_again_is_only_silent(error: ServiceError, is_silent: bool) -> None:
    async def fail(_call: Call) -> Result:
        raise error

    cloud = await make_lambda()
    await cloud.make("idp")
    invoke = Operation(handler=fail, permissions=needs_nothing)
    cloud.operations.add(ServiceOperations(service="lambda", operations={"Invoke": invoke}))
    assert (await refused(cloud, function_arn("idp"))).is_silent is is_silent
