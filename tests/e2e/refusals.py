"""Calls that AWS refuses: by service, the operation, its input and AWS's error code."""

import json
from typing import Any

from tests.fakes.archives import honest_bomb, link_to, lying_bomb, overlapping_bomb, zipped

ROLE = "arn:aws:iam::111111111111:role/there"
BUCKET_TEMPLATE = "Resources:\n  B:\n    Type: AWS::S3::Bucket\n"


def policy(**changes) -> str:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **changes}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com", "AWS": "arn:aws:iam::111111111111:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def on_role(document: str) -> dict:
    return {"RoleName": "there", "PolicyName": "p", "PolicyDocument": document}


def on_bucket(document: str) -> dict:
    return {"Bucket": "there", "Policy": document}


def secret(**params) -> dict:
    return {"Name": "new", "SecretString": "value", **params}


def stack(template: str, **params) -> dict:
    return {"StackName": "new", "TemplateBody": template, **params}


def function(**params) -> dict:
    code = {"ZipFile": zipped("app.py")}
    return {
        "FunctionName": "new",
        "Runtime": "python3.12",
        "Role": ROLE,
        "Handler": "app.handler",
        "Code": code,
        **params,
    }


def server(**params) -> dict:
    return {
        "Protocols": ["FTP"],
        "EndpointType": "VPC",
        "EndpointDetails": {"VpcId": "vpc-0abc", "SubnetIds": ["subnet-0abc"]},
        "IdentityProviderType": "AWS_LAMBDA",
        "IdentityProviderDetails": {"Function": "arn:aws:lambda:us-east-1:111111111111:function:f"},
        **params,
    }


def an_object(**params) -> dict:
    return {"Bucket": "there", "Key": "k", "Body": b"1", **params}


