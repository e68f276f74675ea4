"""What is shown of functions, and in which portions."""

from tests.fakes.lambda_ import EmbeddedLambda, function_arn


async def test_functions_are_listed_by_name_in_pages(cloud: EmbeddedLambda):
    for name in ("b", "c", "a"):
        await cloud.make(name)
    page = await cloud("ListFunctions", MaxItems=2)
    assert [one["FunctionName"] for one in page["Functions"]] == ["a", "b"]
    rest = await cloud("ListFunctions", MaxItems=2, Marker=page["NextMarker"])
    assert [one["FunctionName"] for one in rest["Functions"]] == ["c"]
    assert "NextMarker" not in rest


async def test_a_page_that_holds_the_last_function_says_so(cloud: EmbeddedLambda):
    for name in ("a", "b"):
        await cloud.make(name)
    assert "NextMarker" not in await cloud("ListFunctions", MaxItems=2)


async def test_no_page_is_longer_than_fifty(cloud: EmbeddedLambda):
    for number in range(51):
        await cloud.make(f"f{number:02}")
    page = await cloud("ListFunctions", MaxItems=10_000)
    assert len(page["Functions"]) == 50
    assert len((await cloud("ListFunctions", Marker=page["NextMarker"]))["Functions"]) == 1


async def test_a_marker_that_nobody_gave_is_refused(cloud: EmbeddedLambda):
    assert (await cloud.refusal("ListFunctions", Marker="nonsense"))[0] == "InvalidParameterValueException"
    assert await cloud("ListFunctions", Marker="") == {"Functions": []}


async def test_all_versions_are_the_latest(cloud: EmbeddedLambda):
    await cloud.make("f")
    (found,) = (await cloud("ListFunctions", FunctionVersion="ALL"))["Functions"]
    assert (found["FunctionArn"], found["Version"]) == (f"{function_arn('f')}:$LATEST", "$LATEST")


async def test_only_functions_of_the_region_are_listed(cloud: EmbeddedLambda):
    await cloud.make("here")
    await cloud.make("there", region="eu-west-1")
    assert [one["FunctionName"] for one in (await cloud("ListFunctions"))["Functions"]] == ["here"]
    (there,) = (await cloud("ListFunctions", region="eu-west-1"))["Functions"]
    assert there["FunctionArn"] == "arn:aws:lambda:eu-west-1:111111111111:function:there"


async def test_archives_leave_the_service_by_no_door(cloud: EmbeddedLambda):
    await cloud.make("f")
    assert (await cloud("GetFunction", FunctionName="f"))["Code"] == {"RepositoryType": "S3"}
