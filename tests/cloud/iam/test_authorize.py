"""Decisions of the embedded authority, over the road that every call takes."""

from dataclasses import replace

import pytest
from tests.fakes.buckets import BUCKETS, BucketPolicies
from tests.fakes.cloud import HUB, ORIGIN, PARTNER, REGION, call
from tests.fakes.documents import allowing, denying, document, statement, trusting
from tests.fakes.identity import Identities, make_identities

from crossdock.cloud.iam.parsed import named_policy
from crossdock.cloud.iam.records import find_role, put_role
from crossdock.core.errors import ServiceError
from crossdock.core.principals import AccountRoot, Anonymous, ServicePrincipal
from crossdock.operations.caller import Caller
from crossdock.operations.operation import Operation, ServiceOperations, needs, pass_role
from crossdock.policy.document import PolicyKind
from crossdock.policy.evaluate import Decision, Layer, Verdict
from crossdock.policy.findings import Saying, find_by_layer

TRUST = trusting({"AWS": f"arn:aws:iam::{HUB}:root"})
HUB_FILES = ["arn:aws:s3:::hub-files", "arn:aws:s3:::hub-files/*"]
PARTNER_FILES = ["arn:aws:s3:::partner-files", "arn:aws:s3:::partner-files/*"]


class Scene:
    """The article's cast: a hub with a role and a bucket, a partner with a bucket."""

    def __init__(self, house: Identities, buckets: BucketPolicies) -> None:
        self.house = house
        self.buckets = buckets

    async def role(self, policy: str = "", *, name: str = "Upload", **params: object) -> dict[str, str]:
        role: dict[str, str] = await self.house.role(name, TRUST, **params)
        if policy:
            await self.house.iam("PutRolePolicy", RoleName=name, PolicyName="files", PolicyDocument=policy)
        return role

    def bucket(self, name: str, account_id: str, policy: str = "") -> None:
        self.buckets.put(self.house.parts.epoch, name, account_id, policy)

    async def put(self, caller: Caller, bucket: str = "hub-files", key: str = "a.txt") -> str:
        """What comes of writing an object: `allowed`, or why it was denied, as the operator's log has it."""
        try:
            await call(self.house.operations, caller, "s3", "PutObject", Bucket=bucket, Key=key)
        except ServiceError as error:
            return error.reason or f"{error.code}, and no denial"
        return "allowed"

    async def decision(self, caller: Caller) -> Decision:
        """About writing an object."""
        operations, account = self.house.operations, caller.principal.account_id
        asked = operations.begin(
            "s3",
            "PutObject",
            {"Bucket": "hub-files", "Key": "a.txt"},
            caller=caller,
            account_id=account,
            region=REGION,
            origin=ORIGIN,
        )
        (permission,) = await operations.permissions(asked)
        return await operations.decide(asked, permission)

    async def spoil(self, layer: Layer) -> None:
        """Something that another version has written stands where the policy of the role Upload was."""
        text, epoch = '{"Version": "2099-01-01", "Statement": []}', self.house.parts.epoch
        async with self.house.parts.state.transaction() as tx:
            role = await find_role(tx, HUB, "Upload")
            assert role is not None
            match layer:
                case Layer.IDENTITY:
                    role = replace(role, inline={**role.inline, "odd": text})
                case Layer.BOUNDARY:
                    role = replace(role, boundary=f"arn:aws:iam::{HUB}:policy/gone")
                case Layer.RESOURCE:
                    role = replace(role, trust=text)
            await put_role(tx, role)
        epoch.advance()


@pytest.fixture
async def scene() -> Scene:
    buckets = BucketPolicies()
    house = await make_identities(services=[BUCKETS], sources={"s3": buckets})
    scene = Scene(house, buckets)
    scene.bucket("hub-files", HUB)
    scene.bucket("partner-files", PARTNER)
    return scene


def article_policy(role_id: str, *extra: dict[str, object]) -> str:
    """The bucket policy of the article: the other account's root, and the role by its id."""
    return document(
        statement(
            "Allow",
            ["s3:PutObject", "s3:GetObject"],
            PARTNER_FILES,
            principal={"AWS": f"arn:aws:iam::{HUB}:root"},
            condition={"StringLike": {"aws:userId": f"{role_id}:*"}},
        ),
        *extra,
    )


