"""Which function is meant, in all the forms in which AWS lets one say it."""

import pytest
from tests.fakes.cloud import HUB, REGION
from tests.fakes.lambda_ import EmbeddedLambda, function_arn


@pytest.mark.parametrize(
    "name",
    [
        "f",
        "f:$LATEST",
        "function:f",
        f"{HUB}:function:f",
        f"{HUB}:f",
        f"{REGION}:{HUB}:function:f",
        function_arn("f"),
        f"{function_arn('f')}:$LATEST",
    ],
)
async def test_a_function_is_found_by_name_partial_arn_and_arn(cloud: EmbeddedLambda, name: str):
    await cloud.make("f")
    found = await cloud("GetFunctionConfiguration", FunctionName=name)
    qualifier = ":$LATEST" if name.endswith("$LATEST") else ""
    assert found["FunctionArn"] == function_arn("f") + qualifier
    assert (await cloud("Invoke", FunctionName=name))["ExecutedVersion"] == "$LATEST"


async def test_a_qualifier_beside_the_name_counts_like_one_in_it(cloud: EmbeddedLambda):
    await cloud.make("f")
    found = await cloud("GetFunctionConfiguration", FunctionName="f", Qualifier="$LATEST")
    assert found["FunctionArn"].endswith(":function:f:$LATEST")
    assert await cloud("GetFunctionConfiguration", FunctionName="f:$LATEST", Qualifier="$LATEST") == found
    code, message = await cloud.refusal("GetFunctionConfiguration", FunctionName="f:$LATEST", Qualifier="1")
    assert code == "InvalidParameterValueException"
    assert message == "The derived qualifier from the function name does not match the specified qualifier."


@pytest.mark.parametrize("operation", ["GetFunction", "GetFunctionConfiguration", "Invoke", "DeleteFunction"])
@pytest.mark.parametrize("qualifier", ["1", "live"])
async def test_there_are_no_versions_and_no_aliases(cloud: EmbeddedLambda, operation: str, qualifier: str):
    await cloud.make("f")
    expected = ("ResourceNotFoundException", f"Function not found: {function_arn('f')}:{qualifier}")
    assert await cloud.refusal(operation, FunctionName="f", Qualifier=qualifier) == expected
    assert await cloud.refusal(operation, FunctionName=f"f:{qualifier}") == expected


async def test_a_function_of_another_region_is_out_of_reach(cloud: EmbeddedLambda):
    await cloud.make("f")
    code, message = await cloud.refusal("GetFunction", FunctionName=function_arn("f"), region="eu-west-1")
    assert code == "ResourceNotFoundException"
    assert message == "Functions from 'us-east-1' are not reachable in this region ('eu-west-1')"
    code, message = await cloud.refusal("GetFunction", FunctionName="f", region="eu-west-1")
    assert message == f"Function not found: arn:aws:lambda:eu-west-1:{HUB}:function:f"


async def test_a_name_that_is_none_is_refused(cloud: EmbeddedLambda):
    for name in ("a b", "f:", "", "x" * 65, "arn:aws:s3:::bucket", "f:one:two", "f\n"):
        code, _ = await cloud.refusal("GetFunction", FunctionName=name)
        assert code == "ValidationException", name


async def test_names_of_two_accounts_are_two_names(cloud: EmbeddedLambda):
    await cloud.make("f")
    assert (await cloud.refusal("GetFunction", FunctionName="f", as_=cloud.partner))[0] == "ResourceNotFoundException"
    code, _ = await cloud.refusal("GetFunction", FunctionName=function_arn("f"), as_=cloud.partner)
    assert code == "AccessDeniedException"
    # Nobody learns what another account does not have, either.
    code, _ = await cloud.refusal("GetFunction", FunctionName=function_arn("none"), as_=cloud.partner)
    assert code == "AccessDeniedException"
    assert (await cloud("ListFunctions", as_=cloud.partner))["Functions"] == []


async def test_names_are_checked_without_the_model_too(cloud: EmbeddedLambda):
    cloud.operations._validate = lambda *_: None  # as from inside the house
    code, message = await cloud.refusal("GetFunction", FunctionName="a b")
    assert code == "ValidationException"
    assert "Value 'a b' at 'functionName' failed to satisfy constraint" in message
