"""AWS::S3::Bucket, BucketPolicy, SecretsManager::Secret, Logs::LogGroup: made, changed, replaced, deleted.

Source: CloudFormation Template Reference, "Update requires" of each property.
"""

import json
from typing import Any

import pytest
from tests.fakes.cloud import HUB
from tests.fakes.stacks import EmbeddedStacks
from tests.fakes.templates import body, bucket, get_att, log_group, outputs, policy, ref, resource

TAGS = [{"Key": "a", "Value": "1"}]


def readers(box: str, action: str = "s3:GetObject") -> dict[str, Any]:
    return policy({"Effect": "Allow", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{box}/*"})


async def test_a_bucket_gives_its_names(cloud: EmbeddedStacks):
    made = outputs(
        Ref=ref("Box"),
        Arn=get_att("Box", "Arn"),
        Domain=get_att("Box", "DomainName"),
        Regional=get_att("Box", "RegionalDomainName"),
    )
    await cloud.create({"Box": bucket("box")}, Outputs=made)
    assert await cloud.outputs() == {
        "Ref": "box",
        "Arn": "arn:aws:s3:::box",
        "Domain": "box.s3.amazonaws.com",
        "Regional": "box.s3.us-east-1.amazonaws.com",
    }


async def test_a_bucket_is_made_in_the_region_of_its_stack(cloud: EmbeddedStacks):
    await cloud("CreateStack", region="eu-west-1", StackName="app", TemplateBody=body({"Box": bucket("box")}))
    assert (await cloud.call("s3", "GetBucketLocation", Bucket="box"))["LocationConstraint"] == "eu-west-1"


async def test_a_bucket_without_a_name_gets_one_in_lower_case(cloud: EmbeddedStacks):
    await cloud.create({"UPLOADS": bucket()}, "Stack-With-A-Name")
    name = await cloud.physical("UPLOADS", "Stack-With-A-Name")
    assert name.startswith("stack-with-a-name-uploads-")
    long = "L" + "o" * 100 + "ng"
    await cloud.create({long: bucket()}, "S" + "x" * 127)
    assert len(await cloud.physical(long, "S" + "x" * 127)) <= 63


async def test_what_every_bucket_is_anyway_is_accepted_and_changes_nothing(cloud: EmbeddedStacks):
    private = resource(
        "S3::Bucket",
        BucketName="box",
        AccessControl="Private",
        BucketEncryption={"ServerSideEncryptionConfiguration": []},
        PublicAccessBlockConfiguration={"BlockPublicAcls": True},
        Tags=TAGS,
    )
    assert (await cloud.create({"Box": private}))["StackStatus"] == "CREATE_COMPLETE"
    assert (await cloud.update({"Box": bucket("box")}))["StackStatus"] == "UPDATE_COMPLETE"
    assert cloud.flaws.calls.count("s3:CreateBucket") == 1


async def test_a_bucket_has_the_object_ownership_that_its_template_says(cloud: EmbeddedStacks):
    def box(ownership: str) -> dict:
        controls = {"Rules": [{"ObjectOwnership": ownership}]}
        return {"Box": resource("S3::Bucket", BucketName="box", OwnershipControls=controls)}

    async def found() -> str:
        told = await cloud.call("s3", "GetBucketOwnershipControls", Bucket="box")
        return str(told["OwnershipControls"]["Rules"][0]["ObjectOwnership"])

    assert (await cloud.create(box("ObjectWriter")))["StackStatus"] == "CREATE_COMPLETE"
    assert await found() == "ObjectWriter"
    await cloud.update(box("BucketOwnerPreferred"))
    assert await found() == "BucketOwnerPreferred"
    await cloud.update({"Box": bucket("box")})
    assert await found() == "BucketOwnerEnforced"
    assert cloud.flaws.calls.count("s3:CreateBucket") == 1


async def test_a_bucket_with_another_name_is_another_bucket(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("one")})
    await cloud.update({"Box": bucket("two")})
    assert await cloud.buckets() == ["two"]
    await cloud.call("s3", "DeleteBucket", Bucket="two")
    assert await cloud.delete() == "DELETE_COMPLETE"


async def test_a_bucket_of_another_account_cannot_be_taken(cloud: EmbeddedStacks):
    await cloud.call("s3", "CreateBucket", as_=cloud.partner, Bucket="box")
    assert (await cloud.create({"Box": bucket("box")}))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "BucketAlreadyExists" in (await cloud.failures("Box"))[0]
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert [b["Name"] for b in (await cloud.call("s3", "ListBuckets", as_=cloud.partner))["Buckets"]] == ["box"]


async def test_a_bucket_policy_is_put_changed_and_taken_away(cloud: EmbeddedStacks):
    def policed(document: Any) -> dict:
        return {
            "Box": bucket("box"),
            "Policy": resource("S3::BucketPolicy", Bucket=ref("Box"), PolicyDocument=document),
        }

    async def found() -> Any:
        return json.loads((await cloud.call("s3", "GetBucketPolicy", Bucket="box"))["Policy"])

    await cloud.create(policed(readers("box")), Outputs=outputs(Ref=ref("Policy")))
    assert await found() == readers("box")
    assert await cloud.outputs() == {"Ref": "box"}
    await cloud.update(policed(json.dumps(readers("box", "s3:PutObject"))))
    assert await found() == readers("box", "s3:PutObject")
    await cloud.update({"Box": bucket("box")})
    assert await cloud.code_of("s3", "GetBucketPolicy", Bucket="box") == "NoSuchBucketPolicy"
    await cloud.update(policed(readers("box")))
    await cloud.call("s3", "DeleteBucketPolicy", Bucket="box")
    assert await cloud.delete() == "DELETE_COMPLETE"


async def test_a_bucket_policy_does_not_take_the_place_of_anothers(cloud: EmbeddedStacks):
    await cloud.call("s3", "CreateBucket", Bucket="box")
    await cloud.call("s3", "PutBucketPolicy", Bucket="box", Policy=json.dumps(readers("box")))
    mine = resource("S3::BucketPolicy", Bucket="box", PolicyDocument=readers("box", "s3:PutObject"))
    assert (await cloud.create({"Policy": mine}))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "The bucket policy already exists on bucket box." in (await cloud.failures("Policy"))[0]
    kept = (await cloud.call("s3", "GetBucketPolicy", Bucket="box"))["Policy"]
    assert json.loads(kept) == readers("box")
    gone = resource("S3::BucketPolicy", Bucket="gone", PolicyDocument=readers("gone"))
    assert (await cloud.create({"Policy": gone}, "two"))["StackStatus"] == "ROLLBACK_COMPLETE"


async def secret_value(cloud: EmbeddedStacks, secret_id: str = "s") -> str:
    return str((await cloud.call("secretsmanager", "GetSecretValue", SecretId=secret_id))["SecretString"])


async def test_a_secret_is_made_changed_and_deleted_at_once(cloud: EmbeddedStacks):
    made = outputs(Ref=ref("Secret"), Id=get_att("Secret", "Id"))
    first = resource("SecretsManager::Secret", Name="s", SecretString="one", Description="d", Tags=TAGS)
    await cloud.create({"Secret": first}, Outputs=made)
    found = await cloud.call("secretsmanager", "DescribeSecret", SecretId="s")
    assert (found["Description"], found["Tags"]) == ("d", TAGS)
    assert await cloud.outputs() == {"Ref": found["ARN"], "Id": found["ARN"]}
    assert await secret_value(cloud) == "one"
    changed = resource(
        "SecretsManager::Secret", Name="s", SecretString={"user": "u"}, Tags=[{"Key": "b", "Value": "2"}]
    )
    await cloud.update({"Secret": changed})
    found = await cloud.call("secretsmanager", "DescribeSecret", SecretId="s")
    assert not found["Description"]
    assert found["Tags"] == [{"Key": "b", "Value": "2"}]
    assert json.loads(await secret_value(cloud)) == {"user": "u"}
    # A text that is taken away stays in the secret.
    await cloud.update({"Secret": resource("SecretsManager::Secret", Name="s")})
    assert json.loads(await secret_value(cloud)) == {"user": "u"}
    await cloud.update({"Secret": resource("SecretsManager::Secret", Name="t", SecretString="x")})
    assert await cloud.code_of("secretsmanager", "DescribeSecret", SecretId="s") == "ResourceNotFoundException"
    await cloud.call("secretsmanager", "DeleteSecret", SecretId="t", ForceDeleteWithoutRecovery=True)
    assert await cloud.delete() == "DELETE_COMPLETE"


async def test_a_secret_can_be_generated(cloud: EmbeddedStacks):
    rules = {"PasswordLength": "40", "ExcludePunctuation": "true", "ExcludeCharacters": "abc"}
    await cloud.create(
        {
            "Plain": resource("SecretsManager::Secret", Name="plain", GenerateSecretString=rules),
            "InJson": resource(
                "SecretsManager::Secret",
                Name="in-json",
                GenerateSecretString={**rules, "SecretStringTemplate": '{"u": "me"}', "GenerateStringKey": "password"},
            ),
            "Empty": resource("SecretsManager::Secret", Name="empty"),
        }
    )
    assert len(await secret_value(cloud, "plain")) == 40
    assert (await secret_value(cloud, "plain")).isalnum()
    found = json.loads(await secret_value(cloud, "in-json"))
    assert (found["u"], len(found["password"])) == ("me", 40)
    assert await cloud.code_of("secretsmanager", "GetSecretValue", SecretId="empty") == "ResourceNotFoundException"
    value = await secret_value(cloud, "plain")
    described = resource("SecretsManager::Secret", Name="plain", GenerateSecretString=rules, Description="d")
    await cloud.update({"Plain": described})
    assert await secret_value(cloud, "plain") == value


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        ({"SecretString": "x", "GenerateSecretString": {}}, "both SecretString and GenerateSecretString"),
        ({"GenerateSecretString": {"GenerateStringKey": "k"}}, "both SecretStringTemplate and GenerateStringKey"),
        (
            {"GenerateSecretString": {"GenerateStringKey": "k", "SecretStringTemplate": "no json"}},
            "SecretStringTemplate must be a JSON object.",
        ),
        (
            {"GenerateSecretString": {"GenerateStringKey": "k", "SecretStringTemplate": "[]"}},
            "SecretStringTemplate must be a JSON object.",
        ),
        ({"GenerateSecretString": {"Odd": 1}}, "GenerateSecretString/Odd"),
        ({"KmsKeyId": "k"}, "Encountered unsupported property KmsKeyId"),
    ],
)
async def test_a_secret_that_cannot_be_made_says_why(cloud: EmbeddedStacks, properties: dict, sentence: str):
    await cloud.create({"Secret": resource("SecretsManager::Secret", **properties)})
    assert sentence in (await cloud.failures("Secret"))[0]
    assert (await cloud.call("secretsmanager", "ListSecrets"))["SecretList"] == []


async def test_other_rules_do_not_generate_a_secret_anew(cloud: EmbeddedStacks):
    def secret(length: int) -> dict:
        return {"Secret": resource("SecretsManager::Secret", Name="s", GenerateSecretString={"PasswordLength": length})}

    await cloud.create(secret(20))
    value = await secret_value(cloud)
    assert (await cloud.update(secret(30)))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "does not generate the value of a secret anew" in (await cloud.failures("Secret"))[0]
    assert await secret_value(cloud) == value


async def test_a_log_group_is_made_changed_and_deleted(cloud: EmbeddedStacks):
    arn = f"arn:aws:logs:us-east-1:{HUB}:log-group:/g"

    async def tags() -> dict[str, str]:
        return dict((await cloud.call("logs", "ListTagsForResource", resourceArn=arn))["tags"])

    tagged = resource("Logs::LogGroup", LogGroupName="/g", RetentionInDays="14", Tags=TAGS)
    await cloud.create({"Log": tagged}, Outputs=outputs(Ref=ref("Log"), Arn=get_att("Log", "Arn")))
    assert await cloud.outputs() == {"Ref": "/g", "Arn": f"{arn}:*"}
    assert await cloud.log_groups() == {"/g": 14}
    assert await tags() == {"a": "1"}
    await cloud.update({"Log": resource("Logs::LogGroup", LogGroupName="/g", Tags=[{"Key": "b", "Value": "2"}])})
    assert await cloud.log_groups() == {"/g": None}
    assert await tags() == {"b": "2"}
    await cloud.update({"Log": log_group("/g", days=7)})
    assert (await cloud.log_groups(), await tags()) == ({"/g": 7}, {})
    await cloud.update({"Log": log_group("/h")})
    assert await cloud.log_groups() == {"/h": None}
    await cloud.call("logs", "DeleteLogGroup", logGroupName="/h")
    assert await cloud.delete() == "DELETE_COMPLETE"


async def test_a_log_group_with_a_retention_that_there_is_not_leaves_no_group(cloud: EmbeddedStacks):
    assert (await cloud.create({"Log": log_group("/g", days=8)}))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert await cloud.log_groups() == {}
