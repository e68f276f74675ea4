"""Updates that fail: everything is put back, or left as it is to be mended by another update."""

import json

from tests.fakes.stacks import EmbeddedStacks
from tests.fakes.templates import allowing, bucket, log_group, ref, resource, role, trusting


async def fails(cloud: EmbeddedStacks, resources: dict, **params: object) -> str:
    """Update with one more resource, which cannot be made; the stack's status afterwards."""
    cloud.flaws.fail("logs", "CreateLogGroup")
    broken = log_group("breaks", DependsOn=list(resources))
    return str((await cloud.update({**resources, "Breaks": broken}, **params))["StackStatus"])


async def test_a_failed_update_puts_old_properties_back(cloud: EmbeddedStacks):
    trust = {"AssumeRolePolicyDocument": trusting({"Service": "transfer.amazonaws.com"})}
    before = {
        "Role": role(
            RoleName="mine",
            Description="before",
            MaxSessionDuration=7200,
            ManagedPolicyArns=["arn:aws:iam::aws:policy/AmazonS3FullAccess"],
            Policies=[{"PolicyName": "p", "PolicyDocument": allowing("s3:*")}],
            Tags=[{"Key": "a", "Value": "1"}],
        ),
        "Log": log_group("log", days=7),
    }
    await cloud.create(before)
    shown = await everything_of_role(cloud, "mine")
    assert await fails(cloud, {"Role": role(RoleName="mine", **trust), "Log": log_group("log")}) == (
        "UPDATE_ROLLBACK_COMPLETE"
    )
    assert await everything_of_role(cloud, "mine") == shown
    assert await cloud.log_groups() == {"log": 7}
    assert list(await cloud.resources()) == ["Log", "Role"]
    told = await cloud.told()
    assert told[told.index(("app", "UPDATE_ROLLBACK_IN_PROGRESS")) :] == [
        ("app", "UPDATE_ROLLBACK_IN_PROGRESS"),
        ("Breaks", "DELETE_COMPLETE"),
        ("Log", "UPDATE_IN_PROGRESS"),
        ("Log", "UPDATE_COMPLETE"),
        ("Role", "UPDATE_IN_PROGRESS"),
        ("Role", "UPDATE_COMPLETE"),
        ("app", "UPDATE_ROLLBACK_COMPLETE"),
    ]


async def everything_of_role(cloud: EmbeddedStacks, name: str) -> str:
    found = [
        (await cloud.call("iam", operation, RoleName=name))[member]
        for operation, member in (
            ("GetRole", "Role"),
            ("ListAttachedRolePolicies", "AttachedPolicies"),
            ("ListRolePolicies", "PolicyNames"),
        )
    ]
    return json.dumps(found, default=str, sort_keys=True)


async def test_a_failed_update_restores_what_it_replaced(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("one")})
    assert await fails(cloud, {"Box": bucket("two")}) == "UPDATE_ROLLBACK_COMPLETE"
    assert await cloud.buckets() == ["one"]
    box = (await cloud.resources())["Box"]
    assert (box["PhysicalResourceId"], box["ResourceStatus"]) == ("one", "CREATE_COMPLETE")
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert await cloud.buckets() == []


async def test_a_failed_update_takes_nothing_away(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("box"), "Extra": bucket("extra")})
    await fails(cloud, {"Box": bucket("box")})
    assert await cloud.buckets() == ["box", "extra"]
    assert sorted(await cloud.resources()) == ["Box", "Extra"]


async def test_a_failed_update_leaves_the_policies_as_they_were(cloud: EmbeddedStacks):
    """Who asked for the stack's deletion afterwards would lose what the stack's template retains."""
    await cloud.create({"Box": bucket("box", DeletionPolicy="Retain"), "Log": log_group("log")})
    assert await fails(cloud, {"Box": bucket("box"), "Log": log_group("log")}) == "UPDATE_ROLLBACK_COMPLETE"
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert await cloud.buckets() == ["box"]


async def test_a_replacement_that_cannot_be_made_leaves_the_old_one(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("one")})
    cloud.flaws.fail("s3", "CreateBucket", "no")
    assert (await cloud.update({"Box": bucket("two")}))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert await cloud.buckets() == ["one"]
    assert await cloud.physical("Box") == "one"
    assert await cloud.failures("Box") == ["no (Service error code: InternalFailure)"]


async def test_a_change_that_fails_half_way_is_taken_back(cloud: EmbeddedStacks):
    before = role(RoleName="mine", Description="before", Tags=[{"Key": "a", "Value": "1"}])
    await cloud.create({"Role": before})
    cloud.flaws.fail("iam", "TagRole")
    after = role(RoleName="mine", Description="after", Tags=[{"Key": "b", "Value": "2"}])
    assert (await cloud.update({"Role": after}))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    found = (await cloud.call("iam", "GetRole", RoleName="mine"))["Role"]
    assert (found["Description"], found["Tags"]) == ("before", [{"Key": "a", "Value": "1"}])
    assert (await cloud.resources())["Role"]["ResourceStatus"] == "CREATE_COMPLETE"