async def test_the_administrator_may_do_everything_in_its_account_and_nothing_in_another(scene: Scene) -> None:
    assert await scene.put(scene.house.hub) == "allowed"
    assert "bucket policy of partner-files (account 222222222222)" in await scene.put(scene.house.hub, "partner-files")


async def test_a_role_may_do_what_its_inline_policy_allows(scene: Scene) -> None:
    role = await scene.role(allowing("s3:PutObject", HUB_FILES))
    session = await scene.house.session(role["Arn"])

    assert await scene.put(session) == "allowed"
    assert "no identity-based policy of role Upload allows s3:PutObject on arn:aws:s3:::elsewhere/a.txt" in (
        await scene.put(session, "elsewhere")
    )


async def test_a_role_may_do_what_its_attached_policies_allow(scene: Scene) -> None:
    role = await scene.role()
    session = await scene.house.session(role["Arn"])
    assert await scene.put(session) != "allowed"

    await scene.house.iam("AttachRolePolicy", RoleName="Upload", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")

    assert await scene.put(session) == "allowed"


async def test_a_customer_policy_counts_by_its_default_version(scene: Scene) -> None:
    role = await scene.role()
    session = await scene.house.session(role["Arn"])
    arn = f"arn:aws:iam::{HUB}:policy/Files"
    iam = scene.house.iam
    await iam("CreatePolicy", PolicyName="Files", PolicyDocument=allowing("s3:PutObject", HUB_FILES))
    await iam("AttachRolePolicy", RoleName="Upload", PolicyArn=arn)
    assert await scene.put(session) == "allowed"

    await iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=denying("s3:*"), SetAsDefault=True)
    assert f"denied explicitly by statement 1 of identity-based policy {arn} of role Upload" in await scene.put(session)

    await iam("SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v1")
    assert await scene.put(session) == "allowed"


