"""Decisions about a role and its sessions, on documents that were read: a made-up organization's hub and partner."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.fakes.aws_documents import HUB, PARTNER, ScriptedAws
from tests.fakes.clock import FakeClock
from tests.fakes.logins import SERVER
from tests.fakes.s3 import document

from crossdock.adapters.aws.documents.accounts import Accounts
from crossdock.adapters.aws.documents.assumers import Gateway, TransferService
from crossdock.adapters.aws.documents.buckets import BucketReader
from crossdock.adapters.aws.documents.keys import KeyReader
from crossdock.adapters.aws.documents.organization import OrganizationReader
from crossdock.adapters.aws.documents.principals import PrincipalReader
from crossdock.adapters.aws.documents.readers import Readers
from crossdock.adapters.aws.documents.sessions import AwsTrialSession
from crossdock.adapters.aws.documents.trial import AwsRoleTrial
from crossdock.core.errors import NotFound, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.core.object_writing import ObjectWriting
from crossdock.policy.evaluate import Decision, Layer, Verdict
from crossdock.ports.authority import RoleRequest
from crossdock.ports.trials import Assumption, ObjectQuestion

ROLE = f"arn:aws:iam::{HUB}:role/files"
ROLE_ID = "AROAFILES00000000001"
GATEWAY = f"arn:aws:iam::{HUB}:role/gateway"
INBOX = ObjectPlace(bucket="inbox", key="in/a.csv")
TRANSFER = {"Effect": "Allow", "Principal": {"Service": "transfer.amazonaws.com"}, "Action": "sts:AssumeRole"}
CROSSDOCK = {"Effect": "Allow", "Principal": {"AWS": GATEWAY}, "Action": "sts:AssumeRole"}
PUTS = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
ADMITS = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::inbox/*",
    "Condition": {"StringLike": {"aws:userId": f"{ROLE_ID}:*"}},
}


@dataclass(slots=True)
class World:
    """Two accounts; a test changes what IAM, S3 and Organizations say before it asks."""

    trust: Mapping[str, Any] = field(default_factory=lambda: TRANSFER)
    role: list[Mapping[str, Any]] = field(default_factory=lambda: [PUTS])
    bucket: list[Mapping[str, Any]] = field(default_factory=lambda: [ADMITS])
    gateway: list[Mapping[str, Any]] = field(
        default_factory=lambda: [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}]
    )
    hub: dict[tuple[str, str], Any] = field(default_factory=dict)
    partner: dict[tuple[str, str], Any] = field(default_factory=dict)
    told: dict[str, tuple[str, ...]] = field(default_factory=dict)
    has_partner: bool = True
    runs_as: str = ""
    external_id: str = ""
    tag_sessions: bool = False
    acl: str = "cross-account"
    encryption: ObjectWriting = field(default_factory=ObjectWriting)

    def trial(self) -> AwsRoleTrial:
        accounts = Accounts(tuple(self._accounts()))
        principals = PrincipalReader(accounts)
        readers = Readers(
            principals=principals,
            buckets=BucketReader(accounts),
            organization=OrganizationReader(accounts),
            clock=FakeClock(),
            told=self.told,
            keys=KeyReader(accounts),
            writing=replace(self.encryption, acl=self.acl),
        )
        gateway = Gateway(
            principals=principals,
            identity=self.runs_as,
            external_id=self.external_id,
            tag_sessions=self.tag_sessions,
        )
        return AwsRoleTrial(readers, gateway if self.runs_as else TransferService())

    async def assume(self, role: str = ROLE, policy: str | None = None) -> Assumption:
        return await self.trial().assume(
            RoleRequest(
                server=SERVER, username="user1", role_arn=role, session_name="user1.x@s-1", session_policy=policy
            )
        )

    async def decide(self, action: str = "s3:PutObject", *, policy: str | None = None, **more: Any) -> Decision:
        found = await self.assume(policy=policy)
        assert isinstance(found.session, AwsTrialSession)
        operation = {"s3:PutObject": "PutObject", "s3:GetObject": "GetObject"}.get(action, "ListObjectsV2")
        asked = {"operation": operation, "action": action, "place": INBOX, **more}
        return await found.session.decide(ObjectQuestion(**asked))

    def _accounts(self):
        alone = {("organizations", "DescribeOrganization"): "AWSOrganizationsNotInUseException"}
        yield ScriptedAws(
            {
                **alone,
                ("iam", "GetRole"): self._role,
                ("iam", "ListRolePolicies"): {"PolicyNames": ["own"]},
                ("iam", "GetRolePolicy"): self._policy,
                ("iam", "ListAttachedRolePolicies"): {"AttachedPolicies": []},
                ("iam", "ListRoles"): {"Roles": [{"RoleId": ROLE_ID, "Arn": ROLE}]},
                ("s3", "GetBucketPolicy"): "AccessDenied",
                ("s3", "ListBuckets"): {"Buckets": []},
                **self.hub,
            }
        ).account(HUB)
        if self.has_partner:
            yield ScriptedAws(
                {
                    **alone,
                    ("s3", "GetBucketPolicy"): {"Policy": document(*self.bucket)}
                    if self.bucket
                    else "NoSuchBucketPolicy",
                    ("s3", "GetBucketLocation"): {"LocationConstraint": "eu-central-1"},
                    ("s3", "GetBucketEncryption"): "ServerSideEncryptionConfigurationNotFoundError",
                    ("s3", "GetPublicAccessBlock"): "NoSuchPublicAccessBlockConfiguration",
                    ("s3control", "GetPublicAccessBlock"): "NoSuchPublicAccessBlockConfiguration",
                    **self.partner,
                }
            ).account(PARTNER)

    def _role(self, params: Mapping[str, Any]) -> Any:
        if params["RoleName"] not in ("files", "gateway"):
            return "NoSuchEntity"
        is_files = params["RoleName"] == "files"
        told = {"Arn": ROLE if is_files else GATEWAY, "RoleId": ROLE_ID if is_files else "AROAGATEWAY"}
        trust = {"Version": "2012-10-17", "Statement": [self.trust]}
        return {"Role": {**told, "AssumeRolePolicyDocument": trust}}

    def _policy(self, params: Mapping[str, Any]) -> Any:
        statements = self.role if params["RoleName"] == "files" else self.gateway
        return {"PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}


async def test_what_everything_allows_is_allowed() -> None:
    decision = await World().decide()
    assert decision.is_allowed, decision.explain()
    assert (decision.same_account, decision.request.resource) == (False, "arn:aws:s3:::inbox/in/a.csv")
    session = (await World().assume()).session
    assert session is not None
    assert (session.principal.user_id, session.store) == (f"{ROLE_ID}:user1.x@s-1", None)


async def test_a_bucket_without_a_policy_keeps_out_another_account() -> None:
    decision = await World(bucket=[]).decide()
    assert (decision.verdict, decision.withheld_by) == (Verdict.IMPLICIT_DENY, (Layer.RESOURCE,))


async def test_a_role_without_the_permission_is_denied() -> None:
    decision = await World(role=[{**PUTS, "Action": "s3:GetObject"}]).decide()
    assert decision.withheld_by == (Layer.IDENTITY,)


async def test_the_session_policy_narrows() -> None:
    decision = await World().decide(policy=document({**PUTS, "Action": "s3:GetObject"}))
    assert decision.withheld_by == (Layer.SESSION,)


async def test_another_roles_id_is_denied_and_found_to_be_gone_or_somebodys() -> None:
    world = World(bucket=[{**ADMITS, "Condition": {"StringLike": {"aws:userId": "AROAFILES00000000000:*"}}}])
    assert (await world.decide()).withheld_by == (Layer.RESOURCE,)
    trial = world.trial()
    gone = frozenset({"AROAFILES00000000000"})
    assert await trial.living(gone) == {}  # no role was asked about
    await trial.assume(
        RoleRequest(server=SERVER, username="user1", role_arn=ROLE, session_name="user1", session_policy=None)
    )
    assert await trial.living(gone) == {}
    assert await trial.living(frozenset({ROLE_ID})) == {ROLE_ID: ROLE}
    blind = World(hub={("iam", "ListRoles"): "AccessDenied"}).trial()
    await blind.assume(
        RoleRequest(server=SERVER, username="user1", role_arn=ROLE, session_name="user1", session_policy=None)
    )
    assert await blind.living(gone) == {"AROAFILES00000000000": ""}


async def test_without_the_partners_profile_its_bucket_policy_is_unknown() -> None:
    decision = await World(has_partner=False).decide()
    assert decision.verdict is Verdict.UNKNOWN
    assert {one.layer for one in decision.policies.unread} == {Layer.RESOURCE, Layer.RESOURCE_CONTROL}
    assert decision.policies.unread[-1].why == "no profile is given for the account whose bucket inbox is"
    # What the role may not do is denied all the same, for the bucket is not its account's.
    denied = await World(has_partner=False, role=[{**PUTS, "Action": "s3:GetObject"}]).decide()
    assert denied.withheld_by == (Layer.IDENTITY,)


async def test_a_bucket_that_may_be_the_roles_own_may_allow_by_its_policy_alone() -> None:
    world = World(has_partner=False, role=[{**PUTS, "Action": "s3:GetObject"}])
    world.hub = {("s3", "ListBuckets"): "AccessDenied"}
    assert (await world.decide()).verdict is Verdict.UNKNOWN


async def test_a_bucket_that_is_nowhere_is_not_found() -> None:
    with pytest.raises(NotFound):
        await World(hub={("s3", "GetBucketPolicy"): "NoSuchBucket"}).decide()


async def acl_in(world: World, bucket: str = "inbox") -> str:
    session = (await world.assume()).session
    assert session is not None
    return await session.acl_in(bucket)


async def test_the_owner_of_another_accounts_bucket_is_given_full_control() -> None:
    assert await acl_in(World()) == "bucket-owner-full-control"
    assert await acl_in(World(hub={("s3", "GetBucketPolicy"): "NoSuchBucketPolicy"})) == ""
    may_be_own = {("s3", "GetBucketPolicy"): "AccessDenied", ("s3", "ListBuckets"): "AccessDenied"}
    assert await acl_in(World(hub=may_be_own, has_partner=False)) == ""
    assert await acl_in(World(hub={("s3", "GetBucketPolicy"): "NoSuchBucket"})) == ""


async def test_what_is_set_is_said_whosever_the_bucket_is() -> None:
    assert await acl_in(World(acl="off")) == ""
    assert await acl_in(World(acl="bucket-owner-read")) == "bucket-owner-read"


OWNERSHIP = ("s3", "GetBucketOwnershipControls")
SETS_ACLS = {**PUTS, "Action": "s3:PutObjectAcl"}


@pytest.mark.parametrize(
    ("ownership", "acl", "is_refused"),
    [
        ("BucketOwnerEnforced", "bucket-owner-read", True),
        ("BucketOwnerEnforced", "private", True),
        ("BucketOwnerEnforced", "bucket-owner-full-control", False),
        ("BucketOwnerPreferred", "bucket-owner-read", False),
        ("", "bucket-owner-read", False),
    ],
)
async def test_a_bucket_without_acls_takes_none_but_full_control(ownership, acl, is_refused) -> None:
    told = {"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}}
    world = World(role=[SETS_ACLS], bucket=[{**ADMITS, "Action": "s3:PutObjectAcl"}])
    world.partner = {OWNERSHIP: told if ownership else "OwnershipControlsNotFoundError"}
    if is_refused:
        with pytest.raises(Unsupported, match=f"takes no ACL but bucket-owner-full-control, and {acl} is sent"):
            await world.decide("s3:PutObjectAcl", operation="PutObject", acl=acl)
    else:
        assert (await world.decide("s3:PutObjectAcl", operation="PutObject", acl=acl)).is_allowed
    world.bucket = []
    assert not (await world.decide("s3:PutObjectAcl", operation="PutObject", acl=acl)).is_allowed


async def test_what_a_request_never_says_is_known_to_be_absent() -> None:
    others = {"StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    denies = {**ADMITS, "Effect": "Deny", "Condition": others}
    world = World(bucket=[ADMITS, denies])
    assert (await world.decide()).verdict is Verdict.UNKNOWN
    world.acl = "off"
    assert (await world.decide()).verdict is Verdict.EXPLICIT_DENY
    reads = World(role=[{**PUTS, "Action": "s3:GetObject"}])
    for key in ("s3:x-amz-acl", "s3:x-amz-server-side-encryption"):
        reads.bucket = [{**ADMITS, "Action": "s3:GetObject", "Condition": {"Null": {key: "true"}}}]
        assert (await reads.decide("s3:GetObject")).is_allowed


async def test_a_condition_on_the_acl_is_decided_by_what_is_said() -> None:
    asks = {**ADMITS, "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}}
    world = World(bucket=[asks])
    assert (await world.decide(acl="bucket-owner-full-control")).is_allowed
    assert (await world.decide(acl="bucket-owner-read")).verdict is Verdict.IMPLICIT_DENY
    assert (await world.decide()).verdict is Verdict.UNKNOWN


async def test_a_trust_policy_for_another_service_refuses() -> None:
    found = await World(trust={**TRANSFER, "Principal": {"Service": "ec2.amazonaws.com"}}).assume()
    assert found.session is None
    assert found.decision is not None
    assert found.decision.withheld_by == (Layer.RESOURCE,)


@pytest.mark.parametrize(
    ("key", "value", "is_allowed"),
    [
        ("aws:SourceAccount", SERVER.account_id, True),
        ("aws:SourceAccount", PARTNER, False),
        ("aws:SourceArn", f"arn:aws:transfer:{SERVER.region}:{SERVER.account_id}:user/{SERVER.server_id}/*", True),
        ("sts:ExternalId", "dock", False),
    ],
)
async def test_awss_service_is_known_by_the_server_it_works_for(key, value, is_allowed) -> None:
    found = await World(trust={**TRANSFER, "Condition": {"StringLike": {key: value}}}).assume()
    assert (found.session is not None) is is_allowed


async def test_a_gateway_needs_a_statement_of_its_own() -> None:
    found = await World(runs_as=GATEWAY).assume()
    assert found.decision is not None
    assert found.decision.withheld_by == (Layer.RESOURCE,)
    assert (await World(runs_as=GATEWAY, trust=CROSSDOCK).assume()).session is not None


async def test_a_statement_for_the_account_leaves_it_to_the_gateways_own_policies() -> None:
    account = {**CROSSDOCK, "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}}
    assert (await World(runs_as=GATEWAY, trust=account).assume()).session is not None
    found = await World(runs_as=GATEWAY, trust=account, gateway=[PUTS]).assume()
    assert found.decision is not None
    assert found.decision.withheld_by == (Layer.IDENTITY,)


@pytest.mark.parametrize(
    ("condition", "external_id", "is_allowed"),
    [
        ({"StringEquals": {"sts:ExternalId": "dock-7f3a"}}, "dock-7f3a", True),
        ({"StringEquals": {"sts:ExternalId": "dock-7f3a"}}, "other", False),
        ({"StringEquals": {"sts:ExternalId": "dock-7f3a"}}, "", False),
        ({"StringEquals": {"aws:SourceAccount": HUB}}, "", False),
        ({"StringLike": {"sts:RoleSessionName": "*@s-1"}}, "", True),
    ],
)
async def test_a_gateway_sends_an_external_id_and_no_source(condition, external_id, is_allowed) -> None:
    world = World(runs_as=GATEWAY, external_id=external_id, trust={**CROSSDOCK, "Condition": condition})
    assert ((await world.assume()).session is not None) is is_allowed


async def test_a_gateway_that_tags_its_sessions_needs_that_permission_too() -> None:
    world = World(runs_as=GATEWAY, trust=CROSSDOCK, tag_sessions=True)
    found = await world.assume()
    assert found.decision is not None
    assert (found.session, found.decision.request.action) == (None, "sts:TagSession")
    assert found.also_denied == ()
    by_user = {"StringEquals": {"aws:RequestTag/transfer:UserName": "user1"}}
    world.trust = {**CROSSDOCK, "Action": ["sts:AssumeRole", "sts:TagSession"], "Condition": by_user}
    world.gateway = [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": ROLE}]
    world.role = [{**PUTS, "Condition": {"StringEquals": {"aws:PrincipalTag/transfer:UserName": "user1"}}}]
    assert (await world.decide()).is_allowed
    world.tag_sessions = False
    assert (await world.assume()).session is None


async def test_a_gateway_that_is_not_admitted_is_told_of_tagging_at_once() -> None:
    found = await World(runs_as=GATEWAY, tag_sessions=True).assume()
    assert found.decision is not None
    denied = [one.request.action for one in (found.decision, *found.also_denied)]
    assert denied == ["sts:AssumeRole", "sts:TagSession"]


async def test_a_role_that_is_not_there_is_told_by_name() -> None:
    found = await World().assume(f"arn:aws:iam::{HUB}:role/none")
    assert (found.decision, found.session, found.refusal) == (None, None, f"there is no role none in account {HUB}")
    assert "not an ARN" in (await World().assume("none")).refusal
    with pytest.raises(Unavailable, match="policies of the partition aws-cn are not read here"):
        await World().assume(f"arn:aws-cn:iam::{HUB}:role/files")


async def test_a_role_without_a_profile_is_unknown_and_the_rest_is_told_all_the_same() -> None:
    world = World()
    found = await world.trial().assume(
        RoleRequest(
            server=SERVER,
            username="user1",
            role_arn="arn:aws:iam::333333333333:role/files",
            session_name="user1",
            session_policy=None,
        )
    )
    assert found.decision is not None
    assert found.decision.verdict is Verdict.UNKNOWN
    assert {one.why for one in found.decision.policies.unread} == {"no profile is given for account 333333333333"}
    assert found.session is not None
    decision = await found.session.decide(ObjectQuestion(operation="PutObject", action="s3:PutObject", place=INBOX))
    assert {Layer.IDENTITY, Layer.BOUNDARY} <= decision.policies.unreadable


async def test_a_role_whose_id_is_not_known_may_be_the_one_that_the_bucket_names() -> None:
    world = World(hub={("iam", "GetRole"): "AccessDenied"})
    decision = await world.decide()
    assert decision.verdict is Verdict.UNKNOWN
    assert any("asks for aws:userId, which begins with the role's id" in one.why for one in decision.policies.unread)


OFFICE = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::inbox/*"}
OFFICE["Condition"] = {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}  # type: ignore[assignment]


async def test_what_only_the_gateway_knows_is_unknown_until_a_person_tells() -> None:
    world = World(bucket=[ADMITS, OFFICE])
    decision = await world.decide()
    assert decision.verdict is Verdict.UNKNOWN
    (unread,) = decision.policies.unread
    assert unread.remedy == "give --context aws:SourceIp=VALUE"
    world.told = {"aws:SourceIp": ("192.0.2.7",)}
    assert (await world.decide()).is_allowed
    world.told = {"AWS:sourceip": ("198.51.100.7",)}
    assert (await world.decide()).verdict is Verdict.EXPLICIT_DENY


async def test_what_a_person_tells_counts_more_than_what_was_worked_out() -> None:
    region = {**OFFICE, "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-central-1"}}}
    assert (await World(bucket=[ADMITS, region]).decide()).is_allowed
    told = {"aws:requestedregion": ("us-east-1",)}
    assert (await World(bucket=[ADMITS, region], told=told).decide()).verdict is Verdict.EXPLICIT_DENY
    blind = World(bucket=[ADMITS, region], partner={("s3", "GetBucketLocation"): "AccessDenied"})
    assert (await blind.decide()).verdict is Verdict.UNKNOWN


async def test_the_organizations_id_is_asked_of_the_organization() -> None:
    ours = {**ADMITS, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-dock"}}}
    assert (await World(bucket=[ours]).decide()).verdict is Verdict.IMPLICIT_DENY  # in no organization
    described = {"Organization": {"Id": "o-dock", "MasterAccountId": HUB, "FeatureSet": "ALL"}}
    member = {("organizations", "DescribeOrganization"): described}
    assert (await World(bucket=[ours], hub=member).decide()).is_allowed
    denied = {("organizations", "DescribeOrganization"): "AccessDenied"}
    decision = await World(bucket=[ours], hub=denied).decide()
    assert decision.verdict is Verdict.UNKNOWN
    assert Layer.SERVICE_CONTROL in decision.policies.unreadable


async def test_a_public_policy_of_a_bucket_that_restricts_them_keeps_out_the_role() -> None:
    blocks = {"PublicAccessBlockConfiguration": {"RestrictPublicBuckets": True}}
    world = World(partner={("s3", "GetPublicAccessBlock"): blocks}, bucket=[{**ADMITS, "Principal": "*"}])
    assert (await world.decide()).withheld_by == (Layer.PUBLIC_ACCESS,)
    world.partner = {("s3", "GetPublicAccessBlock"): "AccessDenied"}
    decision = await world.decide()
    assert (decision.verdict, decision.policies.unreadable) == (Verdict.UNKNOWN, {Layer.PUBLIC_ACCESS})


async def test_what_crossdock_says_of_the_encryption_is_known_to_a_condition() -> None:
    asks = {**ADMITS, "Condition": {"StringEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}}
    world = World(bucket=[asks])
    assert (await world.decide()).verdict is Verdict.UNKNOWN
    world.encryption = ObjectWriting(sse="aws:kms")
    assert (await world.decide()).is_allowed
    world.encryption = ObjectWriting(sse="AES256")
    assert (await world.decide()).verdict is Verdict.IMPLICIT_DENY


@pytest.mark.parametrize(
    ("condition", "is_allowed"),
    [
        ({"StringLike": {"s3:prefix": "in/a.csv/*"}}, True),
        ({"StringLike": {"s3:prefix": "out/*"}}, False),
        ({"StringEquals": {"s3:delimiter": "/"}}, True),
        ({"NumericLessThanEquals": {"s3:max-keys": "2"}}, True),
        ({"StringEquals": {"aws:ResourceAccount": PARTNER}}, True),
        ({"NumericGreaterThanEquals": {"s3:TlsVersion": "1.2"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
    ],
)
async def test_a_listing_has_the_keys_of_s3s_own(condition, is_allowed) -> None:
    lists = {**PUTS, "Action": "s3:ListBucket", "Condition": condition}
    world = World(role=[lists], bucket=[{**ADMITS, "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::inbox"}])
    decision = await world.decide("s3:ListBucket", delimiter="/", limit=2)
    assert decision.is_allowed is is_allowed
    assert decision.request.resource == "arn:aws:s3:::inbox"


async def test_whether_a_key_is_missing_asks_for_no_prefix() -> None:
    lists = {**PUTS, "Action": "s3:ListBucket", "Condition": {"Null": {"s3:prefix": "true"}}}
    world = World(role=[lists], bucket=[{**ADMITS, "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::inbox"}])
    assert (await world.decide("s3:ListBucket", operation="HeadObject")).is_allowed


async def test_a_copy_reads_its_source_and_says_so_where_it_writes() -> None:
    source = ObjectPlace(bucket="inbox", key="in/old.csv")
    reads = await World().decide("s3:GetObject", operation="CopyObject", source=source)
    assert reads.request.resource == "arn:aws:s3:::inbox/in/old.csv"
    writes = await World().decide(operation="CopyObject", source=source)
    assert writes.request.context["s3:x-amz-copy-source"] == ("inbox/in/old.csv",)
    assert writes.is_allowed