NESTED = 20_000
REFUSALS: dict[str, list[tuple[str, dict[str, Any], str]]] = {
    "iam": [
        ("create_role", {"RoleName": "r", "AssumeRolePolicyDocument": "nonsense"}, "MalformedPolicyDocument"),
        ("create_role", {"RoleName": "r", "AssumeRolePolicyDocument": policy()}, "MalformedPolicyDocument"),
        ("create_role", {"RoleName": "r"}, "ValidationError"),
        ("create_role", {"RoleName": "a/b", "AssumeRolePolicyDocument": TRUST}, "ValidationError"),
        ("create_role", {"RoleName": "r" * 65, "AssumeRolePolicyDocument": TRUST}, "ValidationError"),
        (
            "create_role",
            {"RoleName": "r", "AssumeRolePolicyDocument": TRUST, "MaxSessionDuration": 60},
            "ValidationError",
        ),
        ("create_role", {"RoleName": "there", "AssumeRolePolicyDocument": TRUST}, "EntityAlreadyExists"),
        ("put_role_policy", on_role(policy(Condition={"StringSortOf": {"a:b": "x"}})), "MalformedPolicyDocument"),
        (
            "put_role_policy",
            on_role(policy(Condition={"IpAddress": {"aws:SourceIp": "home"}})),
            "MalformedPolicyDocument",
        ),
        ("put_role_policy", on_role(policy(Principal="*")), "MalformedPolicyDocument"),
        ("put_role_policy", on_role(policy(Effect="Maybe")), "MalformedPolicyDocument"),
        ("put_role_policy", on_role(policy(Action="everything")), "MalformedPolicyDocument"),
        ("put_role_policy", on_role(policy(NotAction="s3:*")), "MalformedPolicyDocument"),
        ("put_role_policy", on_role(policy(Resource="there")), "MalformedPolicyDocument"),
        ("put_role_policy", on_role('{"Version": "2013-01-01", "Statement": []}'), "MalformedPolicyDocument"),
        ("put_role_policy", on_role("[" * NESTED), "MalformedPolicyDocument"),
        ("put_role_policy", on_role('{"a":' * NESTED + "1" + "}" * NESTED), "MalformedPolicyDocument"),
        ("put_role_policy", on_role(policy(Resource=["arn:aws:s3:::" + "x" * 100] * 110)), "LimitExceeded"),
        ("put_role_policy", {**on_role(policy()), "RoleName": "nobody"}, "NoSuchEntity"),
        ("create_policy", {"PolicyName": "p", "PolicyDocument": policy() + "}"}, "MalformedPolicyDocument"),
        ("attach_role_policy", {"RoleName": "there", "PolicyArn": "arn:aws:iam::aws:policy/None"}, "NoSuchEntity"),
        ("attach_role_policy", {"RoleName": "there", "PolicyArn": "nonsense"}, "ValidationError"),
    ],
    "sts": [
        ("assume_role", {"RoleArn": "nonsense", "RoleSessionName": "me"}, "ValidationError"),
        ("assume_role", {"RoleArn": ROLE, "RoleSessionName": "a b"}, "ValidationError"),
        ("assume_role", {"RoleArn": ROLE, "RoleSessionName": "me", "DurationSeconds": 5}, "ValidationError"),
        ("assume_role", {"RoleArn": ROLE, "RoleSessionName": "me", "Policy": "{"}, "MalformedPolicyDocument"),
    ],
    "s3": [
        ("create_bucket", {"Bucket": "ab"}, "InvalidBucketName"),
        ("create_bucket", {"Bucket": "UpperCase"}, "InvalidBucketName"),
        ("create_bucket", {"Bucket": "192.168.0.1"}, "InvalidBucketName"),
        ("create_bucket", {"Bucket": "xn--abc"}, "InvalidBucketName"),
        ("create_bucket", {"Bucket": "a..b"}, "InvalidBucketName"),
        (
            "create_bucket",
            {"Bucket": "new-one", "CreateBucketConfiguration": {"LocationConstraint": "moon-1"}},
            "InvalidLocationConstraint",
        ),
        ("put_object", an_object(Key="k" * 1025), "KeyTooLongError"),
        ("put_object", an_object(Key="ä" * 513), "KeyTooLongError"),
        ("put_object", an_object(Metadata={"a": "x" * 3000}), "MetadataTooLarge"),
        ("put_object", an_object(ContentMD5="AAAA"), "InvalidDigest"),
        ("put_object", an_object(ContentMD5="A" * 22 + "=="), "BadDigest"),
        ("put_object", an_object(ChecksumSHA256="A" * 43 + "="), "BadDigest"),
        ("put_object", an_object(Bucket="nowhere-there"), "NoSuchBucket"),
        ("put_bucket_policy", on_bucket("{"), "MalformedPolicy"),
        ("put_bucket_policy", on_bucket(policy()), "MalformedPolicy"),
        ("put_bucket_policy", on_bucket(policy(Principal="*", Resource="arn:aws:s3:::other/*")), "MalformedPolicy"),
        (
            "put_bucket_policy",
            on_bucket(policy(Principal={"AWS": "nobody"}, Resource="arn:aws:s3:::there/*")),
            "MalformedPolicy",
        ),
        ("put_bucket_policy", on_bucket("[" * 15_000), "MalformedPolicy"),
        ("get_object", {"Bucket": "there", "Key": "k", "Range": "bytes=10-20"}, "InvalidRange"),
        ("list_objects_v2", {"Bucket": "there", "MaxKeys": -1}, "InvalidArgument"),
        ("list_objects_v2", {"Bucket": "there", "ContinuationToken": "x"}, "InvalidArgument"),
        ("get_bucket_cors", {"Bucket": "there"}, "NotImplemented"),
        ("delete_objects", {"Bucket": "there", "Delete": {"Objects": [{"Key": "k"}] * 1001}}, "MalformedXML"),
        ("upload_part", an_object(UploadId="x", PartNumber=10_001), "InvalidArgument"),
        ("delete_bucket", {"Bucket": "there"}, "BucketNotEmpty"),
    ],
    "secretsmanager": [
        ("create_secret", secret(Name="a b"), "ValidationException"),
        ("create_secret", secret(Name=""), "ValidationException"),
        ("create_secret", secret(Name="x" * 513), "ValidationException"),
        ("create_secret", secret(SecretBinary=b"x"), "InvalidParameterException"),
        ("create_secret", secret(SecretString="x" * 65_537), "ValidationException"),
        ("create_secret", secret(ClientRequestToken="short"), "ValidationException"),
        ("get_secret_value", {"SecretId": "nothing"}, "ResourceNotFoundException"),
        ("delete_secret", {"SecretId": "nothing", "RecoveryWindowInDays": 3}, "InvalidParameterException"),
    ],
    "cloudformation": [
        ("create_stack", stack("{"), "ValidationError"),
        ("create_stack", stack(""), "ValidationError"),
        ("create_stack", stack("- 1"), "ValidationError"),
        ("create_stack", stack("a: b"), "ValidationError"),
        ("create_stack", stack("Resources: {}"), "ValidationError"),
        ("create_stack", stack(BUCKET_TEMPLATE + "  B:\n    Type: AWS::S3::Bucket\n"), "ValidationError"),
        ("create_stack", stack("Parameters: {P: {Type: String}}\n" + BUCKET_TEMPLATE), "ValidationError"),
        ("create_stack", stack(BUCKET_TEMPLATE + "#" + "x" * 51_200), "ValidationError"),
        ("create_stack", stack('!!python/object/apply:os.system ["id"]'), "ValidationError"),
        (
            "create_stack",
            stack("Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties: {AssumeRolePolicyDocument: {}}\n"),
            "InsufficientCapabilitiesException",
        ),
        ("create_stack", {"StackName": "new", "TemplateURL": "file:///etc/passwd"}, "ValidationError"),
        ("describe_stacks", {"StackName": "nothing"}, "ValidationError"),
        # Ten levels of ten aliases are ten thousand million nodes.
        (
            "create_stack",
            stack(
                "a0: &a0 [x, x]\n"
                + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
                + BUCKET_TEMPLATE
            ),
            "ValidationError",
        ),
        ("validate_template", {"TemplateBody": "[" * NESTED}, "ValidationError"),
        ("validate_template", {"TemplateBody": "Resources: " + "{a: " * 5000 + "1" + "}" * 5000}, "ValidationError"),
        ("validate_template", {"TemplateBody": '{"Resources": ' + "[" * NESTED}, "ValidationError"),
        ("validate_template", {"TemplateBody": "\n".join(" " * n + "a:" for n in range(300))}, "ValidationError"),
    ],
    "lambda": [
        ("create_function", function(Code={"ZipFile": b"no zip"}), "InvalidParameterValueException"),
        ("create_function", function(Code={"ZipFile": zipped("../../evil.py")}), "InvalidParameterValueException"),
        ("create_function", function(Code={"ZipFile": zipped("/etc/evil.py")}), "InvalidParameterValueException"),
        ("create_function", function(Code={"ZipFile": zipped("a\\..\\b.py")}), "InvalidParameterValueException"),
        ("create_function", function(Code={"ZipFile": link_to("/etc/passwd")}), "InvalidParameterValueException"),
        ("create_function", function(Code={"ZipFile": honest_bomb()}), "InvalidParameterValueException"),
        ("create_function", function(Code={"ZipFile": lying_bomb()}), "InvalidParameterValueException"),
        ("create_function", function(Code={"ZipFile": overlapping_bomb()}), "InvalidParameterValueException"),
        ("create_function", function(Code={}), "InvalidParameterValueException"),
        ("create_function", function(FunctionName="a b"), "ValidationException"),
        ("create_function", function(MemorySize=1), "ValidationException"),
        ("create_function", function(Runtime="cobol"), "ValidationException"),
        ("create_function", function(Role="nonsense"), "ValidationException"),
        ("create_function", function(Role=ROLE + "less"), "InvalidParameterValueException"),
        (
            "create_function",
            function(Environment={"Variables": {"AWS_REGION": "x"}}),
            "InvalidParameterValueException",
        ),
        ("create_function", function(Environment={"Variables": {"BIG": "x" * 5000}}), "InvalidParameterValueException"),
        ("invoke", {"FunctionName": "nothing"}, "ResourceNotFoundException"),
    ],
    "transfer": [
        ("create_server", {"Protocols": ["FTP"]}, "InvalidRequestException"),
        ("create_server", server(Protocols=["GOPHER"]), "InvalidRequestException"),
        ("create_server", server(IdentityProviderDetails={"Function": "f"}), "InvalidRequestException"),
        ("create_server", server(IdentityProviderType="SERVICE_MANAGED"), "InvalidRequestException"),
        ("describe_server", {"ServerId": "nonsense"}, "InvalidRequestException"),
        ("describe_server", {"ServerId": "s-" + "0" * 17}, "ResourceNotFoundException"),
    ],
    "logs": [
        ("create_log_group", {"logGroupName": "a b"}, "InvalidParameterException"),
        ("create_log_group", {"logGroupName": "x" * 513}, "InvalidParameterException"),
        ("get_log_events", {"logGroupName": "nothing", "logStreamName": "x"}, "ResourceNotFoundException"),
        ("filter_log_events", {"logGroupName": "nothing", "filterPattern": "{ $.a = "}, "InvalidParameterException"),
    ],
}
