"""A group is named, or identified by a name or an ARN."""

import pytest
from tests.fakes.logs import GROUP, HUB, PARTNER, STREAM, messages

ARN = f"arn:aws:logs:us-east-1:{HUB}:log-group:{GROUP}"


@pytest.mark.parametrize("identifier", [GROUP, ARN])
async def test_an_identifier_is_a_name_or_an_arn(logs, identifier):
    await logs.make(STREAM)
    await logs.put("one")
    assert messages(await logs("FilterLogEvents", logGroupIdentifier=identifier)) == ["one"]
    assert messages(await logs("GetLogEvents", logGroupIdentifier=identifier, logStreamName=STREAM)) == ["one"]
    assert len((await logs("DescribeLogStreams", logGroupIdentifier=identifier))["logStreams"]) == 1
    assert len((await logs("DescribeLogGroups", logGroupIdentifiers=[identifier]))["logGroups"]) == 1


async def test_a_group_has_to_be_said_once(logs):
    await logs.make()
    expected = (
        "InvalidParameterException",
        "You must include either logGroupName or logGroupIdentifier, but not both.",
    )
    assert await logs.refusal("FilterLogEvents") == expected
    assert await logs.refusal("FilterLogEvents", logGroupName=GROUP, logGroupIdentifier=ARN) == expected


@pytest.mark.parametrize(
    "identifier",
    [
        f"{ARN}:*",
        f"{ARN}:log-stream:{STREAM}",
        ARN.replace("us-east-1", "eu-west-1"),
        ARN.replace(":logs:", ":s3:"),
        ARN.replace("log-group", "destination"),
        "arn:aws:logs",
        f"arn:aws:logs:us-east-1:{HUB}:log-group:",
    ],
)
async def test_an_arn_that_is_no_groups_of_the_region_is_refused(logs, identifier):
    await logs.make(STREAM)
    assert (await logs.refusal("FilterLogEvents", logGroupIdentifier=identifier))[0] == "InvalidParameterException"


async def test_another_accounts_group_is_not_found_even_when_policies_allow_it(logs):
    await logs("CreateLogGroup", logGroupName=GROUP, account=PARTNER)
    code, _ = await logs.refusal("FilterLogEvents", logGroupIdentifier=ARN.replace(HUB, PARTNER))
    assert code == "ResourceNotFoundException"
