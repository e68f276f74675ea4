"""Updates: changed in place, replaced, removed; which resources outlive that, and the events of it."""

from tests.fakes.stacks import EmbeddedStacks
from tests.fakes.templates import (
    allowing,
    body,
    bucket,
    log_group,
    outputs,
    policy,
    ref,
    resource,
    role,
)

CUSTOM_NAMED = "CloudFormation cannot update a stack when a custom-named resource requires replacing."


async def test_an_update_without_changes_is_refused(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket()}, Tags=[{"Key": "a", "Value": "1"}])
    text = body({"Box": bucket()})
    refused = ("ValidationError", "No updates are to be performed.")
    assert await cloud.refusal("UpdateStack", StackName="app", TemplateBody=text) == refused
    assert await cloud.refusal("UpdateStack", StackName="app", UsePreviousTemplate=True) == refused
    tags = [{"Key": "a", "Value": "1"}]
    assert await cloud.refusal("UpdateStack", StackName="app", TemplateBody=text, Tags=tags) == refused
    assert await cloud.told() == [*(await cloud.told())[:-1], ("app", "CREATE_COMPLETE")]


async def test_resources_are_added_changed_and_removed(cloud: EmbeddedStacks):
    await cloud.create({"Old": bucket("old"), "Log": log_group("log", days=7)})
    cloud.parts.clock.advance(60)
    updated = await cloud.update({"Log": log_group("log", days=14), "New": bucket("new")})
    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    assert updated["LastUpdatedTime"] == cloud.parts.clock.now()
    assert await cloud.buckets() == ["new"]
    assert await cloud.log_groups() == {"log": 14}
    assert sorted(await cloud.resources()) == ["Log", "New"]
    told = await cloud.told()
    assert told[told.index(("app", "UPDATE_IN_PROGRESS")) :] == [
        ("app", "UPDATE_IN_PROGRESS"),
        ("Log", "UPDATE_IN_PROGRESS"),
        ("Log", "UPDATE_COMPLETE"),
        ("New", "CREATE_IN_PROGRESS"),
        ("New", "CREATE_IN_PROGRESS"),
        ("New", "CREATE_COMPLETE"),
        ("app", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Old", "DELETE_IN_PROGRESS"),
        ("Old", "DELETE_COMPLETE"),
        ("app", "UPDATE_COMPLETE"),
    ]


async def test_what_stays_the_same_is_not_touched(cloud: EmbeddedStacks):
    resources = {"Box": bucket("box"), "Role": role(RoleName="mine"), "Log": log_group("log", days=7)}
    await cloud.create(resources)
    cloud.flaws.calls.clear()
    await cloud.update({**resources, "Log": log_group("log", days=14)})
    assert [call for call in cloud.flaws.calls if not call.startswith("cloudformation:")] == ["logs:PutRetentionPolicy"]


async def test_a_replacement_is_made_first_and_the_old_one_deleted_last(cloud: EmbeddedStacks):
    in_it = resource("S3::BucketPolicy", Bucket=ref("Box"), PolicyDocument=policy(public("one")))
    await cloud.create({"Box": bucket("one"), "Policy": in_it})
    in_other = resource("S3::BucketPolicy", Bucket=ref("Box"), PolicyDocument=policy(public("two")))
    await cloud.update({"Box": bucket("two"), "Policy": in_other}, Outputs=outputs(Name=ref("Box")))
    assert await cloud.buckets() == ["two"]
    assert await cloud.outputs() == {"Name": "two"}
    assert await cloud.physical("Box") == "two"
    told = await cloud.told()
    assert told[-7:] == [
        ("Policy", "UPDATE_COMPLETE"),
        ("app", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Policy", "DELETE_IN_PROGRESS"),
        ("Policy", "DELETE_COMPLETE"),
        ("Box", "DELETE_IN_PROGRESS"),
        ("Box", "DELETE_COMPLETE"),
        ("app", "UPDATE_COMPLETE"),
    ]
    assert "Requested update requires the creation of a new physical resource; hence creating one." in (
        await cloud.reasons("Box")
    )


def public(name: str) -> dict:
    return {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}


async def test_a_policy_that_moves_to_another_bucket_leaves_the_first(cloud: EmbeddedStacks):
    """A bucket and its policy have the same physical id, and are not the same."""
    boxes = {"One": bucket("one"), "Two": bucket("two")}
    moved = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::one/*"}
    await cloud.create(
        {**boxes, "Policy": resource("S3::BucketPolicy", Bucket="one", PolicyDocument=policy(moved))},
    )
    await cloud.update(
        {**boxes, "Policy": resource("S3::BucketPolicy", Bucket="two", PolicyDocument=policy(public("two")))}
    )
    assert await cloud.code_of("s3", "GetBucketPolicy", Bucket="one") == "NoSuchBucketPolicy"
    assert await cloud.code_of("s3", "GetBucketPolicy", Bucket="two") == ""


async def test_a_logical_id_may_become_a_resource_of_another_type(cloud: EmbeddedStacks):
    await cloud.create({"Thing": bucket("box")})
    updated = await cloud.update({"Thing": log_group("log")})
    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.buckets() == []
    assert await cloud.log_groups() == {"log": None}


async def test_a_condition_takes_a_resource_out_and_in(cloud: EmbeddedStacks):
    declared = {"Wanted": {"Type": "String"}}
    conditions = {"IsWanted": {"Fn::Equals": [ref("Wanted"), "yes"]}}
    resources = {"Log": log_group("log"), "Box": {**bucket("box"), "Condition": "IsWanted"}}
    for wanted, found in (("no", []), ("yes", ["box"]), ("no", [])):
        deploy = (
            cloud.update
            if await cloud.code_of("cloudformation", "DescribeStacks", StackName="app") == ""
            else (cloud.create)
        )
        await deploy(resources, Parameters=declared, Conditions=conditions, values={"Wanted": wanted})
        assert await cloud.buckets() == found


async def test_retained_resources_stay_when_the_template_has_them_no_longer(cloud: EmbeddedStacks):
    await cloud.create(
        {
            "Log": log_group("log"),
            "Kept": bucket("kept", DeletionPolicy="Retain"),
            "AlsoKept": bucket("also-kept", DeletionPolicy="RetainExceptOnCreate"),
            "Gone": bucket("gone"),
        }
    )
    await cloud.update({"Log": log_group("log")})
    assert await cloud.buckets() == ["also-kept", "kept"]
    assert ("Kept", "DELETE_SKIPPED") in await cloud.told()
    assert list(await cloud.resources()) == ["Log"]


async def test_update_replace_policy_decides_about_what_is_replaced_and_deletion_policy_does_not(
    cloud: EmbeddedStacks,
):
    await cloud.create({"A": bucket("a-1"), "B": bucket("b-1", DeletionPolicy="Retain")})
    updated = {"A": bucket("a-2", UpdateReplacePolicy="Retain"), "B": bucket("b-2", DeletionPolicy="Retain")}
    assert (await cloud.update(updated))["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.buckets() == ["a-1", "a-2", "b-2"]
    assert ("A", "DELETE_SKIPPED") in await cloud.told()
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert await cloud.buckets() == ["a-1", "b-2"]


async def test_a_changed_deletion_policy_counts_from_then_on(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("box")})
    await cloud.update({"Box": bucket("box", DeletionPolicy="Retain")})
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert await cloud.buckets() == ["box"]


async def test_what_cannot_be_deleted_after_an_update_is_tried_again_with_the_next(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("one"), "Extra": bucket("extra")})
    cloud.flaws.fail("s3", "DeleteBucket", times=2)
    assert (await cloud.update({"Box": bucket("two")}))["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.buckets() == ["extra", "one", "two"]
    assert ("Box", "DELETE_FAILED") in await cloud.told()
    await cloud.update({"Box": bucket("two"), "Log": log_group("log")})
    assert await cloud.buckets() == ["two"]


async def test_what_cannot_be_deleted_after_an_update_goes_with_the_stack(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("one"), "Extra": bucket("extra")})
    cloud.flaws.fail("s3", "DeleteBucket", times=2)
    await cloud.update({"Box": bucket("two")})
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert await cloud.buckets() == []


async def test_a_custom_named_resource_that_must_be_replaced_needs_another_name(cloud: EmbeddedStacks):
    document = allowing("s3:*")
    role_one = role(RoleName="mine", Path="/one/")
    policy_one = resource("IAM::ManagedPolicy", ManagedPolicyName="mine", Description="a", PolicyDocument=document)
    await cloud.create({"Role": role_one, "Policy": policy_one})
    await cloud.update({"Role": role(RoleName="mine", Path="/two/"), "Policy": policy_one})
    assert await cloud.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert (await cloud.failures("Role"))[0].startswith(f"{CUSTOM_NAMED} Rename mine and")
    policy_two = resource("IAM::ManagedPolicy", ManagedPolicyName="mine", Description="b", PolicyDocument=document)
    await cloud.update({"Role": role_one, "Policy": policy_two})
    assert (await cloud.failures("Policy"))[0].startswith(f"{CUSTOM_NAMED} Rename mine and")
    assert (await cloud.call("iam", "GetRole", RoleName="mine"))["Role"]["Path"] == "/one/"
    renamed = {"Role": role(RoleName="yours", Path="/two/"), "Policy": policy_one}
    assert (await cloud.update(renamed))["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.code_of("iam", "GetRole", RoleName="mine") == "NoSuchEntity"


async def test_a_resource_that_is_named_by_its_stack_is_replaced_under_a_new_name(cloud: EmbeddedStacks):
    await cloud.create({"Role": role(Path="/one/")})
    first = await cloud.physical("Role")
    await cloud.update({"Role": role(Path="/two/")})
    second = await cloud.physical("Role")
    assert first != second
    assert second.startswith("app-Role-")
    assert await cloud.code_of("iam", "GetRole", RoleName=first) == "NoSuchEntity"


async def test_what_a_resource_gives_reaches_those_that_refer_to_it(cloud: EmbeddedStacks):
    function = resource(
        "Lambda::Function",
        Role={"Fn::GetAtt": "Role.Arn"},
        Runtime="python3.11",
        Handler="index.handler",
        Code={"ZipFile": "x"},
    )
    await cloud.create({"Role": role(RoleName="one"), "Function": function})
    await cloud.update({"Role": role(RoleName="two"), "Function": function})
    found = await cloud.call("lambda", "GetFunctionConfiguration", FunctionName=await cloud.physical("Function"))
    assert found["Role"].endswith(":role/two")


async def test_a_stack_is_as_its_last_successful_template_says(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("box")}, Description="first")
    cloud.flaws.fail("logs", "CreateLogGroup")
    await cloud.update({"Box": bucket("box"), "Log": log_group()}, Description="second")
    stack = await cloud.stack()
    assert (stack["StackStatus"], stack["Description"]) == ("UPDATE_ROLLBACK_COMPLETE", "first")
    assert "Log" not in (await cloud("GetTemplate", StackName="app"))["TemplateBody"]
    await cloud.update({"Box": bucket("box"), "Log": log_group()}, Description="second")
    assert (await cloud.stack())["Description"] == "second"
