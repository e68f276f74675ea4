"""What stacks give away: outputs, exports, and what imports hold on to."""

from tests.fakes.stacks import EmbeddedStacks
from tests.fakes.templates import body, bucket, get_att, log_group, outputs, ref, resource

IMPORTS = {"Log": resource("Logs::LogGroup", LogGroupName={"Fn::ImportValue": "shared-box"})}


async def exporting(cloud: EmbeddedStacks, box: str = "box", **exports: str) -> str:
    """The stack `from`, which exports the name of its bucket."""
    deploy = cloud.create if await cloud.code_of("cloudformation", "DescribeStacks", StackName="from") else cloud.update
    names = {"Name": "shared-box", **exports}
    stack = await deploy({"Box": bucket(box)}, "from", Outputs=outputs(exports=names, Name=ref("Box")))
    return str(stack["StackStatus"])


async def test_outputs_are_shown_with_the_stack(cloud: EmbeddedStacks):
    made = {
        **outputs(Name=ref("Box"), Arn=get_att("Box", "Arn"), Number=7, Yes=True),
        "Told": {"Value": {"Fn::Sub": "${Box} in ${AWS::Region}"}, "Description": "where it is"},
    }
    stack = await cloud.create({"Box": bucket("box")}, Outputs=made)
    assert await cloud.outputs() == {
        "Name": "box",
        "Arn": "arn:aws:s3:::box",
        "Number": "7",
        "Yes": "true",
        "Told": "box in us-east-1",
    }
    assert stack["Outputs"][-1] == {
        "OutputKey": "Told",
        "OutputValue": "box in us-east-1",
        "Description": "where it is",
    }
    await cloud.update({"Box": bucket("other")}, Outputs=outputs(Name=ref("Box")))
    assert await cloud.outputs() == {"Name": "other"}


async def test_an_output_comes_and_goes_with_its_condition(cloud: EmbeddedStacks):
    conditions = {"Yes": {"Fn::Equals": ["a", "a"]}, "No": {"Fn::Not": [{"Condition": "Yes"}]}}
    made = {"There": {"Value": "1", "Condition": "Yes"}, "Away": {"Value": "2", "Condition": "No"}}
    await cloud.create({"Box": bucket()}, Outputs=made, Conditions=conditions)
    assert await cloud.outputs() == {"There": "1"}


async def test_an_output_that_is_no_text_fails_the_stack(cloud: EmbeddedStacks):
    for number, value in enumerate(([], {"a": "b"}, ref("AWS::NoValue"))):
        stack = await cloud.create({"Box": bucket()}, f"s{number}", Outputs={"Odd": {"Value": value}})
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        reasons = await cloud.reasons(f"s{number}", f"s{number}")
        assert "Output Odd is malformed. The Value field must be a String." in reasons[1]
    assert await cloud.buckets() == []


async def test_an_export_is_listed_and_another_stack_uses_it(cloud: EmbeddedStacks):
    assert await exporting(cloud) == "CREATE_COMPLETE"
    stack_id = (await cloud.stack("from"))["StackId"]
    assert (await cloud("ListExports"))["Exports"] == [
        {"ExportingStackId": stack_id, "Name": "shared-box", "Value": "box"}
    ]
    assert (await cloud.stack("from"))["Outputs"] == [
        {"OutputKey": "Name", "OutputValue": "box", "ExportName": "shared-box"}
    ]
    assert (await cloud.create(IMPORTS))["StackStatus"] == "CREATE_COMPLETE"
    assert await cloud.log_groups() == {"box": None}
    # Exports are an account's and a region's.
    assert (await cloud("ListExports", as_=cloud.partner))["Exports"] == []
    assert (await cloud("ListExports", region="eu-west-1"))["Exports"] == []


