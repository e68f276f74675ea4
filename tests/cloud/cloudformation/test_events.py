"""Events and resources as they are listed."""

import asyncio

from tests.fakes.stacks import EmbeddedStacks
from tests.fakes.templates import body, bucket, log_group


def groups(count: int) -> dict:
    return {f"Log{number:03}": log_group(f"log-{number}") for number in range(count)}


async def test_events_come_newest_first_a_hundred_at_a_time(cloud: EmbeddedStacks):
    await cloud.create(groups(75))
    first = await cloud("DescribeStackEvents", StackName="app")
    assert len(first["StackEvents"]) == 100
    assert (first["StackEvents"][0]["LogicalResourceId"], first["StackEvents"][0]["ResourceStatus"]) == (
        "app",
        "CREATE_COMPLETE",
    )
    second = await cloud("DescribeStackEvents", StackName="app", NextToken=first["NextToken"])
    third = await cloud("DescribeStackEvents", StackName="app", NextToken=second["NextToken"])
    assert "NextToken" not in third
    events = [event for page in (first, second, third) for event in page["StackEvents"]]
    assert len(events) == 3 * 75 + 2
    assert len({event["EventId"] for event in events}) == len(events)
    assert events[-1]["ResourceStatus"] == "CREATE_IN_PROGRESS"
    assert [event["LogicalResourceId"] for event in events[1:-1:3]] == [f"Log{n:03}" for n in range(74, -1, -1)]


async def test_pages_go_on_where_they_were_while_new_events_come(cloud: EmbeddedStacks):
    await cloud.create(groups(50))
    first = await cloud("DescribeStackEvents", StackName="app")
    all_before = await cloud.events()
    await cloud.update(groups(80))
    second = await cloud("DescribeStackEvents", StackName="app", NextToken=first["NextToken"])
    seen = [event["EventId"] for event in [*first["StackEvents"], *second["StackEvents"]]]
    assert seen == [event["EventId"] for event in reversed(all_before)]


async def test_a_page_of_exactly_all_events_is_the_last(cloud: EmbeddedStacks):
    # 2 of the stack, 3 of each of 32 resources, and 2 of the deletion of one that cannot be deleted.
    await cloud.create(groups(32))
    cloud.flaws.fail("logs", "DeleteLogGroup")
    assert len(await cloud.events()) == 98
    await cloud.call("cloudformation", "UpdateStack", StackName="app", TemplateBody=body({"Box": bucket("box")}))
    assert len(await cloud.events()) > 100
    page = await cloud("DescribeStackEvents", StackName="app")
    while "NextToken" in page:
        assert len(page["StackEvents"]) == 100
        page = await cloud("DescribeStackEvents", StackName="app", NextToken=page["NextToken"])
    assert page["StackEvents"]


async def test_a_token_that_is_none_is_refused_or_leads_nowhere(cloud: EmbeddedStacks):
    await cloud.create(groups(1))
    assert (await cloud.refusal("DescribeStackEvents", StackName="app", NextToken="?"))[0] == "ValidationError"


async def test_an_event_names_stack_resource_and_moment(cloud: EmbeddedStacks):
    stack_id = (await cloud.create({"Box": bucket("box")}))["StackId"]
    of_stack, begun, claimed, made, done = await cloud.events()
    assert of_stack["PhysicalResourceId"] == of_stack["StackId"] == stack_id
    assert of_stack["ResourceType"] == "AWS::CloudFormation::Stack"
    assert "PhysicalResourceId" not in begun or begun["PhysicalResourceId"] == ""
    assert claimed["PhysicalResourceId"] == made["PhysicalResourceId"] == "box"
    assert made["ResourceType"] == "AWS::S3::Bucket"
    assert made["Timestamp"] == cloud.parts.clock.now()
    assert done["StackName"] == "app"


async def test_resources_are_listed_in_three_ways_with_the_same_facts(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("box"), "Log": log_group("log")})
    described = (await cloud("DescribeStackResources", StackName="app"))["StackResources"]
    assert [(item["LogicalResourceId"], item["PhysicalResourceId"]) for item in described] == [
        ("Box", "box"),
        ("Log", "log"),
    ]
    assert {item["StackName"] for item in described} == {"app"}
    listed = (await cloud("ListStackResources", StackName="app"))["StackResourceSummaries"]
    [one] = [item for item in listed if item["LogicalResourceId"] == "Box"]
    assert one == {
        "LogicalResourceId": "Box",
        "PhysicalResourceId": "box",
        "ResourceType": "AWS::S3::Bucket",
        "ResourceStatus": "CREATE_COMPLETE",
        "LastUpdatedTimestamp": cloud.parts.clock.now(),
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }
    detail = (await cloud("DescribeStackResource", StackName="app", LogicalResourceId="Box"))["StackResourceDetail"]
    assert {**one, "StackName": "app", "StackId": described[0]["StackId"]} == detail
    only = await cloud("DescribeStackResources", StackName="app", LogicalResourceId="Log")
    assert [item["LogicalResourceId"] for item in only["StackResources"]] == ["Log"]


async def test_a_resource_that_is_not_there_is_a_validation_error(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket()})
    for operation in ("DescribeStackResource", "DescribeStackResources"):
        assert await cloud.refusal(operation, StackName="app", LogicalResourceId="Nobody") == (
            "ValidationError",
            "Resource Nobody does not exist for stack app",
        )
    code, message = await cloud.refusal("DescribeStackResources", PhysicalResourceId="box")
    assert code == "ValidationError"
    assert "PhysicalResourceId is not supported" in message


async def test_a_stack_at_work_shows_how_far_it_is(cloud: EmbeddedStacks):
    gate = cloud.flaws.hold("logs", "CreateLogGroup")
    making = asyncio.ensure_future(cloud.create({"Box": bucket("box"), "Log": log_group("log")}))
    await gate.arrival()
    assert await cloud.status() == "CREATE_IN_PROGRESS"
    statuses = {name: item["ResourceStatus"] for name, item in (await cloud.resources()).items()}
    assert statuses == {"Box": "CREATE_COMPLETE", "Log": "CREATE_IN_PROGRESS"}
    gate.open()
    await making
    assert await cloud.status() == "CREATE_COMPLETE"