async def test_a_boundary_limits_what_policies_allow(scene: Scene) -> None:
    role = await scene.role(
        allowing("s3:*", HUB_FILES), PermissionsBoundary="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    )
    session = await scene.house.session(role["Arn"])

    assert "the permissions boundary of role Upload does not allow s3:PutObject" in await scene.put(session)
    await call(scene.house.operations, session, "s3", "GetObject", Bucket="hub-files", Key="a.txt")


async def test_a_session_policy_narrows_its_session_and_no_other(scene: Scene) -> None:
    role = await scene.role(allowing("s3:*", HUB_FILES))
    wide = await scene.house.session(role["Arn"])
    narrow = await scene.house.session(role["Arn"], Policy=allowing("s3:PutObject", "arn:aws:s3:::hub-files/in/*"))

    assert await scene.put(narrow, key="in/a.txt") == "allowed"
    assert "the session policy of role Upload does not allow" in await scene.put(narrow, key="out/a.txt")
    assert await scene.put(wide, key="out/a.txt") == "allowed"


async def test_a_session_policy_never_widens(scene: Scene) -> None:
    role = await scene.role(allowing("s3:GetObject", HUB_FILES))
    session = await scene.house.session(role["Arn"], Policy=allowing("*"))

    assert "no identity-based policy of role Upload allows s3:PutObject" in await scene.put(session)


async def test_the_article_s_bucket_policy_lets_the_role_of_the_other_account_in(scene: Scene) -> None:
    role = await scene.role(allowing("s3:*", HUB_FILES + PARTNER_FILES))
    session = await scene.house.session(role["Arn"], name="user2.0123456789abcdef@s-0123456789abcdef0")
    assert "there is no bucket policy of partner-files (account 222222222222)" in await scene.put(
        session, "partner-files"
    )

    scene.bucket("partner-files", PARTNER, article_policy(role["RoleId"]))
    assert await scene.put(session, "partner-files") == "allowed"


async def test_the_other_account_s_bucket_needs_the_role_s_own_policy_too(scene: Scene) -> None:
    role = await scene.role(allowing("s3:*", HUB_FILES))
    scene.bucket("partner-files", PARTNER, article_policy(role["RoleId"]))

    refusal = await scene.put(await scene.house.session(role["Arn"]), "partner-files")

    assert "no identity-based policy of role Upload allows s3:PutObject" in refusal


async def test_another_role_s_id_in_the_bucket_policy_lets_nobody_in(scene: Scene) -> None:
    role = await scene.role(allowing("s3:*", PARTNER_FILES))
    scene.bucket("partner-files", PARTNER, article_policy("AROAANOTHERROLEID0000"))

    refusal = await scene.put(await scene.house.session(role["Arn"]), "partner-files")

    assert "the bucket policy of partner-files (account 222222222222) does not allow s3:PutObject" in refusal


async def test_an_explicit_deny_on_either_side_wins(scene: Scene) -> None:
    role = await scene.role(allowing("s3:*", PARTNER_FILES))
    session = await scene.house.session(role["Arn"])
    deny = statement("Deny", "s3:*", PARTNER_FILES, principal="*", condition={"Bool": {"aws:SecureTransport": "true"}})
    scene.bucket("partner-files", PARTNER, article_policy(role["RoleId"], deny))
    assert "denied explicitly by statement 2 of the bucket policy of partner-files" in await scene.put(
        session, "partner-files"
    )

    scene.bucket("partner-files", PARTNER, article_policy(role["RoleId"]))
    assert await scene.put(session, "partner-files") == "allowed"
    await scene.house.iam("PutRolePolicy", RoleName="Upload", PolicyName="no", PolicyDocument=denying("s3:Put*"))
    assert "denied explicitly by statement 1 of identity-based policy no of role Upload" in await scene.put(
        session, "partner-files"
    )


async def test_a_recreated_role_s_old_sessions_are_refused_and_its_old_id_opens_nothing(scene: Scene) -> None:
    policy = allowing("s3:*", HUB_FILES + PARTNER_FILES)
    role = await scene.role(policy)
    old = await scene.house.session(role["Arn"])
    scene.bucket("partner-files", PARTNER, article_policy(role["RoleId"]))
    assert await scene.put(old, "partner-files") == "allowed"

    await scene.house.iam("DeleteRolePolicy", RoleName="Upload", PolicyName="files")
    await scene.house.iam("DeleteRole", RoleName="Upload")
    with pytest.raises(ServiceError, match="InvalidAccessKeyId"):
        await call(scene.house.operations, old, "s3", "PutObject", Bucket="hub-files", Key="a")

    role = await scene.role(policy)
    with pytest.raises(ServiceError, match="InvalidAccessKeyId"):
        await call(scene.house.operations, old, "s3", "PutObject", Bucket="hub-files", Key="a")
    new = await scene.house.session(role["Arn"])
    assert await scene.put(new, "hub-files") == "allowed"
    assert "StringLike aws:userId" in await scene.put(new, "partner-files")


async def test_expired_credentials_are_refused(scene: Scene) -> None:
    role = await scene.role(allowing("s3:*"))
    session = await scene.house.session(role["Arn"], DurationSeconds=900)

    scene.house.parts.clock.advance(899)
    assert await scene.put(session) == "allowed"

    scene.house.parts.clock.advance(1)
    with pytest.raises(ServiceError) as refused:
        await call(scene.house.operations, session, "s3", "PutObject", Bucket="hub-files", Key="a")
    assert (refused.value.code, refused.value.status) == ("ExpiredToken", 400)


async def test_older_sessions_can_be_revoked_by_their_time_of_issue(scene: Scene) -> None:
    role = await scene.role(allowing("s3:*"))
    old = await scene.house.session(role["Arn"])
    scene.house.parts.clock.advance(60)
    cut = scene.house.parts.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    revoke = denying("*", condition={"DateLessThan": {"aws:TokenIssueTime": cut}})

    await scene.house.iam("PutRolePolicy", RoleName="Upload", PolicyName="revoke", PolicyDocument=revoke)

    assert "denied explicitly" in await scene.put(old)
    assert await scene.put(await scene.house.session(role["Arn"])) == "allowed"


async def test_a_user_of_another_id_under_the_same_name_is_refused(scene: Scene) -> None:
    hub = scene.house.hub
    for stranger in (
        replace(hub.principal, user_id="AIDAOTHER"),
        replace(hub.principal, user_name="nobody"),
    ):
        with pytest.raises(ServiceError, match="InvalidAccessKeyId"):
            await call(
                scene.house.operations,
                replace(hub, principal=stranger),
                "s3",
                "PutObject",
                Bucket="hub-files",
                Key="a",
            )


async def test_services_and_strangers_have_nothing_but_the_resource_s_policy(scene: Scene) -> None:
    service = Caller(principal=ServicePrincipal(name="logging.s3.amazonaws.com"))
    anyone = Caller(principal=Anonymous())
    assert await scene.put(service) != "allowed"
    assert await scene.put(anyone) != "allowed"

    principals = {"Service": "logging.s3.amazonaws.com"}
    scene.bucket("hub-files", HUB, document(statement("Allow", "s3:PutObject", HUB_FILES, principal=principals)))
    assert await scene.put(service) == "allowed"
    assert await scene.put(anyone) != "allowed"

    scene.bucket("hub-files", HUB, document(statement("Allow", "s3:PutObject", HUB_FILES, principal="*")))
    assert await scene.put(anyone) == "allowed"


async def test_the_account_itself_may_do_everything_of_its_own(scene: Scene) -> None:
    root = Caller(principal=AccountRoot(account_id=HUB))

    assert await scene.put(root) == "allowed"
    assert await scene.put(root, "partner-files") != "allowed"


async def test_a_bucket_that_does_not_exist_is_the_caller_s_to_make(scene: Scene) -> None:
    await call(scene.house.operations, scene.house.hub, "s3", "CreateBucket", Bucket="brand-new")


async def test_tags_of_the_role_are_principal_tags_unless_the_session_has_its_own(scene: Scene) -> None:
    needs_blue = allowing("s3:*", condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}})
    role = await scene.role(needs_blue, Tags=[{"Key": "Team", "Value": "blue"}])
    assert await scene.put(await scene.house.session(role["Arn"])) == "allowed"

    trust = trusting({"AWS": HUB}, action=["sts:AssumeRole", "sts:TagSession"])
    await scene.house.iam("UpdateAssumeRolePolicy", RoleName="Upload", PolicyDocument=trust)
    red = await scene.house.session(role["Arn"], Tags=[{"Key": "team", "Value": "red"}])
    assert await scene.put(red) != "allowed"


