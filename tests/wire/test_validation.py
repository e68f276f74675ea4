import pytest
from botocore.model import ServiceModel
from tests.fakes.aws_models import model_of

from crossdock.core.errors import ServiceError
from crossdock.wire.validation import MAX_PROBLEMS, MAX_SHOWN_CHARS, validate_params

TRANSFER = model_of("transfer")
SERVER = "s-0123456789abcdef0"


def refusal(service, operation, params):
    with pytest.raises(ServiceError) as refused:
        validate_params(model_of(service), operation, params)
    return refused.value


def sentence(*problems):
    detected = "1 validation error detected" if len(problems) == 1 else f"{len(problems)} validation errors detected"
    return f"{detected}: {'; '.join(problems)}"


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("transfer", "DescribeServer", {"ServerId": SERVER}),
        ("transfer", "ListServers", {}),
        ("transfer", "ListServers", {"MaxResults": 5}),
        (
            "transfer",
            "CreateServer",
            {"Protocols": ["FTP", "SFTP"], "Tags": [{"Key": "crossdock:endpoint", "Value": ""}]},
        ),
        ("iam", "GetAccountSummary", {}),
        (
            "iam",
            "CreateRole",
            {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": [{"Key": "Größe", "Value": "½"}]},
        ),
        ("lambda", "CreateFunction", {"FunctionName": "f", "Role": "arn:aws:iam::111111111111:role/r", "Code": {}}),
        ("s3", "PutObject", {}),
    ],
)
def test_what_the_model_allows_passes(service, operation, params):
    validate_params(model_of(service), operation, params)


def test_pattern_and_length_are_named():
    error = refusal("transfer", "DescribeServer", {"ServerId": "s-1"})
    assert (error.code, error.status) == ("InvalidRequestException", 400)
    assert error.message == sentence(
        "Value 's-1' at 'serverId' failed to satisfy constraint: Member must have length greater than or equal to 19",
        "Value 's-1' at 'serverId' failed to satisfy constraint: Member must satisfy regular expression pattern:"
        " s-([0-9a-f]{17})",
    )


def test_too_long_a_text_is_told_its_length_alone():
    error = refusal("transfer", "DescribeServer", {"ServerId": "s-" + "0" * 1000})
    assert error.message.count("Member must have length less than or equal to 19") == 1
    assert "pattern" not in error.message
    assert "0" * (MAX_SHOWN_CHARS + 1) not in error.message


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("transfer", "DescribeServer", "InvalidRequestException"),
        ("secretsmanager", "GetSecretValue", "ValidationException"),
        ("logs", "CreateLogGroup", "InvalidParameterException"),
        ("organizations", "DescribeAccount", "InvalidInputException"),
        ("acm", "DescribeCertificate", "ValidationException"),
        ("ssm", "GetParameter", "ValidationException"),
        ("lambda", "GetFunction", "ValidationException"),
        ("iam", "DeleteRole", "ValidationError"),
        ("sts", "AssumeRole", "ValidationError"),
        ("cloudformation", "DeleteStack", "ValidationError"),
    ],
)
def test_missing_member_is_refused_with_the_services_code(service, operation, code):
    error = refusal(service, operation, {})
    assert error.code == code
    assert "failed to satisfy constraint: Member must not be null" in error.message


def test_ec2_has_codes_of_its_own():
    error = refusal("ec2", "CreateSubnet", {})
    assert (error.code, error.message) == ("MissingParameter", "The request must contain the parameter vpcId")
    error = refusal("ec2", "DescribeVpcs", {"MaxResults": 1})
    assert error.code == "InvalidParameterValue"


def test_numbers_are_held_between_their_bounds():
    error = refusal("transfer", "ListServers", {"MaxResults": 0})
    assert error.message == sentence(
        "Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1"
    )
    error = refusal("transfer", "ListServers", {"MaxResults": 1001})
    assert "Member must have value less than or equal to 1000" in error.message


def test_enumerations_are_listed():
    error = refusal("transfer", "CreateServer", {"EndpointType": "MOON"})
    assert error.message == sentence(
        "Value 'MOON' at 'endpointType' failed to satisfy constraint: Member must satisfy enum value set:"
        " [PUBLIC, VPC, VPC_ENDPOINT]"
    )


def test_elements_of_a_list_are_judged_together():
    error = refusal("transfer", "CreateServer", {"Protocols": ["FTP", "GOPHER"]})
    assert error.message == sentence(
        "Value '[FTP, GOPHER]' at 'protocols' failed to satisfy constraint: Member must satisfy constraint:"
        " [Member must satisfy enum value set: [SFTP, FTP, FTPS, AS2]]"
    )


def test_members_of_structures_in_lists_are_named_by_number():
    error = refusal(
        "transfer", "TagResource", {"Arn": "arn:aws:transfer:a", "Tags": [{"Key": "a"}, {"Key": "k", "Value": ""}]}
    )
    assert "Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null" in error.message


def test_list_of_structures_is_not_shown():
    tags = [{"Key": "k", "Value": "hunter2"}] * 51
    error = refusal("transfer", "CreateServer", {"Tags": tags})
    assert (
        "Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"
        in error.message
    )
    assert "hunter2" not in error.message


