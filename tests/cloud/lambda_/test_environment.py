"""Variables: bounded, never AWS's own, sealed for their row."""

import pytest
from tests.fakes.house import PlainSealer
from tests.fakes.lambda_ import EmbeddedLambda, function_arn

from crossdock.cloud.lambda_.environment import MAX_BYTES, RESERVED, check_variables, seal_variables, unseal_variables
from crossdock.cloud.lambda_.records import FUNCTIONS
from crossdock.core.errors import ServiceError
from crossdock.ports.host import SealBroken

SECRET = "a password"


def given(**variables: str) -> dict:
    return {"Variables": variables}


async def test_variables_are_shown_to_who_may_see_them_and_lie_sealed(cloud: EmbeddedLambda):
    await cloud.make("f", Environment=given(SECRET_WORD=SECRET))
    found = await cloud("GetFunctionConfiguration", FunctionName="f")
    assert found["Environment"] == given(SECRET_WORD=SECRET)
    async with cloud.parts.state.reading() as tx:
        (record,) = await FUNCTIONS.everything(tx)
    assert SECRET not in repr(record)
    assert SECRET.encode() not in record.sealed_environment.encode()


async def test_variables_of_another_row_cannot_be_opened(cloud: EmbeddedLambda):
    sealer = PlainSealer()
    sealed = seal_variables(sealer, function_arn("f"), {"AB": "x"})
    assert unseal_variables(sealer, function_arn("f"), sealed) == {"AB": "x"}
    with pytest.raises(SealBroken):
        unseal_variables(sealer, function_arn("g"), sealed)
    assert seal_variables(sealer, function_arn("f"), {}) == ""
    assert unseal_variables(sealer, function_arn("f"), "") == {}


async def test_variables_that_do_not_open_are_an_error_of_their_own(cloud: EmbeddedLambda):
    await cloud.make("f", Environment=given(AB="x"))
    await cloud.make("g", Environment=given(AB="y"))
    async with cloud.parts.state.transaction() as tx:
        records = {record.name: record for record in await FUNCTIONS.everything(tx)}
        await FUNCTIONS.put(tx, records["g"], *records["f"].key)
        table = tx.table(FUNCTIONS.spec)
        row = await table.get(records["f"].key)
        assert row is not None
        await table.put(records["f"].key, {**row.value, "name": "f"})
    cloud.parts.epoch.advance()
    found = await cloud("GetFunctionConfiguration", FunctionName="f")
    assert found["Environment"]["Error"]["ErrorCode"] == "KMSAccessDeniedException"
    code, message = await cloud.refusal("Invoke", FunctionName="f")
    assert code == "KMSAccessDeniedException"
    assert "decrypt the environment variables" in message
    assert cloud.runner.invocations == []


@pytest.mark.parametrize("name", sorted(RESERVED))
async def test_what_aws_sets_itself_cannot_be_set(name: str):
    with pytest.raises(ServiceError, match=f"Reserved keys used in this request: {name}$"):
        check_variables({"Mine": "1", name: SECRET})


@pytest.mark.parametrize("variables", [{"A": "1"}, {"_X": "1"}, {"1A": "1"}, {"A-B": "1"}, {"AB": "nul\0"}])
async def test_a_variable_that_no_environment_can_hold_is_refused(variables: dict[str, str]):
    with pytest.raises(ServiceError) as refused:
        check_variables(variables)
    assert refused.value.code == "InvalidParameterValueException"


async def test_variables_together_have_four_kilobytes(cloud: EmbeddedLambda):
    overhead = len('{"AB":""}')
    check_variables({"AB": "x" * (MAX_BYTES - overhead)})
    code, message = await cloud.refusal(
        "CreateFunction", **cloud.function("f", Environment=given(AB="x" * (MAX_BYTES - overhead + 1)))
    )
    assert code == "InvalidParameterValueException"
    assert "exceeded the 4KB limit" in message
    assert "xxx" not in message
