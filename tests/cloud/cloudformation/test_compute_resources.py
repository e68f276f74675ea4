"""AWS::Lambda::Function, Permission, Transfer::Server, User: made, changed, replaced, deleted.

Source: CloudFormation Template Reference, "Update requires" of each property.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.fakes.cloud import HUB
from tests.fakes.functions import archive
from tests.fakes.public_keys import ed25519_line
from tests.fakes.stacks import EmbeddedStacks
from tests.fakes.templates import allowing, get_att, outputs, ref, resource, role, trusting

TAGS = [{"Key": "a", "Value": "1"}]
ROLES = {
    "Role": role(RoleName="one"),
    "Other": role(RoleName="two"),
    "Logins": role(RoleName="logins", AssumeRolePolicyDocument=trusting({"Service": "transfer.amazonaws.com"})),
}
VPC = {"VpcId": "vpc-0a", "SubnetIds": ["subnet-0a"], "SecurityGroupIds": ["sg-00000000"]}
FTP = {
    "Protocols": ["FTP"],
    "EndpointType": "VPC",
    "EndpointDetails": VPC,
    "IdentityProviderType": "AWS_LAMBDA",
    "IdentityProviderDetails": {"Function": f"arn:aws:lambda:us-east-1:{HUB}:function:users"},
}


def function(**properties: Any) -> dict[str, Any]:
    plain = {"Role": get_att("Role", "Arn"), "Runtime": "python3.11", "Handler": "index.handler"}
    made = resource("Lambda::Function", **{**plain, "FunctionName": "f", "Code": {"ZipFile": "1"}, **properties})
    return {**ROLES, "Function": made}


async def configuration(cloud: EmbeddedStacks, name: str = "f") -> Mapping[str, Any]:
    return await cloud.call("lambda", "GetFunctionConfiguration", FunctionName=name)


async def test_a_function_has_all_that_its_properties_say(cloud: EmbeddedStacks):
    made = function(
        Description="d",
        MemorySize="256",
        Timeout=30,
        Environment={"Variables": {"LEVEL": 1, "ON": True}},
        Tags=TAGS,
        Architectures=["x86_64"],
        PackageType="Zip",
        TracingConfig={"Mode": "PassThrough"},
    )
    await cloud.create(made, Outputs=outputs(Ref=ref("Function"), Arn=get_att("Function", "Arn")))
    arn = f"arn:aws:lambda:us-east-1:{HUB}:function:f"
    assert await cloud.outputs() == {"Ref": "f", "Arn": arn}
    found = await configuration(cloud)
    assert (found["Description"], found["MemorySize"], found["Timeout"]) == ("d", 256, 30)
    assert found["Environment"]["Variables"] == {"LEVEL": "1", "ON": "true"}
    assert (found["Handler"], found["Role"]) == ("index.handler", f"arn:aws:iam::{HUB}:role/one")
    assert (await cloud.call("lambda", "ListTags", Resource=arn))["Tags"] == {"a": "1"}


async def test_a_function_is_changed_in_place_and_back(cloud: EmbeddedStacks):
    await cloud.create(function())
    before = await configuration(cloud)
    changed = function(
        Role=get_att("Other", "Arn"),
        Handler="index.other",
        Code={"ZipFile": "2"},
        Description="d",
        MemorySize=512,
        Timeout=9,
        Environment={"Variables": {"LEVEL": "1"}},
        Tags=TAGS,
    )
    assert (await cloud.update(changed))["StackStatus"] == "UPDATE_COMPLETE"
    found = await configuration(cloud)
    assert (found["Role"], found["Handler"]) == (f"arn:aws:iam::{HUB}:role/two", "index.other")
    assert (found["Description"], found["MemorySize"], found["Timeout"]) == ("d", 512, 9)
    assert found["Environment"]["Variables"] == {"LEVEL": "1"}
    assert found["CodeSha256"] != before["CodeSha256"]
    assert (await cloud.call("lambda", "ListTags", Resource=found["FunctionArn"]))["Tags"] == {"a": "1"}
    assert (await cloud.update(function()))["StackStatus"] == "UPDATE_COMPLETE"
    found = await configuration(cloud)
    same = ("Role", "Handler", "Description", "MemorySize", "Timeout", "CodeSha256")
    assert {name: found[name] for name in same} == {name: before[name] for name in same}
    assert not found.get("Environment", {}).get("Variables")
    assert (await cloud.call("lambda", "ListTags", Resource=found["FunctionArn"]))["Tags"] == {}
    assert cloud.flaws.calls.count("lambda:CreateFunction") == 1


async def test_a_function_may_have_its_code_in_a_bucket(cloud: EmbeddedStacks):
    await cloud.call("s3", "CreateBucket", Bucket="code")
    zipped = archive({"index.py": "def handler(event, context): return event"})
    await cloud.call("s3", "PutObject", Bucket="code", Key="f.zip", Body=zipped)
    made = await cloud.create(function(Code={"S3Bucket": "code", "S3Key": "f.zip"}))
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert (await configuration(cloud))["CodeSize"] == len(zipped)


async def test_a_function_with_another_name_is_another_function(cloud: EmbeddedStacks):
    await cloud.create(function())
    await cloud.update(function(FunctionName="g"))
    assert await cloud.code_of("lambda", "GetFunction", FunctionName="f") == "ResourceNotFoundException"
    await cloud.call("lambda", "DeleteFunction", FunctionName="g")
    assert await cloud.delete() == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        ({"Layers": []}, "Encountered unsupported property Layers"),
        ({"Code": {"ImageUri": "x"}}, "Encountered unsupported property Code/ImageUri"),
        ({"Timeout": "soon"}, "Value of property Timeout must be of type Integer"),
        ({"Environment": {"Variables": {"A": []}}}, "Environment/Variables/A must be of type String"),
    ],
)
async def test_a_function_that_cannot_be_made_says_why(cloud: EmbeddedStacks, properties: dict, sentence: str):
    assert (await cloud.create(function(**properties)))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert sentence in (await cloud.failures("Function"))[0]


async def statements(cloud: EmbeddedStacks, name: str = "f") -> list[dict[str, Any]]:
    if await cloud.code_of("lambda", "GetPolicy", FunctionName=name):
        return []
    found = await cloud.call("lambda", "GetPolicy", FunctionName=name)
    return list(json.loads(found["Policy"])["Statement"])


async def test_a_permission_is_given_replaced_and_taken(cloud: EmbeddedStacks):
    def permitted(**properties: Any) -> dict:
        plain = {"Action": "lambda:InvokeFunction", "Principal": "transfer.amazonaws.com"}
        permission = resource("Lambda::Permission", FunctionName=ref("Function"), **{**plain, **properties})
        return {**function(), "Permission": permission}

    server = f"arn:aws:transfer:us-east-1:{HUB}:server/s-1"
    await cloud.create(permitted(SourceArn=server, SourceAccount=int(HUB)), Outputs=outputs(Ref=ref("Permission")))
    [statement] = await statements(cloud)
    assert statement["Principal"] == {"Service": "transfer.amazonaws.com"}
    assert json.dumps(statement["Condition"]).count(HUB) == 2
    assert await cloud.outputs() == {"Ref": statement["Sid"]}
    await cloud.update(permitted(Principal="s3.amazonaws.com"))
    [changed] = await statements(cloud)
    assert changed["Sid"] != statement["Sid"]
    assert changed["Principal"] == {"Service": "s3.amazonaws.com"}
    await cloud.update(function())
    assert await statements(cloud) == []
    await cloud.update(permitted())
    await cloud.call("lambda", "DeleteFunction", FunctionName="f")
    assert await cloud.delete() == "DELETE_COMPLETE"


async def test_a_permission_follows_its_function(cloud: EmbeddedStacks):
    permission = resource(
        "Lambda::Permission",
        FunctionName=get_att("Function", "Arn"),
        Action="lambda:InvokeFunction",
        Principal="transfer.amazonaws.com",
    )
    await cloud.create({**function(), "Permission": permission})
    await cloud.update({**function(FunctionName="g"), "Permission": permission})
    assert await cloud.status() == "UPDATE_COMPLETE"
    assert len(await statements(cloud, "g")) == 1


async def server(cloud: EmbeddedStacks) -> Mapping[str, Any]:
    server_id = (await cloud.physical("Server")).rsplit("/", 1)[-1]
    return dict((await cloud.call("transfer", "DescribeServer", ServerId=server_id))["Server"])


async def test_a_server_is_complete_when_it_is_online(cloud: EmbeddedStacks):
    made = outputs(Ref=ref("Server"), Arn=get_att("Server", "Arn"), Id=get_att("Server", "ServerId"))
    banner = {"PreAuthenticationLoginBanner": "welcome", "PostAuthenticationLoginBanner": "in"}
    details = {"PassiveIp": "192.0.2.1", "SetStatOption": "ENABLE_NO_OP"}
    await cloud.create(
        {"Server": resource("Transfer::Server", **FTP, **banner, ProtocolDetails=details, Domain="S3", Tags=TAGS)},
        Outputs=made,
    )
    found = await server(cloud)
    assert found["State"] == "ONLINE"
    assert (found["Protocols"], found["EndpointType"], found["Tags"]) == (["FTP"], "VPC", TAGS)
    assert found["IdentityProviderDetails"] == FTP["IdentityProviderDetails"]
    assert (found["ProtocolDetails"]["PassiveIp"], found["PreAuthenticationLoginBanner"]) == ("192.0.2.1", "welcome")
    # CloudFormation's default, which is older than the API's.
    assert found["SecurityPolicyName"] == "TransferSecurityPolicy-2018-11"
    assert await cloud.outputs() == {"Ref": found["Arn"], "Arn": found["Arn"], "Id": found["ServerId"]}


async def test_a_server_is_changed_in_place_and_back(cloud: EmbeddedStacks):
    await cloud.create({**ROLES, "Server": resource("Transfer::Server", **FTP)})
    before = await server(cloud)
    certificate = await cloud.call("acm", "RequestCertificate", DomainName="a.example", KeyAlgorithm="EC_prime256v1")
    changed = {
        **FTP,
        "EndpointDetails": {**VPC, "SubnetIds": ["subnet-0b"]},
        "IdentityProviderDetails": {"Function": f"arn:aws:lambda:us-east-1:{HUB}:function:others"},
        "LoggingRole": get_att("Logins", "Arn"),
        "PreAuthenticationLoginBanner": "pre",
        "PostAuthenticationLoginBanner": "post",
        "ProtocolDetails": {"PassiveIp": "192.0.2.1", "SetStatOption": "ENABLE_NO_OP"},
        "SecurityPolicyName": "TransferSecurityPolicy-2024-01",
        "S3StorageOptions": {"DirectoryListingOptimization": "ENABLED"},
        "StructuredLogDestinations": [f"arn:aws:logs:us-east-1:{HUB}:log-group:g:*"],
        "Certificate": certificate["CertificateArn"],
        "WorkflowDetails": {
            "OnUpload": [{"WorkflowId": "w-" + "0" * 17, "ExecutionRole": f"arn:aws:iam::{HUB}:role/one"}]
        },
    }
    assert (await cloud.update({**ROLES, "Server": resource("Transfer::Server", **changed)}))["StackStatus"] == (
        "UPDATE_COMPLETE"
    ), await cloud.failures("Server")
    found = await server(cloud)
    for name, value in changed.items():
        if name not in ("EndpointDetails", "LoggingRole", "ProtocolDetails"):
            assert found[name] == value
    assert found["LoggingRole"] == f"arn:aws:iam::{HUB}:role/logins"
    assert found["EndpointDetails"]["SubnetIds"] == ["subnet-0b"]
    assert found["ProtocolDetails"]["PassiveIp"] == "192.0.2.1"
    # One member of the details goes: it is what it was before.
    fewer = {**changed, "ProtocolDetails": {"SetStatOption": "ENABLE_NO_OP"}}
    await cloud.update({**ROLES, "Server": resource("Transfer::Server", **fewer)})
    details = (await server(cloud))["ProtocolDetails"]
    assert (details["PassiveIp"], details["SetStatOption"]) == ("AUTO", "ENABLE_NO_OP")
    assert (await cloud.update({**ROLES, "Server": resource("Transfer::Server", **FTP)}))["StackStatus"] == (
        "UPDATE_COMPLETE"
    ), await cloud.failures("Server")
    cleared = {"S3StorageOptions": {"DirectoryListingOptimization": "DISABLED"}}
    empty = {"WorkflowDetails": {"OnPartialUpload": [], "OnUpload": []}}
    assert await server(cloud) == {**before, **cleared, **empty}
    assert cloud.flaws.calls.count("transfer:CreateServer") == 1


async def test_a_server_may_leave_its_vpc(cloud: EmbeddedStacks):
    private = {"EndpointType": "VPC", "EndpointDetails": VPC}
    await cloud.create({"Server": resource("Transfer::Server", **private)})
    assert (await cloud.update({"Server": resource("Transfer::Server")}))["StackStatus"] == "UPDATE_COMPLETE"
    found = await server(cloud)
    assert (found["EndpointType"], found.get("EndpointDetails", {})) == ("PUBLIC", {})
    assert cloud.flaws.calls.count("transfer:CreateServer") == 1


async def test_a_server_with_another_identity_provider_is_another_server(cloud: EmbeddedStacks):
    private = {"EndpointType": "VPC", "EndpointDetails": VPC}
    await cloud.create({"Server": resource("Transfer::Server", **private)})
    first = await cloud.physical("Server")
    assert (await cloud.update({"Server": resource("Transfer::Server", **FTP)}))["StackStatus"] == "UPDATE_COMPLETE"
    assert await cloud.physical("Server") != first
    assert len((await cloud.call("transfer", "ListServers"))["Servers"]) == 1


async def test_a_server_that_is_gone_already_is_deleted(cloud: EmbeddedStacks):
    await cloud.create({"Server": resource("Transfer::Server")})
    await cloud.call("transfer", "DeleteServer", ServerId=(await server(cloud))["ServerId"])
    assert await cloud.delete() == "DELETE_COMPLETE"


async def test_a_server_that_cannot_be_says_why(cloud: EmbeddedStacks):
    await cloud.create({"Server": resource("Transfer::Server", Protocols=["FTP"])})
    assert "endpoint type PUBLIC can only use protocol SFTP" in (await cloud.failures("Server"))[0]
    assert (await cloud.call("transfer", "ListServers"))["Servers"] == []


def user(**properties: Any) -> dict[str, Any]:
    plain = {"ServerId": get_att("Server", "ServerId"), "UserName": "user1", "Role": get_att("Logins", "Arn")}
    return {
        **ROLES,
        "Server": resource("Transfer::Server", Tags=properties.pop("server_tags", TAGS)),
        "User": resource("Transfer::User", **{**plain, **properties}),
    }


async def described(cloud: EmbeddedStacks, name: str = "user1") -> Mapping[str, Any]:
    server_id = (await server(cloud))["ServerId"]
    return dict((await cloud.call("transfer", "DescribeUser", ServerId=server_id, UserName=name))["User"])


async def test_a_user_has_all_that_its_properties_say(cloud: EmbeddedStacks):
    made = outputs(
        Ref=ref("User"),
        Arn=get_att("User", "Arn"),
        ServerId=get_att("User", "ServerId"),
        Name=get_att("User", "UserName"),
    )
    await cloud.create(
        user(
            HomeDirectoryType="LOGICAL",
            HomeDirectoryMappings=[{"Entry": "/", "Target": "/box/home"}],
            Policy=allowing("s3:*"),
            SshPublicKeys=[ed25519_line("a"), ed25519_line("b", "home")],
            PosixProfile={"Uid": "1", "Gid": 2, "SecondaryGids": [3]},
            Tags=TAGS,
        ),
        Outputs=made,
    )
    assert await cloud.status() == "CREATE_COMPLETE", await cloud.failures("User")
    found = await described(cloud)
    assert found["HomeDirectoryMappings"] == [{"Entry": "/", "Target": "/box/home"}]
    assert (json.loads(found["Policy"]), found["Tags"]) == (allowing("s3:*"), TAGS)
    assert found["PosixProfile"] == {"Uid": 1, "Gid": 2, "SecondaryGids": [3]}
    keys = [key["SshPublicKeyBody"] for key in found["SshPublicKeys"]]
    assert keys == [ed25519_line("a"), ed25519_line("b", "home")]
    server_id = (await server(cloud))["ServerId"]
    assert await cloud.outputs() == {
        "Ref": found["Arn"],
        "Arn": found["Arn"],
        "ServerId": server_id,
        "Name": "user1",
    }


async def test_a_user_is_changed_in_place_and_back(cloud: EmbeddedStacks):
    await cloud.create(user())
    before = await described(cloud)
    changed = {
        "Role": get_att("Other", "Arn"),
        "HomeDirectoryType": "LOGICAL",
        "HomeDirectoryMappings": [{"Entry": "/", "Target": "/box"}],
        "Policy": json.dumps(allowing("s3:*")),
    }
    await cloud.update(user(**changed))
    found = await described(cloud)
    assert (found["Role"], found["HomeDirectoryType"]) == (f"arn:aws:iam::{HUB}:role/two", "LOGICAL")
    assert json.loads(found["Policy"]) == allowing("s3:*")
    await cloud.update(user(HomeDirectory="/box/home"))
    found = await described(cloud)
    assert (found["HomeDirectory"], found["HomeDirectoryType"]) == ("/box/home", "PATH")
    assert "HomeDirectoryMappings" not in found
    assert (await cloud.update(user()))["StackStatus"] == "UPDATE_COMPLETE"
    found = await described(cloud)
    assert {name: value for name, value in found.items() if value} == {k: v for k, v in before.items() if v}
    assert cloud.flaws.calls.count("transfer:CreateUser") == 1


async def test_a_user_moves_with_its_server_under_the_same_name(cloud: EmbeddedStacks):
    """The names of two servers' users have nothing to do with each other."""
    await cloud.create(user())
    first = (await server(cloud))["ServerId"]
    second = {**user(), "New": resource("Transfer::Server")}
    second["User"]["Properties"]["ServerId"] = get_att("New", "ServerId")
    assert (await cloud.update(second))["StackStatus"] == "UPDATE_COMPLETE", await cloud.failures("User")
    assert await cloud.code_of("transfer", "DescribeUser", ServerId=first, UserName="user1") == (
        "ResourceNotFoundException"
    )
    new = (await cloud.physical("New")).rsplit("/", 1)[-1]
    assert await cloud.physical("User") == f"arn:aws:transfer:us-east-1:{HUB}:user/{new}/user1"


