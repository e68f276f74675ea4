"""As whom uploads that were left at AWS are ended: what a role asks of its users' sessions, it may ask of these too."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.fakes.clock import START
from tests.fakes.house import CountingEntropy

from crossdock.adapters.aws.role_assumer import AwsRoleIssuer
from crossdock.app.aws_sweeping import AwsSweeper
from crossdock.core.homes import ObjectPlace
from crossdock.core.principals import AssumedRole
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.resumable_uploads import ResumableUpload, UploadOwner
from crossdock.ports.upload_ledger import BegunUpload

ROLE = "arn:aws:iam::222222222222:role/drop"
SERVER_ID = "s-0123456789abcdef0"
PLACE = ObjectPlace(bucket="box", key="in/file")
OF_SWEEP = re.compile(rf"sweep\.[0-9a-f]{{16}}@{SERVER_ID}")
TAGS = [
    {"Key": "team", "Value": "dock"},
    {"Key": "transfer:UserName", "Value": "user1"},
    {"Key": "transfer:ServerId", "Value": SERVER_ID},
]


@dataclass(slots=True)
class Aws:
    """An STS that admits everybody, and an S3 that ends every upload: what they were asked."""

    assumed: list[dict[str, Any]] = field(default_factory=list)
    ended: list[BegunUpload] = field(default_factory=list)

    async def client(self, service: str, region: str) -> "Aws":
        assert (service, region) == ("sts", "eu-central-1")
        return self

    async def assume_role(self, **asked: Any) -> dict[str, Any]:
        self.assumed.append(asked)
        keys = {"AccessKeyId": "ASIA", "SecretAccessKey": "s", "SessionToken": "t"}
        return {
            "Credentials": {**keys, "Expiration": datetime(2040, 1, 1, tzinfo=UTC)},
            "AssumedRoleUser": {"AssumedRoleId": "AROA1:x", "Arn": "arn"},
        }

    def store(self, credentials: TemporaryCredentials, principal: AssumedRole) -> "Aws":
        return self

    async def abort_upload(self, upload: BegunUpload) -> None:
        self.ended.append(upload)

    def sweeper(self, *, tags: bool) -> AwsSweeper:
        issuer = AwsRoleIssuer(clients=self, tag_sessions=tags, tags={"team": "dock"})
        return AwsSweeper(issuer=issuer, stores=self.store, region="eu-central-1", entropy=CountingEntropy())


def begun(session_name: str = "") -> BegunUpload:
    return BegunUpload(place=PLACE, upload_id="u1", role_arn=ROLE, session_name=session_name)


async def test_the_session_is_named_for_the_server_and_tagged_as_the_users_was() -> None:
    aws, upload = Aws(), begun(f"user1.0123456789abcdef@{SERVER_ID}")
    await aws.sweeper(tags=True).end_begun(upload)
    (asked,) = aws.assumed
    assert asked["RoleArn"] == ROLE
    assert OF_SWEEP.fullmatch(asked["RoleSessionName"])
    assert asked["Tags"] == TAGS
    assert aws.ended == [upload]


async def test_one_that_its_user_might_have_gone_on_with_is_ended_alike() -> None:
    aws, owner = Aws(), UploadOwner(server_id=SERVER_ID, username="user1", role_arn=ROLE)
    upload = ResumableUpload(owner=owner, place=PLACE, upload_id="u1", began_at=START, touched_at=START)
    await aws.sweeper(tags=True).end_resumable(upload)
    (asked,) = aws.assumed
    assert OF_SWEEP.fullmatch(asked["RoleSessionName"])
    assert asked["Tags"] == TAGS
    assert aws.ended == [begun()]


async def test_nothing_is_tagged_where_sessions_are_not() -> None:
    aws = Aws()
    await aws.sweeper(tags=False).end_begun(begun(f"user1.0123456789abcdef@{SERVER_ID}"))
    assert "Tags" not in aws.assumed[0]


async def test_a_name_that_was_cut_is_used_again_and_where_none_is_known_it_has_one_of_its_own() -> None:
    aws, cut = Aws(), f"{'u' * 40}.0123456789abcdef@s-01234"
    for upload in (begun(cut), begun()):
        await aws.sweeper(tags=True).end_begun(upload)
    assert [asked["RoleSessionName"] for asked in aws.assumed] == [cut, "sweep@crossdock"]
    assert not any("Tags" in asked for asked in aws.assumed)