async def test_an_export_in_use_holds_its_stack_and_the_stack_can_be_updated_still(cloud: EmbeddedStacks):
    await exporting(cloud)
    await cloud.create(IMPORTS)
    # As at AWS the deletion is cancelled: the stack is what it was before.
    assert await cloud.delete("from") == "CREATE_COMPLETE"
    assert (await cloud.stack("from"))["StackStatusReason"] == (
        "Delete canceled. Export shared-box cannot be deleted as it is in use by app"
    )
    assert await cloud.buckets() == ["box"]
    updated = await cloud.update(
        {"Box": bucket("box"), "More": bucket("more")},
        "from",
        Outputs=outputs(exports={"Name": "shared-box"}, Name=ref("Box")),
    )
    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.delete("from") == "UPDATE_COMPLETE"
    await cloud.delete("app")
    assert await cloud.delete("from") == "DELETE_COMPLETE"
    assert (await cloud("ListExports"))["Exports"] == []


async def test_an_export_in_use_cannot_be_changed_or_taken_away(cloud: EmbeddedStacks):
    await exporting(cloud)
    await cloud.create(IMPORTS)
    assert await exporting(cloud, "other") == "UPDATE_ROLLBACK_COMPLETE"
    assert "Export shared-box cannot be updated as it is in use by app" in (await cloud.reasons("from", "from"))[-1]
    assert await exporting(cloud, Name="renamed") == "UPDATE_ROLLBACK_COMPLETE"
    assert (await cloud.update({"Box": bucket("box"), "Log": log_group()}, "from"))["StackStatus"] == (
        "UPDATE_ROLLBACK_COMPLETE"
    )
    assert await cloud.buckets() == ["box"]
    assert [export["Value"] for export in (await cloud("ListExports"))["Exports"]] == ["box"]
    # Once nobody uses it any more it is free.
    await cloud.update({"Log": log_group()})
    assert await exporting(cloud, "other") == "UPDATE_COMPLETE"


async def test_an_export_is_used_from_an_output_too(cloud: EmbeddedStacks):
    await exporting(cloud)
    await cloud.create({"Box": bucket()}, Outputs=outputs(Told={"Fn::ImportValue": "shared-box"}))
    assert await cloud.outputs() == {"Told": "box"}
    assert await cloud.delete("from") == "CREATE_COMPLETE"


async def test_one_name_is_exported_once(cloud: EmbeddedStacks):
    await exporting(cloud)
    made = outputs(exports={"Mine": "shared-box"}, Mine="x")
    assert (await cloud.create({"Box": bucket()}, Outputs=made))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Export with name shared-box is already exported by stack from" in (await cloud.reasons("app"))[1]
    twice = outputs(exports={"One": "same", "Two": "same"}, One="1", Two="2")
    assert (await cloud.create({"Box": bucket()}, "twice", Outputs=twice))["StackStatus"] == "ROLLBACK_COMPLETE"
    # What is not there any more exports nothing.
    await cloud.delete("from")
    assert (await cloud.create({"Box": bucket()}, "again", Outputs=made))["StackStatus"] == "CREATE_COMPLETE"


async def test_the_name_of_an_export_is_a_text_of_a_length(cloud: EmbeddedStacks):
    for number, name in enumerate(("", "x" * 256, {"Fn::Split": [",", "a,b"]})):
        made = {"Out": {"Value": "v", "Export": {"Name": name}}}
        stack = await cloud.create({"Box": bucket()}, f"s{number}", Outputs=made)
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert "The Name of an Export must be a String." in (await cloud.reasons(f"s{number}", f"s{number}"))[1]
    named = {"Out": {"Value": "v", "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-out"}}}}
    await cloud("CreateStack", StackName="app", TemplateBody=body({"Box": bucket()}, Outputs=named))
    assert [export["Name"] for export in (await cloud("ListExports"))["Exports"]] == ["app-out"]


async def test_a_failed_update_keeps_the_outputs_and_the_imports(cloud: EmbeddedStacks):
    await exporting(cloud)
    used = {"Used": resource("S3::Bucket", BucketName={"Fn::Sub": ["${Box}-2", {"Box": IMPORTED}]})}
    await cloud.create(used, Outputs=outputs(Name=ref("Used")))
    cloud.flaws.fail("logs", "CreateLogGroup")
    await cloud.update({"Log": log_group()}, Outputs=outputs(Other="1"))
    assert await cloud.outputs() == {"Name": "box-2"}
    assert await cloud.delete("from") == "CREATE_COMPLETE"


IMPORTED = {"Fn::ImportValue": "shared-box"}