async def test_a_user_with_another_name_is_another_user(cloud: EmbeddedStacks):
    await cloud.create(user())
    await cloud.update(user(UserName="user2"))
    server_id = (await server(cloud))["ServerId"]
    users = (await cloud.call("transfer", "ListUsers", ServerId=server_id))["Users"]
    assert [found["UserName"] for found in users] == ["user2"]
    await cloud.call("transfer", "DeleteUser", ServerId=server_id, UserName="user2")
    assert await cloud.delete() == "DELETE_COMPLETE"


async def test_what_cannot_be_changed_fails_the_update_and_says_so(cloud: EmbeddedStacks):
    await cloud.create(user(PosixProfile={"Uid": 1, "Gid": 1}))
    assert (await cloud.update(user()))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "cannot take the PosixProfile" in (await cloud.failures("User"))[0]


async def test_tags_of_a_server_and_of_its_user_are_changed_in_place_and_back(cloud: EmbeddedStacks):
    await cloud.create(user(Tags=TAGS))
    before = await server(cloud), await described(cloud)
    others = [{"Key": "crossdock:endpoint", "Value": "sftp=127.0.0.1:2222"}, {"Key": "stage", "Value": "test"}]
    assert (await cloud.update(user(Tags=others, server_tags=others)))["StackStatus"] == "UPDATE_COMPLETE"
    assert ((await server(cloud))["Tags"], (await described(cloud))["Tags"]) == (others, others)
    assert (await cloud.update(user()))["StackStatus"] == "UPDATE_COMPLETE"
    assert "Tags" not in await described(cloud)
    assert (await cloud.update(user(Tags=TAGS)))["StackStatus"] == "UPDATE_COMPLETE"
    assert (await server(cloud), await described(cloud)) == before
    calls = cloud.flaws.calls
    assert (calls.count("transfer:CreateServer"), calls.count("transfer:CreateUser")) == (1, 1)
    # Nothing but tags was changed.
    assert (calls.count("transfer:UpdateServer"), calls.count("transfer:UpdateUser")) == (0, 0)


