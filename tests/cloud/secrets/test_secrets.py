"""Secrets through the one road: what is stored, who finds it, what goes and what comes back."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.fakes.aws_models import model_of
from tests.fakes.clock import FakeClock
from tests.fakes.house import AllowEverything, AllowOnly, CountedEpoch, PlainSealer, make_house

from crossdock.adapters.memory.state import MemoryState
from crossdock.cloud.secrets.deleting import destroy_expired_secrets
from crossdock.cloud.secrets.records import SECRETS, VALUES
from crossdock.cloud.secrets.table import secrets_operations
from crossdock.core.errors import ServiceError
from crossdock.core.principals import AccountRoot
from crossdock.operations.audit import AUDIT
from crossdock.operations.call import House, Operations
from crossdock.operations.caller import Caller, Origin
from crossdock.wire.validation import validate_params

HUB, PARTNER = "111111111111", "222222222222"
TOKEN = "f" * 32
OTHER_TOKEN = "e" * 32
ARN = re.compile(r"arn:aws:secretsmanager:us-east-1:111111111111:secret:(.+)-[A-Za-z0-9]{6}")


class Secrets:
    """A client: `await secrets("CreateSecret", Name=…)`."""

    def __init__(self, authorizer: AllowOnly | None = None) -> None:
        self.clock = FakeClock()
        self.house: House = make_house(state=MemoryState(), clock=self.clock)
        self.authorizer = authorizer or AllowEverything()
        self.operations = Operations(
            [secrets_operations(sealer=PlainSealer(), epoch=CountedEpoch())],
            house=self.house,
            authorizer=self.authorizer,
            validate=lambda service, name, params: validate_params(model_of(service), name, params),
        )

    async def __call__(
        self, operation: str, *, account: str = HUB, region: str = "us-east-1", **params: Any
    ) -> Mapping[str, Any]:
        return await self.operations.call(
            "secretsmanager",
            operation,
            params,
            caller=Caller(principal=AccountRoot(account_id=account)),
            account_id=account,
            region=region,
            origin=Origin(),
        )

    async def refusal(self, operation: str, **params: Any) -> tuple[str, str]:
        with pytest.raises(ServiceError) as caught:
            await self(operation, **params)
        return caught.value.code, caught.value.message

    async def stages(self, name: str) -> Mapping[str, list[str]]:
        return (await self("DescribeSecret", SecretId=name))["VersionIdsToStages"]


@pytest.fixture
async def secrets() -> AsyncIterator[Secrets]:
    secrets = Secrets()
    yield secrets
    await secrets.house.tasks.close()


async def test_a_text_and_a_binary_come_back_as_they_went(secrets: Secrets):
    made = await secrets("CreateSecret", Name="aws/transfer/s-1/user1", SecretString='{"Password": "ä"}')
    assert ARN.fullmatch(made["ARN"])
    assert made["Name"] == "aws/transfer/s-1/user1"
    read = await secrets("GetSecretValue", SecretId="aws/transfer/s-1/user1")
    assert read == {
        "ARN": made["ARN"],
        "Name": "aws/transfer/s-1/user1",
        "VersionId": made["VersionId"],
        "SecretString": '{"Password": "ä"}',
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": secrets.clock.now(),
    }
    await secrets("CreateSecret", Name="bytes", SecretBinary=b"\0\xff")
    assert (await secrets("GetSecretValue", SecretId="bytes"))["SecretBinary"] == b"\0\xff"
    assert "SecretString" not in await secrets("GetSecretValue", SecretId="bytes")


async def test_a_secret_is_found_by_name_full_arn_and_partial_arn(secrets: Secrets):
    arn = (await secrets("CreateSecret", Name="a/b", SecretString="x"))["ARN"]
    for secret_id in ("a/b", arn, arn[:-7]):
        assert (await secrets("GetSecretValue", SecretId=secret_id))["ARN"] == arn
    for secret_id in ("a", "a/b-", arn[:-1] + ("x" if arn[-1] != "x" else "y"), arn.replace("us-east-1", "eu-west-1")):
        assert (await secrets.refusal("GetSecretValue", SecretId=secret_id))[0] == "ResourceNotFoundException"
    assert (await secrets.refusal("GetSecretValue", SecretId="a/b", region="eu-west-1"))[1] == (
        "Secrets Manager can't find the specified secret."
    )


async def test_a_name_that_ends_like_a_suffix_does_not_hide_another_secret(secrets: Secrets):
    plain = (await secrets("CreateSecret", Name="db", SecretString="plain"))["ARN"]
    suffix = plain[-6:]
    await secrets("CreateSecret", Name=f"db-{suffix}", SecretString="suffixed")
    assert (await secrets("GetSecretValue", SecretId=plain))["SecretString"] == "plain"
    assert (await secrets("GetSecretValue", SecretId=f"db-{suffix}"))["SecretString"] == "suffixed"


async def test_a_secret_belongs_to_its_account(secrets: Secrets):
    arn = (await secrets("CreateSecret", Name="mine", SecretString="hub"))["ARN"]
    assert (await secrets.refusal("GetSecretValue", SecretId="mine", account=PARTNER))[0] == "ResourceNotFoundException"
    # By its ARN it is asked for where it is, and the authoriser decides about that ARN.
    await secrets("GetSecretValue", SecretId=arn, account=PARTNER)
    assert secrets.authorizer.asked[-1].resource == arn


async def test_a_new_value_moves_current_and_previous(secrets: Secrets):
    first = (await secrets("CreateSecret", Name="s", SecretString="1"))["VersionId"]
    second = (await secrets("PutSecretValue", SecretId="s", SecretString="2"))["VersionId"]
    third = (await secrets("UpdateSecret", SecretId="s", SecretString="3"))["VersionId"]
    assert await secrets.stages("s") == {second: ["AWSPREVIOUS"], third: ["AWSCURRENT"]}
    for stage, text in (("AWSCURRENT", "3"), ("AWSPREVIOUS", "2")):
        assert (await secrets("GetSecretValue", SecretId="s", VersionStage=stage))["SecretString"] == text
    assert (await secrets("GetSecretValue", SecretId="s", VersionId=first))["SecretString"] == "1"
    listed = await secrets("ListSecretVersionIds", SecretId="s")
    assert {version["VersionId"] for version in listed["Versions"]} == {second, third}
    listed = await secrets("ListSecretVersionIds", SecretId="s", IncludeDeprecated=True, MaxResults=2)
    rest = await secrets("ListSecretVersionIds", SecretId="s", IncludeDeprecated=True, NextToken=listed["NextToken"])
    assert {version["VersionId"] for version in [*listed["Versions"], *rest["Versions"]]} == {first, second, third}


async def test_a_pending_value_waits_until_its_label_moves(secrets: Secrets):
    old = (await secrets("CreateSecret", Name="s", SecretString="old"))["VersionId"]
    put = await secrets("PutSecretValue", SecretId="s", SecretString="new", VersionStages=["AWSPENDING"])
    new = put["VersionId"]
    assert put["VersionStages"] == ["AWSPENDING"]
    assert (await secrets("GetSecretValue", SecretId="s"))["SecretString"] == "old"
    code, _ = await secrets.refusal(
        "UpdateSecretVersionStage", SecretId="s", VersionStage="AWSCURRENT", MoveToVersionId=new
    )
    assert code == "InvalidParameterException"
    await secrets(
        "UpdateSecretVersionStage",
        SecretId="s",
        VersionStage="AWSCURRENT",
        MoveToVersionId=new,
        RemoveFromVersionId=old,
    )
    assert await secrets.stages("s") == {old: ["AWSPREVIOUS"], new: ["AWSPENDING", "AWSCURRENT"]}
    await secrets("UpdateSecretVersionStage", SecretId="s", VersionStage="AWSPENDING", RemoveFromVersionId=new)
    assert (await secrets.stages("s"))[new] == ["AWSCURRENT"]


async def test_a_request_may_be_repeated_under_its_token_and_no_other(secrets: Secrets):
    first = await secrets("CreateSecret", Name="s", SecretString="x", ClientRequestToken=TOKEN)
    assert await secrets("CreateSecret", Name="s", SecretString="x", ClientRequestToken=TOKEN) == first
    assert (await secrets.refusal("CreateSecret", Name="s", SecretString="y", ClientRequestToken=TOKEN))[0] == (
        "ResourceExistsException"
    )
    assert await secrets.refusal("CreateSecret", Name="s", SecretString="x", ClientRequestToken=OTHER_TOKEN) == (
        "ResourceExistsException",
        "The operation failed because the secret s already exists.",
    )
    put = await secrets("PutSecretValue", SecretId="s", SecretString="z", ClientRequestToken=OTHER_TOKEN)
    await secrets("PutSecretValue", SecretId="s", SecretString="later")
    again = await secrets("PutSecretValue", SecretId="s", SecretString="z", ClientRequestToken=OTHER_TOKEN)
    assert again["VersionId"] == put["VersionId"]
    assert again["VersionStages"] == ["AWSPREVIOUS"]
    code, message = await secrets.refusal(
        "PutSecretValue", SecretId="s", SecretString="else", ClientRequestToken=OTHER_TOKEN
    )
    assert code == "ResourceExistsException"
    assert "else" not in message


async def test_a_deleted_secret_can_be_restored_until_its_window_has_passed(secrets: Secrets):
    arn = (await secrets("CreateSecret", Name="s", SecretString="x"))["ARN"]
    deleted = await secrets("DeleteSecret", SecretId="s", RecoveryWindowInDays=7)
    assert (deleted["DeletionDate"] - secrets.clock.now()).days == 7
    for operation, params in (
        ("GetSecretValue", {}),
        ("PutSecretValue", {"SecretString": "y"}),
        ("UpdateSecret", {"Description": "d"}),
        ("DeleteSecret", {}),
    ):
        assert await secrets.refusal(operation, SecretId="s", **params) == (
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        )
    assert "already scheduled for deletion" in (await secrets.refusal("CreateSecret", Name="s", SecretString="y"))[1]
    assert (await secrets("DescribeSecret", SecretId="s"))["DeletedDate"] == secrets.clock.now()
    assert (await secrets("ListSecrets"))["SecretList"] == []
    assert [one["ARN"] for one in (await secrets("ListSecrets", IncludePlannedDeletion=True))["SecretList"]] == [arn]
    await secrets("RestoreSecret", SecretId=arn)
    assert (await secrets("GetSecretValue", SecretId="s"))["SecretString"] == "x"
    await secrets("DeleteSecret", SecretId="s", RecoveryWindowInDays=7)
    secrets.clock.advance(7 * 86400)
    assert (await secrets.refusal("RestoreSecret", SecretId="s"))[0] == "ResourceNotFoundException"
    made = await secrets("CreateSecret", Name="s", SecretString="anew")
    assert made["ARN"] != arn
    assert (await secrets.refusal("GetSecretValue", SecretId=arn))[0] == "ResourceNotFoundException"


async def test_a_forced_deletion_is_at_once_and_leaves_no_value(secrets: Secrets):
    await secrets("CreateSecret", Name="s", SecretString="x")
    await secrets("PutSecretValue", SecretId="s", SecretString="y")
    await secrets("DeleteSecret", SecretId="s", ForceDeleteWithoutRecovery=True)
    async with secrets.house.state.reading() as tx:
        assert await VALUES.everything(tx) == []
        assert await SECRETS.everything(tx) == []
    # AWS answers success for one that is not there, but only when forced.
    await secrets("DeleteSecret", SecretId="s", ForceDeleteWithoutRecovery=True)
    assert (await secrets.refusal("DeleteSecret", SecretId="s"))[0] == "ResourceNotFoundException"


async def test_a_forced_deletion_of_what_is_not_there_answers_with_its_plain_name(secrets: Secrets):
    async def name_of(secret_id: str) -> str:
        return str((await secrets("DeleteSecret", SecretId=secret_id, ForceDeleteWithoutRecovery=True))["Name"])

    arn = "arn:aws:secretsmanager:us-east-1:111111111111:secret:"
    assert await name_of("zz") == "zz"
    assert await name_of("zz-abcdef") == "zz-abcdef"
    assert await name_of(f"{arn}team/zz-AbCd12") == "team/zz"
    assert await name_of(f"{arn}zz") == "zz"


async def test_the_end_of_a_window_takes_the_values_off_the_disk(secrets: Secrets):
    await secrets("CreateSecret", Name="kept", SecretString="x")
    await secrets("CreateSecret", Name="gone", SecretString="x")
    await secrets("DeleteSecret", SecretId="gone")
    assert await destroy_expired_secrets(secrets.house) == 0
    secrets.clock.advance(30 * 86400)
    assert await destroy_expired_secrets(secrets.house) == 1
    async with secrets.house.state.reading() as tx:
        assert [secret.name for secret in await SECRETS.everything(tx)] == ["kept"]
        assert len(await VALUES.everything(tx)) == 1


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("CreateSecret", {"Name": "with space", "SecretString": "x"}, "ValidationException"),
        ("CreateSecret", {"Name": "", "SecretString": "x"}, "ValidationException"),
        ("CreateSecret", {"Name": "n", "SecretString": "x", "SecretBinary": b"y"}, "InvalidParameterException"),
        ("CreateSecret", {"Name": "n", "SecretString": "ä" * 40_000}, "InvalidParameterException"),
        ("CreateSecret", {"Name": "n", "SecretString": "x" * 65_537}, "ValidationException"),
        ("CreateSecret", {"Name": "n", "KmsKeyId": "alias/mine"}, "InvalidParameterException"),
        ("CreateSecret", {"Name": "n", "AddReplicaRegions": [{"Region": "eu-west-1"}]}, "InvalidParameterException"),
        ("CreateSecret", {"Name": "n", "Tags": [{"Key": "aws:x", "Value": ""}]}, "InvalidParameterException"),
        ("PutSecretValue", {"SecretId": "s"}, "InvalidRequestException"),
        ("PutSecretValue", {"SecretId": "absent", "SecretString": "x"}, "ResourceNotFoundException"),
        ("GetSecretValue", {"SecretId": "s", "VersionId": "0" * 36}, "ResourceNotFoundException"),
        ("GetSecretValue", {"SecretId": "s", "VersionStage": "AWSPENDING"}, "ResourceNotFoundException"),
        ("GetSecretValue", {"SecretId": "s", "VersionId": TOKEN, "VersionStage": "NOPE"}, "InvalidRequestException"),
        ("GetSecretValue", {"SecretId": "empty"}, "ResourceNotFoundException"),
        ("DeleteSecret", {"SecretId": "s", "RecoveryWindowInDays": 6}, "InvalidParameterException"),
        (
            "DeleteSecret",
            {"SecretId": "s", "RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True},
            "InvalidParameterException",
        ),
        ("UpdateSecretVersionStage", {"SecretId": "s", "VersionStage": "X"}, "InvalidParameterException"),
        (
            "UpdateSecretVersionStage",
            {"SecretId": "s", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": TOKEN},
            "InvalidRequestException",
        ),
        ("ListSecrets", {"NextToken": "?"}, "InvalidNextTokenException"),
        ("DescribeSecret", {"SecretId": "arn:aws:secretsmanager:x"}, "ResourceNotFoundException"),
    ],
)
async def test_what_aws_refuses_is_refused(secrets: Secrets, operation: str, params: dict[str, Any], code: str):
    await secrets("CreateSecret", Name="s", SecretString="x", ClientRequestToken=TOKEN)
    await secrets("CreateSecret", Name="empty")
    assert (await secrets.refusal(operation, **params))[0] == code


async def test_labels_and_versions_are_bounded(secrets: Secrets):
    await secrets("CreateSecret", Name="s", SecretString="x")
    for number in range(110):
        secrets.clock.advance(1)
        await secrets("PutSecretValue", SecretId="s", SecretString=str(number))
    listed = await secrets("ListSecretVersionIds", SecretId="s", IncludeDeprecated=True)
    assert len(listed["Versions"]) == 100
    async with secrets.house.state.reading() as tx:
        assert len(await VALUES.everything(tx)) == 100
    assert (await secrets("GetSecretValue", SecretId="s", VersionStage="AWSPREVIOUS"))["SecretString"] == "108"
    labels = [f"label-{number}" for number in range(20)]
    code, _ = await secrets.refusal("PutSecretValue", SecretId="s", SecretString="y", VersionStages=labels)
    assert code == "LimitExceededException"


async def test_lists_are_filtered_ordered_and_paged(secrets: Secrets):
    for name, description, tags in (
        ("prod/db", "The main Database", [{"Key": "team", "Value": "red"}]),
        ("prod/api", "", [{"Key": "team", "Value": "blue"}]),
        ("test/db", "database of tests", []),
    ):
        secrets.clock.advance(1)
        await secrets("CreateSecret", Name=name, Description=description, Tags=tags)

    async def names(*filters: tuple[str, str], **params: Any) -> list[str]:
        wanted = [{"Key": key, "Values": [value]} for key, value in filters]
        listed = await secrets("ListSecrets", **({"Filters": wanted} if wanted else {}), **params)
        return [secret["Name"] for secret in listed["SecretList"]]

    assert await names() == ["prod/db", "prod/api", "test/db"]
    assert await names(SortOrder="desc") == ["test/db", "prod/api", "prod/db"]
    assert await names(SortBy="name", SortOrder="asc") == ["prod/api", "prod/db", "test/db"]
    assert await names(("name", "prod/")) == ["prod/db", "prod/api"]
    assert await names(("name", "Prod/")) == []
    assert await names(("name", "!prod/")) == ["test/db"]
    assert await names(("description", "DATA")) == ["prod/db", "test/db"]
    assert await names(("tag-key", "te"), ("tag-value", "blue")) == ["prod/api"]
    assert await names(("all", "db")) == ["prod/db", "test/db"]
    assert await names(("owning-service", "x")) == []
    page = await secrets("ListSecrets", MaxResults=2, SortOrder="desc")
    rest = await secrets("ListSecrets", MaxResults=2, SortOrder="desc", NextToken=page["NextToken"])
    assert [secret["Name"] for secret in [*page["SecretList"], *rest["SecretList"]]] == [
        "test/db",
        "prod/api",
        "prod/db",
    ]
    assert "NextToken" not in rest


async def test_tags_come_and_go(secrets: Secrets):
    await secrets("CreateSecret", Name="s", Tags=[{"Key": "a", "Value": "1"}])
    await secrets("TagResource", SecretId="s", Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    assert (await secrets("DescribeSecret", SecretId="s"))["Tags"] == [
        {"Key": "a", "Value": "3"},
        {"Key": "b", "Value": "2"},
    ]
    await secrets("UntagResource", SecretId="s", TagKeys=["a", "absent"])
    assert (await secrets("DescribeSecret", SecretId="s"))["Tags"] == [{"Key": "b", "Value": "2"}]


async def test_permissions_are_asked_for_the_full_arn_with_their_keys(secrets: Secrets):
    arn = (await secrets("CreateSecret", Name="s", SecretString="x", Tags=[{"Key": "team", "Value": "red"}]))["ARN"]
    asked = secrets.authorizer.asked
    assert [(one.action, one.resource) for one in asked] == [
        ("secretsmanager:CreateSecret", arn[:-6] + "??????"),
        ("secretsmanager:TagResource", arn[:-6] + "??????"),
    ]
    assert asked[0].context["aws:RequestTag/team"] == ("red",)
    await secrets("GetSecretValue", SecretId="s")
    assert (asked[-1].action, asked[-1].resource) == ("secretsmanager:GetSecretValue", arn)
    assert asked[-1].context["secretsmanager:VersionStage"] == ("AWSCURRENT",)
    assert asked[-1].context["secretsmanager:ResourceTag/team"] == ("red",)
    assert asked[-1].context["aws:ResourceTag/team"] == ("red",)
    await secrets("DeleteSecret", SecretId=arn[:-7], ForceDeleteWithoutRecovery=True)
    assert asked[-1].resource == arn
    assert asked[-1].context["secretsmanager:ForceDeleteWithoutRecovery"] == ("true",)
    await secrets.refusal("GetSecretValue", SecretId="s")
    assert asked[-1].resource == arn[:-6] + "??????"


async def test_who_may_not_read_does_not_learn_whether_the_secret_exists():
    secrets = Secrets(AllowOnly("secretsmanager:CreateSecret"))
    await secrets("CreateSecret", Name="there", SecretString="x")
    for secret_id in ("there", "absent"):
        assert (await secrets.refusal("GetSecretValue", SecretId=secret_id))[0] == "AccessDeniedException"


async def test_values_lie_sealed_and_appear_in_no_audit_record(secrets: Secrets):
    arn = (await secrets("CreateSecret", Name="s", SecretString="very-secret"))["ARN"]
    async with secrets.house.state.reading() as tx:
        [value] = await VALUES.everything(tx)
        rows = await tx.table(AUDIT).page()
    assert "very-secret" not in repr(value)
    # Sealed for this secret and version: moved to another row it does not open.
    assert "very-secret" not in repr([dict(row.value) for row in rows])
    assert [row.value["eventName"] for row in rows] == ["CreateSecret"]
    await secrets("CreateSecret", Name="t", SecretString="other", ClientRequestToken=TOKEN)
    async with secrets.house.state.transaction() as tx:
        other = await SECRETS.get(tx, HUB, "us-east-1", "t")
        assert other is not None
        await VALUES.put(tx, value, *other.key, other.suffix, TOKEN)
    assert (await secrets.refusal("GetSecretValue", SecretId="t"))[0] == "DecryptionFailure"
    assert arn


async def test_random_passwords_have_what_was_asked_for(secrets: Secrets):
    async def password(**params: Any) -> str:
        return (await secrets("GetRandomPassword", **params))["RandomPassword"]

    assert len(await password()) == 32
    assert len({await password() for _ in range(20)}) == 20
    for _ in range(20):
        four = await password(PasswordLength=4)
        assert re.search("[a-z]", four)
        assert re.search("[A-Z]", four)
        assert re.search("[0-9]", four)
        assert re.search("[^A-Za-z0-9]", four)
    assert set(await password(ExcludePunctuation=True, ExcludeUppercase=True, ExcludeLowercase=True)) <= set(
        "0123456789"
    )
    assert "e" not in await password(PasswordLength=2000, ExcludeCharacters="e")
    assert " " in await password(IncludeSpace=True)
    code, _ = await secrets.refusal("GetRandomPassword", PasswordLength=3)
    assert code == "InvalidRequestException"
    code, _ = await secrets.refusal(
        "GetRandomPassword",
        ExcludeNumbers=True,
        ExcludePunctuation=True,
        ExcludeUppercase=True,
        ExcludeLowercase=True,
    )
    assert code == "InvalidParameterException"
