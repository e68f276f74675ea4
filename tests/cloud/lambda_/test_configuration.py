"""What a function may be configured to be, and what is refused instead of left out."""

import pytest
from tests.fakes.lambda_ import EmbeddedLambda

from crossdock.cloud.lambda_.configuration import RUNTIMES

INVALID = "InvalidParameterValueException"


async def test_everything_that_can_be_said_is_kept(cloud: EmbeddedLambda):
    made = await cloud.make(
        "f",
        Description="what it does",
        Timeout=900,
        MemorySize=10240,
        Architectures=["arm64"],
        Runtime="python3.13",
        Handler="app.main.handler",
        Environment={"Variables": {"Level": "debug"}},
        Tags={"team": "files"},
    )
    assert (made["Description"], made["Timeout"], made["MemorySize"]) == ("what it does", 900, 10240)
    assert (made["Architectures"], made["Runtime"], made["Handler"]) == (["arm64"], "python3.13", "app.main.handler")
    assert made["Environment"] == {"Variables": {"Level": "debug"}}
    assert (await cloud("GetFunction", FunctionName="f"))["Tags"] == {"team": "files"}


async def test_what_is_so_anyway_may_be_said(cloud: EmbeddedLambda):
    made = await cloud.make(
        "f",
        PackageType="Zip",
        Publish=False,
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": [], "Ipv6AllowedForDualStack": False},
        TracingConfig={"Mode": "PassThrough"},
        DeadLetterConfig={"TargetArn": ""},
        Layers=[],
        KMSKeyArn="",
        EphemeralStorage={"Size": 512},
        SnapStart={"ApplyOn": "None"},
        LoggingConfig={"LogFormat": "Text"},
    )
    assert made["State"] == "Active"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"PackageType": "Image"}, "PackageType must be Zip"),
        ({"Publish": True}, "Publish"),
        ({"Layers": ["arn:aws:lambda:us-east-1:111111111111:layer:l:1"]}, "Layers"),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"]}}, "VpcConfig"),
        ({"TracingConfig": {"Mode": "Active"}}, "TracingConfig"),
        ({"EphemeralStorage": {"Size": 1024}}, "EphemeralStorage"),
        ({"LoggingConfig": {"LogFormat": "JSON"}}, "LoggingConfig"),
        ({"Runtime": "python2.7"}, "no longer supported"),
        ({"Runtime": "nodejs22.x"}, "Crossdock runs functions in Python only"),
        ({"Timeout": 901}, "'Timeout' value failed to satisfy constraint: Member must have value less than"),
        ({"MemorySize": 10241}, "'MemorySize' value failed to satisfy constraint: Member must have value less than"),
        ({"Tags": {f"k{number}": "" for number in range(51)}}, "tag limit of 50"),
        ({"Tags": {"aws:x": ""}}, "does not begin with aws:"),
        ({"Code": {"ZipFile": b"x", "SourceKMSKeyArn": "arn:aws:kms:us-east-1:111111111111:key/k"}}, "SourceKMSKeyArn"),
    ],
)
async def test_what_cannot_be_had_is_refused_in_words(cloud: EmbeddedLambda, changes: dict, words: str):
    code, message = await cloud.refusal("CreateFunction", **cloud.function("f", **changes))
    assert code == INVALID
    assert words in message
    assert cloud.code.archives == {}


@pytest.mark.parametrize(
    "changes",
    [{"Timeout": 0}, {"MemorySize": 64}, {"Handler": "a b"}, {"Description": "x" * 257}, {"Handler": "h" * 129}],
)
async def test_what_the_model_forbids_is_a_validation_error(cloud: EmbeddedLambda, changes: dict):
    code, _ = await cloud.refusal("CreateFunction", **cloud.function("f", **changes))
    assert code == "ValidationException"


@pytest.mark.parametrize("missing", ["Runtime", "Handler"])
async def test_a_package_needs_runtime_and_handler(cloud: EmbeddedLambda, missing: str):
    params = cloud.function("f")
    del params[missing]
    assert await cloud.refusal("CreateFunction", **params) == (
        INVALID,
        "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
    )


@pytest.mark.parametrize("runtime", RUNTIMES)
async def test_every_python_that_aws_has_may_be_declared(cloud: EmbeddedLambda, runtime: str):
    assert (await cloud.make("f", Runtime=runtime))["Runtime"] == runtime