async def test_a_change_that_fails_before_anything_is_changed_needs_no_taking_back(cloud: EmbeddedStacks):
    await cloud.create({"Log": log_group("log", days=7)})
    cloud.flaws.fail("logs", "PutRetentionPolicy")
    await cloud.update({"Log": log_group("log", days=14)})
    assert cloud.flaws.calls.count("logs:PutRetentionPolicy") == 2
    assert await cloud.log_groups() == {"log": 7}
    assert await cloud.status() == "UPDATE_ROLLBACK_COMPLETE"


async def test_a_rollback_that_fails_says_so_and_another_update_mends_it(cloud: EmbeddedStacks):
    made = log_group("other", DependsOn=["Log"])
    await cloud.create({"Log": log_group("log")})
    cloud.flaws.fail("logs", "CreateLogGroup")
    cloud.flaws.fail("logs", "DeleteRetentionPolicy", "stuck")
    stack = await cloud.update({"Log": log_group("log", days=14), "Other": made})
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert stack["StackStatusReason"] == "The following resource(s) failed to update: [Log]."
    assert await cloud.failures("Log") == ["stuck (Service error code: InternalFailure)"]
    assert await cloud.log_groups() == {"log": 14}
    # The very template that the stack has is an update now, for the stack is not as it says.
    assert (await cloud.update({"Log": log_group("log")}))["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.log_groups() == {"log": None}


async def test_what_a_rollback_cannot_delete_is_not_forgotten(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("one")})
    cloud.flaws.fail("s3", "DeleteBucket", times=2)
    resources = {"Box": bucket("two"), "More": bucket("more")}
    assert await fails(cloud, resources) == "UPDATE_ROLLBACK_FAILED"
    assert await cloud.buckets() == ["more", "one", "two"]
    assert await cloud.physical("Box") == "one"
    assert (await cloud.update({"Box": bucket("one"), "Log": log_group("log")}))["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.buckets() == ["one"]


async def test_without_rollback_a_failed_update_stays_as_it_is(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("one"), "Log": log_group("log", days=7)})
    wanted = {"Box": bucket("two"), "Log": log_group("log", days=14)}
    assert await fails(cloud, wanted, DisableRollback=True) == "UPDATE_FAILED"
    assert (await cloud.stack())["StackStatusReason"] == "The following resource(s) failed to create: [Breaks]."
    assert await cloud.buckets() == ["one", "two"]
    assert await cloud.log_groups() == {"log": 14}
    assert (await cloud.resources())["Breaks"]["ResourceStatus"] == "CREATE_FAILED"
    # The same update again makes what was missing and clears away what was replaced.
    again = await cloud.update({**wanted, "Breaks": log_group("breaks", DependsOn=list(wanted))})
    assert again["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.buckets() == ["two"]
    assert await cloud.log_groups() == {"breaks": None, "log": 14}


async def test_without_rollback_the_way_back_is_the_old_template(cloud: EmbeddedStacks):
    """What had been replaced is still there, with all that is in it: it becomes the resource again."""
    before = {"Box": bucket("one"), "Log": log_group("log", days=7)}
    await cloud.create(before)
    await cloud.call("s3", "PutObject", Bucket="one", Key="k", Body=b"precious")
    assert await fails(cloud, {"Box": bucket("two"), "Log": log_group("log")}, DisableRollback=True) == "UPDATE_FAILED"
    assert (await cloud.update(before))["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.buckets() == ["one"]
    assert await cloud.physical("Box") == "one"
    assert await cloud.log_groups() == {"log": 7}
    assert (await cloud.call("s3", "HeadObject", Bucket="one", Key="k"))["ContentLength"] == 8


async def test_a_way_back_that_fails_leaves_both(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("one")})
    await fails(cloud, {"Box": bucket("two")}, DisableRollback=True)
    assert await fails(cloud, {"Box": bucket("one")}) == "UPDATE_ROLLBACK_COMPLETE"
    assert await cloud.buckets() == ["one", "two"]
    assert await cloud.physical("Box") == "two"
    assert (await cloud.update({"Box": bucket("one"), "Log": log_group("log")}))["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.buckets() == ["one"]


async def test_without_rollback_a_replacement_that_could_not_be_made_can_be_given_up(cloud: EmbeddedStacks):
    await cloud.create({"Log": log_group("one", days=7)})
    cloud.flaws.fail("logs", "CreateLogGroup")
    stack = await cloud.update({"Log": log_group("two")}, DisableRollback=True)
    assert stack["StackStatus"] == "UPDATE_FAILED"
    assert (await cloud.update({"Log": log_group("one", days=7)}))["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.log_groups() == {"one": 7}
    assert await cloud.physical("Log") == "one"


async def test_without_rollback_a_replacement_that_could_not_be_made_can_be_tried_again(cloud: EmbeddedStacks):
    await cloud.create({"Log": log_group("one", days=7)})
    cloud.flaws.fail("logs", "PutRetentionPolicy")
    await cloud.update({"Log": log_group("two", days=1)}, DisableRollback=True)
    assert (await cloud.update({"Log": log_group("two", days=3)}))["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.log_groups() == {"two": 3}


async def test_what_a_failed_update_did_not_replace_is_still_retained(cloud: EmbeddedStacks):
    await cloud.create({"Log": log_group("one", DeletionPolicy="Retain")})
    cloud.flaws.fail("logs", "CreateLogGroup")
    await cloud.update({"Log": log_group("two", DeletionPolicy="Retain")}, DisableRollback=True)
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert await cloud.log_groups() == {"one": None}


async def test_an_unfinished_change_goes_with_its_stack(cloud: EmbeddedStacks):
    """A role can only be deleted without its policies, those that it may have got by now included."""
    await cloud.create({"Role": role(RoleName="mine", Policies=inline("old"))})
    cloud.flaws.fail("iam", "PutRolePolicy", is_late=True)
    changed = role(RoleName="mine", Policies=inline("new"), Description="changed")
    await cloud.update({"Role": changed}, DisableRollback=True)
    assert await cloud.status() == "UPDATE_FAILED"
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert await cloud.code_of("iam", "GetRole", RoleName="mine") == "NoSuchEntity"


def inline(*names: str) -> list[dict]:
    return [{"PolicyName": name, "PolicyDocument": allowing("s3:*")} for name in names]


async def test_a_property_that_is_not_done_fails_the_update_and_changes_nothing(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("box"), "Log": log_group("log")})
    broken = {"Box": resource("S3::Bucket", BucketName="box", Versions=1), "Log": log_group("log")}
    assert (await cloud.update(broken))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Encountered unsupported property Versions" in (await cloud.failures("Box"))[0]
    assert (await cloud.resources())["Box"]["ResourceStatus"] == "CREATE_COMPLETE"
    unknown = {"Box": bucket("box"), "Log": log_group("log"), "New": resource("S3::Bucket", Versions=ref("Log"))}
    assert (await cloud.update(unknown))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert sorted(await cloud.resources()) == ["Box", "Log"]


async def test_a_resource_made_by_a_failed_update_is_kept_only_if_its_policy_says_retain(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("box")})
    resources = {
        "Box": bucket("box"),
        "Kept": bucket("kept", DeletionPolicy="Retain"),
        "Gone": bucket("gone", DeletionPolicy="RetainExceptOnCreate"),
    }
    assert await fails(cloud, resources) == "UPDATE_ROLLBACK_COMPLETE"
    assert await cloud.buckets() == ["box", "kept"]
    assert list(await cloud.resources()) == ["Box"]


async def test_what_was_half_made_and_cannot_be_cleared_away_stops_the_next_update(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("box")})
    cloud.flaws.fail("logs", "PutRetentionPolicy")
    wanted = {"Box": bucket("box"), "Log": log_group("log", days=7)}
    assert (await cloud.update(wanted, DisableRollback=True))["StackStatus"] == "UPDATE_FAILED"
    cloud.flaws.fail("logs", "DeleteLogGroup", "stuck")
    assert (await cloud.update(wanted, DisableRollback=True))["StackStatus"] == "UPDATE_FAILED"
    assert (await cloud.failures("Log"))[-1] == "stuck (Service error code: InternalFailure)"
    assert (await cloud.update(wanted))["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.log_groups() == {"log": 7}


async def test_what_an_update_could_not_delete_and_the_next_one_wants_is_kept(cloud: EmbeddedStacks):
    both = {"Box": bucket("box"), "Log": log_group("log")}
    await cloud.create(both)
    await cloud.call("s3", "PutObject", Bucket="box", Key="k", Body=b"x")
    await cloud.update({"Log": log_group("log")})
    assert (await cloud.resources())["Box"]["ResourceStatus"] == "DELETE_FAILED"
    assert (await cloud.update(both))["StackStatus"] == "UPDATE_COMPLETE"
    assert (await cloud.resources())["Box"]["ResourceStatus"] == "UPDATE_COMPLETE"
    assert await cloud.buckets() == ["box"]


async def test_what_an_update_deleted_in_part_is_made_anew_when_it_is_wanted_again(cloud: EmbeddedStacks):
    both = {"Role": role(RoleName="mine", Policies=inline("p")), "Log": log_group("log")}
    await cloud.create(both)
    cloud.flaws.fail("iam", "DeleteRole")
    await cloud.update({"Log": log_group("log")})
    assert (await cloud.call("iam", "ListRolePolicies", RoleName="mine"))["PolicyNames"] == []
    assert (await cloud.update(both))["StackStatus"] == "UPDATE_COMPLETE"
    assert (await cloud.call("iam", "ListRolePolicies", RoleName="mine"))["PolicyNames"] == ["p"]