def test_secrets_are_not_shown():
    error = refusal("secretsmanager", "CreateSecret", {"Name": "a", "SecretString": "hunter2" * 10_000})
    assert "Value at 'secretString' failed to satisfy constraint" in error.message
    assert "hunter2" not in error.message
    variables = {"1bad": "hunter2"}
    error = refusal(
        "lambda", "UpdateFunctionConfiguration", {"FunctionName": "f", "Environment": {"Variables": variables}}
    )
    assert (
        "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint"
        in error.message
    )
    assert "hunter2" not in error.message


def test_a_private_key_in_place_of_the_public_one_is_not_shown():
    pasted = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2"
    user = {"ServerId": "s-0123456789abcdef0", "UserName": "user1", "SshPublicKeyBody": pasted}
    role = {"Role": "arn:aws:iam::111111111111:role/r"}
    for operation, params in (("ImportSshPublicKey", user), ("CreateUser", {**user, **role})):
        error = refusal("transfer", operation, params)
        assert "Value at 'sshPublicKeyBody' failed to satisfy constraint" in error.message
        assert "PRIVATE" not in error.message
        assert "hunter2" not in error.message


def test_blobs_are_measured_and_not_shown():
    error = refusal("secretsmanager", "CreateSecret", {"Name": "a", "SecretBinary": b"x" * 65537})
    assert "Value at 'secretBinary' failed" in error.message


def test_problems_in_one_sentence_are_bounded():
    tags = [{}] * 40
    error = refusal("transfer", "CreateServer", {"Tags": tags})
    assert error.message.startswith(f"{MAX_PROBLEMS} validation errors detected")


def test_unknown_member_is_a_mistake_of_the_caller():
    with pytest.raises(TypeError, match="no member Serverid"):
        validate_params(TRANSFER, "ListServers", {"Serverid": SERVER})


STRING = {"type": "string"}
SYNTHETIC = ServiceModel(
    {
        "metadata": {"protocol": "rest-json", "endpointPrefix": "x"},
        "operations": {
            "Do": {"name": "Do", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "Input"}},
        },
        "shapes": {
            "String": STRING,
            "Short": {"type": "string", "max": 2, "min": 1, "pattern": "[a-z]+"},
            "Small": {"type": "integer", "max": 9, "min": 1},
            "Half": {"type": "double", "max": 0.5},
            "Blob": {"type": "blob", "streaming": True},
            "Shorts": {"type": "list", "member": {"shape": "Short"}},
            "Smalls": {"type": "map", "key": {"shape": "Short"}, "value": {"shape": "Small"}, "max": 2},
            "Choices": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "Choice"}},
            "Choice": {
                "type": "structure",
                "union": True,
                "members": {"A": {"shape": "Short"}, "B": {"shape": "Short"}},
            },
            "Secret": {"type": "string", "sensitive": True},
            "Secrets": {"type": "map", "key": {"shape": "Short"}, "value": {"shape": "Secret"}, "max": 1},
            "Input": {
                "type": "structure",
                "required": ["Body"],
                "members": {
                    "Body": {"shape": "Blob"},
                    "Half": {"shape": "Half"},
                    "Shorts": {"shape": "Shorts"},
                    "Smalls": {"shape": "Smalls"},
                    "Choice": {"shape": "Choice"},
                    "Choices": {"shape": "Choices"},
                    "Secrets": {"shape": "Secrets"},
                },
            },
        },
    }
)


@pytest.mark.parametrize(
    ("params", "subject", "constraint"),
    [
        ({"Half": 0.75}, "Value '0.75' at 'half'", "Member must have value less than or equal to 0.5"),
        (
            {"Shorts": ["ok", "long"]},
            "Value '[ok, long]' at 'shorts'",
            "Member must satisfy constraint: [Member must have length less than or equal to 2,"
            " Member must have length greater than or equal to 1,"
            " Member must satisfy regular expression pattern: [a-z]+]",
        ),
        (
            {"Smalls": {"a": 10}},
            "Value '{a=10}' at 'smalls'",
            "Map value must satisfy constraint: [Member must have value less than or equal to 9,"
            " Member must have value greater than or equal to 1]",
        ),
        (
            {"Smalls": {"a": 1, "b": 2, "c": 3}},
            "Value '{a=1, b=2, c=3}' at 'smalls'",
            "Member must have length less than or equal to 2",
        ),
        ({"Choice": {"A": "a", "B": "b"}}, "Value at 'choice'", "Member must have exactly one member set"),
        (
            {"Choices": {"first": {"A": "long"}}},
            "Value 'long' at 'choices.first.member.a'",
            "Member must have length less than or equal to 2",
        ),
        (
            {"Secrets": {"a": "x", "b": "y"}},
            "Value at 'secrets'",
            "Member must have length less than or equal to 1",
        ),
    ],
)
def test_each_constraint_has_its_sentence(params, subject, constraint):
    with pytest.raises(ServiceError) as refused:
        validate_params(SYNTHETIC, "Do", params)
    assert refused.value.message == sentence(f"{subject} failed to satisfy constraint: {constraint}")


def test_streamed_member_is_not_missed():
    validate_params(SYNTHETIC, "Do", {"Choice": {"A": "a"}, "Choices": {"x": {"B": "b"}}, "Smalls": {"a": 1}})