async def test_a_tag_that_a_server_cannot_have_fails_the_update_and_leaves_the_old_ones(cloud: EmbeddedStacks):
    await cloud.create(user())
    wrong = [{"Key": "crossdock:endpoint", "Value": "nowhere"}]
    assert (await cloud.update(user(server_tags=wrong)))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "the tag crossdock:endpoint has 'nowhere'" in (await cloud.failures("Server"))[0]
    assert (await server(cloud))["Tags"] == TAGS


FTPS_SERVER = {**FTP, "Protocols": ["FTPS"], "Certificate": ref("Certificate")}


def certificate(**properties: Any) -> dict[str, Any]:
    plain = {"DomainName": "ftp.example.com", "KeyAlgorithm": "EC_prime256v1", "ValidationMethod": "DNS"}
    ignored = {"DomainValidationOptions": [{"DomainName": "ftp.example.com", "HostedZoneId": "Z1"}]}
    return resource("CertificateManager::Certificate", **plain, **ignored, **properties)


async def test_a_certificate_is_issued_for_a_server_and_both_are_deleted(cloud: EmbeddedStacks):
    resources = {"Certificate": certificate(Tags=TAGS), "Server": resource("Transfer::Server", **FTPS_SERVER)}
    await cloud.create({**ROLES, **resources}, Outputs=outputs(Ref=ref("Certificate")))
    arn = (await cloud.outputs())["Ref"]
    found = (await cloud.call("acm", "DescribeCertificate", CertificateArn=arn))["Certificate"]
    assert (found["Status"], found["DomainName"]) == ("ISSUED", "ftp.example.com")
    assert found["InUseBy"] == [(await server(cloud))["Arn"]]
    assert await cloud.code_of("acm", "DeleteCertificate", CertificateArn=arn) == "ResourceInUseException"
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert await cloud.code_of("acm", "DescribeCertificate", CertificateArn=arn) == "ResourceNotFoundException"


async def test_a_certificates_tags_are_changed_in_place_and_its_domain_by_another_one(cloud: EmbeddedStacks):
    await cloud.create({"Certificate": certificate(Tags=TAGS)}, Outputs=outputs(Ref=ref("Certificate")))
    first = (await cloud.outputs())["Ref"]
    other = [{"Key": "b", "Value": "2"}]
    await cloud.update({"Certificate": certificate(Tags=other)}, Outputs=outputs(Ref=ref("Certificate")))
    assert (await cloud.outputs())["Ref"] == first
    assert (await cloud.call("acm", "ListTagsForCertificate", CertificateArn=first))["Tags"] == other
    more = certificate(Tags=other, SubjectAlternativeNames=["www.example.com"])
    await cloud.update({"Certificate": more}, Outputs=outputs(Ref=ref("Certificate")))
    second = (await cloud.outputs())["Ref"]
    assert second != first
    assert await cloud.code_of("acm", "DescribeCertificate", CertificateArn=first) == "ResourceNotFoundException"