@pytest.mark.parametrize("text", ["this is no policy", '{"Version": "2099-01-01", "Statement": []}', "[1]"])
async def test_a_bucket_policy_that_cannot_be_read_denies_and_is_no_statement(scene: Scene, text: str) -> None:
    scene.bucket("hub-files", HUB, text)

    assert (await scene.decision(scene.house.hub)).verdict is Verdict.UNKNOWN
    assert "also depends on what could not be read (resource-based policy)" in await scene.put(scene.house.hub)


@pytest.mark.parametrize("layer", [Layer.IDENTITY, Layer.BOUNDARY, Layer.SESSION])
async def test_what_cannot_be_read_of_the_caller_s_policies_is_no_permission(scene: Scene, layer: Layer) -> None:
    role = await scene.role(allowing("s3:*"))
    session = await scene.house.session(role["Arn"])
    assert await scene.put(session) == "allowed"
    await scene.spoil(layer)
    if layer is Layer.SESSION:
        session = replace(session, session_policies=(named_policy("narrow", "{", PolicyKind.SESSION),))

    decision = await scene.decision(session)

    assert (decision.verdict, decision.policies.unreadable) == (Verdict.UNKNOWN, {layer})
    findings = {finding.layer: finding for finding in find_by_layer(decision)}
    assert (findings[layer].saying, findings[layer].policy) == (Saying.UNKNOWN, "")
    assert f"could not be read ({layer})" in await scene.put(session)
    # What denies elsewhere still does, and says so.
    await scene.house.iam("PutRolePolicy", RoleName="Upload", PolicyName="no", PolicyDocument=denying("s3:*"))
    assert (await scene.decision(session)).verdict is Verdict.EXPLICIT_DENY


async def test_a_trust_policy_that_cannot_be_read_trusts_nobody(scene: Scene) -> None:
    role = await scene.role(allowing("s3:*"))
    await scene.spoil(Layer.RESOURCE)

    refusal = await scene.house.refused("sts", "AssumeRole", RoleArn=role["Arn"], RoleSessionName="session")

    assert refusal.code == "AccessDenied"
    assert "could not be read (resource-based policy)" in refusal.reason


