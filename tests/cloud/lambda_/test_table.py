"""A function's life through the one road, and what of it is kept."""

from base64 import b64decode
from hashlib import sha256

from tests.fakes.aws_models import model_of
from tests.fakes.lambda_ import ROLE, ZIP, EmbeddedLambda, function_arn


async def test_a_function_lives_from_create_to_delete(cloud: EmbeddedLambda):
    made = await cloud.make("f", Description="echo")
    assert made["FunctionArn"] == function_arn("f")
    assert (made["State"], made["LastUpdateStatus"], made["PackageType"]) == ("Active", "Successful", "Zip")
    assert (made["Timeout"], made["MemorySize"], made["Role"]) == (3, 128, ROLE)
    assert b64decode(made["CodeSha256"]) == sha256(ZIP).digest()
    assert made["CodeSize"] == len(ZIP)
    assert made["LastModified"] == "2026-03-15T00:47:00.000+0000"

    found = await cloud("GetFunction", FunctionName="f")
    assert found["Configuration"] == made
    assert await cloud("GetFunctionConfiguration", FunctionName="f") == made
    assert (await cloud("ListFunctions"))["Functions"] == [made]

    answer = await cloud("Invoke", FunctionName="f", Payload=b'{"a":1}')
    assert answer == {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": b'{"a":1}'}

    assert await cloud("DeleteFunction", FunctionName="f") == {"StatusCode": 204}
    assert await cloud.refusal("GetFunction", FunctionName="f") == (
        "ResourceNotFoundException",
        f"Function not found: {function_arn('f')}",
    )
    assert cloud.code.archives == {}
    assert cloud.runner.retired == [function_arn("f")]


def test_every_row_is_an_operation_of_the_model(cloud: EmbeddedLambda):
    rows = cloud.operations.services["lambda"].operations
    assert set(rows) <= set(model_of("lambda").operation_names)
    assert [name for name, row in rows.items() if row.is_data] == ["Invoke"]