async def test_a_resource_that_is_no_arn_is_nobody_s() -> None:
    async def never(_call: object) -> dict[str, object]:
        raise AssertionError("must not run")

    odd = ServiceOperations(
        service="odd", operations={"Touch": Operation(handler=never, permissions=needs("odd:Touch", "no arn"))}
    )
    house = await make_identities(services=[odd])

    assert (await house.refused("odd", "Touch")).code == "AccessDeniedException"


async def test_passing_a_role_is_decided_by_the_caller_s_policies_and_not_by_the_trust_policy() -> None:
    async def done(_call: object) -> dict[str, object]:
        return {}

    def passing(role_arn: str) -> ServiceOperations:
        row = Operation(handler=done, permissions=lambda _call: [pass_role(role_arn, "lambda.amazonaws.com")])
        return ServiceOperations(service="worker", operations={"Take": row})

    mine, theirs = f"arn:aws:iam::{HUB}:role/Execution", f"arn:aws:iam::{PARTNER}:role/Execution"
    house = await make_identities(services=[passing(mine)])
    await house.role("Execution", trusting({"Service": "lambda.amazonaws.com"}))
    deployer = await house.role("Deployer", TRUST)
    session = await house.session(deployer["Arn"])
    assert (await house.refused("worker", "Take", by=session)).code == "AccessDeniedException"

    condition = {"StringEquals": {"iam:PassedToService": "transfer.amazonaws.com"}}
    for service, is_allowed in (("transfer.amazonaws.com", False), ("lambda.amazonaws.com", True)):
        condition["StringEquals"]["iam:PassedToService"] = service
        await house.iam(
            "PutRolePolicy",
            RoleName="Deployer",
            PolicyName="pass",
            PolicyDocument=allowing("iam:PassRole", mine, condition=condition),
        )
        if is_allowed:
            await call(house.operations, session, "worker", "Take")
        else:
            assert (await house.refused("worker", "Take", by=session)).code == "AccessDeniedException"

    house.operations.add(passing(theirs))
    assert (await house.refused("worker", "Take")).code == "AccessDeniedException"


async def test_a_warm_decision_reads_nothing(scene: Scene) -> None:
    role = await scene.role(allowing("s3:*", HUB_FILES + PARTNER_FILES))
    scene.bucket("partner-files", PARTNER, article_policy(role["RoleId"]))
    session = await scene.house.session(role["Arn"], Policy=allowing("s3:*"))
    await scene.put(session, "partner-files", "first")
    reads, writes = scene.house.parts.state.reads, scene.house.parts.state.writes

    for number in range(20):
        assert await scene.put(session, "partner-files", f"key-{number}") == "allowed"

    assert (scene.house.parts.state.reads, scene.house.parts.state.writes) == (reads, writes)


async def test_every_change_counts_at_the_next_call(scene: Scene) -> None:
    role = await scene.role()
    session = await scene.house.session(role["Arn"])
    iam = scene.house.iam
    arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
    changes: list[tuple[str, dict[str, object], bool]] = [
        ("PutRolePolicy", {"PolicyName": "p", "PolicyDocument": allowing("s3:*")}, True),
        ("PutRolePolicy", {"PolicyName": "p", "PolicyDocument": allowing("s3:Get*")}, False),
        ("AttachRolePolicy", {"PolicyArn": arn}, True),
        ("PutRolePermissionsBoundary", {"PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, False),
        ("DeleteRolePermissionsBoundary", {}, True),
        ("DetachRolePolicy", {"PolicyArn": arn}, False),
        ("PutRolePolicy", {"PolicyName": "p", "PolicyDocument": allowing("s3:*")}, True),
        ("DeleteRolePolicy", {"PolicyName": "p"}, False),
    ]
    for operation, params, is_allowed in changes:
        await iam(operation, RoleName="Upload", **params)
        assert (await scene.put(session) == "allowed") is is_allowed, operation


async def test_a_change_by_another_process_counts_when_the_epoch_rises(scene: Scene) -> None:
    role = await scene.role(allowing("s3:*"))
    session = await scene.house.session(role["Arn"])
    assert await scene.put(session) == "allowed"
    scene.buckets._buckets["hub-files"] = (HUB, document(statement("Deny", "s3:*", HUB_FILES, principal="*")))

    assert await scene.put(session) == "allowed"
    scene.house.parts.epoch.advance()
    assert "denied explicitly" in await scene.put(session)
