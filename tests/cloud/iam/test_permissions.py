"""What IAM's operations ask for: the action, on the full ARN, with IAM's condition keys."""

import pytest
from tests.fakes.cloud import HUB, call, make_parts
from tests.fakes.documents import allowing, trusting
from tests.fakes.house import AllowEverything
from tests.fakes.identity import make_identities

from crossdock.cloud.iam.operations import iam_operations
from crossdock.core.errors import ServiceError
from crossdock.core.principals import IamUser
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller
from crossdock.operations.operation import Permission

IAM = f"arn:aws:iam::{HUB}"
TRUST = trusting({"Service": "transfer.amazonaws.com"})
S3_FULL = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
BLUE = [{"Key": "team", "Value": "blue"}]
ALICE = Caller(principal=IamUser(account_id=HUB, user_name="alice", user_id="AIDA1", path="/staff/"))


class Asked:
    """IAM under an authoriser that allows everything and remembers what it was asked."""

    def __init__(self) -> None:
        parts = make_parts()
        self.authorizer = AllowEverything()
        table = iam_operations(epoch=parts.epoch, library=parts.library)
        self.operations = Operations([table], house=parts.house, authorizer=self.authorizer)

    async def by(self, operation: str, **params: object) -> list[Permission]:
        """What an operation asks for, whether or not it then succeeds."""
        self.authorizer.asked.clear()
        try:
            await call(self.operations, ALICE, "iam", operation, **params)
        except ServiceError as error:
            assert error.code == "NoSuchEntity"  # noqa: PT017 - both ends are fine here
        return list(self.authorizer.asked)


@pytest.fixture
async def asked() -> Asked:
    asked = Asked()
    await asked.by("CreateRole", RoleName="Upload", Path="/ftp/", AssumeRolePolicyDocument=TRUST)
    await asked.by("CreatePolicy", PolicyName="Files", Path="/team/", PolicyDocument=allowing("s3:*"), Tags=BLUE)
    return asked


async def test_a_role_is_meant_by_its_full_arn(asked: Asked) -> None:
    for operation in ("GetRole", "ListRolePolicies", "ListAttachedRolePolicies", "ListRoleTags"):
        assert await asked.by(operation, RoleName="Upload") == [
            Permission(action=f"iam:{operation}", resource=f"{IAM}:role/ftp/Upload")
        ]


async def test_a_role_that_is_not_there_is_meant_by_its_bare_name(asked: Asked) -> None:
    assert await asked.by("GetRole", RoleName="Ghost") == [
        Permission(action="iam:GetRole", resource=f"{IAM}:role/Ghost")
    ]


async def test_a_new_role_with_tags_and_a_boundary_tells_both(asked: Asked) -> None:
    permissions = await asked.by(
        "CreateRole",
        RoleName="Other",
        Path="/ftp/",
        AssumeRolePolicyDocument=TRUST,
        Tags=BLUE,
        PermissionsBoundary=S3_FULL,
    )

    context = {
        "iam:PermissionsBoundary": (S3_FULL,),
        "aws:TagKeys": ("team",),
        "aws:RequestTag/team": ("blue",),
    }
    assert permissions == [
        Permission(action="iam:CreateRole", resource=f"{IAM}:role/ftp/Other", context=context),
        Permission(action="iam:TagRole", resource=f"{IAM}:role/ftp/Other", context=context),
    ]


async def test_a_role_s_tags_and_boundary_are_condition_keys_of_what_is_done_to_it(asked: Asked) -> None:
    await asked.by("TagRole", RoleName="Upload", Tags=BLUE)
    await asked.by("PutRolePermissionsBoundary", RoleName="Upload", PermissionsBoundary=S3_FULL)

    (permission,) = await asked.by("AttachRolePolicy", RoleName="Upload", PolicyArn=S3_FULL)

    assert permission.context == {
        "iam:PolicyARN": (S3_FULL,),
        "iam:PermissionsBoundary": (S3_FULL,),
        "aws:ResourceTag/team": ("blue",),
        "iam:ResourceTag/team": ("blue",),
    }


async def test_removed_tags_are_told_by_their_keys(asked: Asked) -> None:
    (permission,) = await asked.by("UntagRole", RoleName="Upload", TagKeys=["team", "cost"])

    assert permission.context == {"aws:TagKeys": ("team", "cost")}


async def test_a_policy_is_meant_by_the_arn_that_was_given(asked: Asked) -> None:
    (own,) = await asked.by("GetPolicy", PolicyArn=f"{IAM}:policy/team/Files")
    (ghost,) = await asked.by("GetPolicy", PolicyArn=f"{IAM}:policy/Ghost")
    (shipped,) = await asked.by("GetPolicy", PolicyArn=S3_FULL)

    assert own.resource == f"{IAM}:policy/team/Files"
    assert own.context == {"aws:ResourceTag/team": ("blue",), "iam:ResourceTag/team": ("blue",)}
    assert (ghost.resource, ghost.context) == (f"{IAM}:policy/Ghost", {})
    assert (shipped.resource, shipped.context) == (S3_FULL, {})


async def test_lists_are_meant_by_their_path(asked: Asked) -> None:
    assert await asked.by("ListRoles") == [Permission(action="iam:ListRoles", resource=f"{IAM}:role/")]
    assert await asked.by("ListUsers", PathPrefix="/staff/") == [
        Permission(action="iam:ListUsers", resource=f"{IAM}:user/staff/")
    ]
    assert await asked.by("ListPolicies") == [Permission(action="iam:ListPolicies", resource="*")]


async def test_a_user_is_the_caller_unless_it_is_named(asked: Asked) -> None:
    assert await asked.by("GetUser") == [Permission(action="iam:GetUser", resource=f"{IAM}:user/staff/alice")]
    assert await asked.by("GetUser", UserName="bob") == [Permission(action="iam:GetUser", resource=f"{IAM}:user/bob")]


async def test_a_simulated_principal_is_meant_by_its_arn(asked: Asked) -> None:
    await asked.by("TagRole", RoleName="Upload", Tags=BLUE)
    tags = {"aws:ResourceTag/team": ("blue",), "iam:ResourceTag/team": ("blue",)}
    theirs = "arn:aws:iam::222222222222:role/Upload"

    for operation in ("SimulatePrincipalPolicy", "GetContextKeysForPrincipalPolicy"):
        for arn, context in ((f"{IAM}:role/ftp/Upload", tags), (f"{IAM}:user/bob", {}), (theirs, {})):
            (permission,) = await asked.by(operation, PolicySourceArn=arn, ActionNames=["s3:GetObject"])
            assert permission == Permission(action=f"iam:{operation}", resource=arn, context=context)


async def test_every_row_asks_for_the_action_of_its_own_name() -> None:
    asked = Asked()
    params: dict[str, object] = {
        "RoleName": "Ghost",
        "PolicyName": "Ghost",
        "PolicyArn": f"{IAM}:policy/Ghost",
        "UserName": "ghost",
        "VersionId": "v1",
        "PolicyDocument": allowing("s3:*"),
        "TagKeys": ["a"],
        "PermissionsBoundary": S3_FULL,
        "PolicySourceArn": f"{IAM}:role/Ghost",
        "PolicyInputList": [allowing("s3:*")],
        "ActionNames": ["s3:GetObject"],
    }
    for operation in asked.operations.services["iam"].operations:
        documents = {"AssumeRolePolicyDocument": TRUST}
        if operation == "UpdateAssumeRolePolicy":
            documents = {"PolicyDocument": TRUST}
        tags = {"Tags": BLUE} if operation == "TagRole" else {}
        permissions = await asked.by(operation, **params | documents | tags)
        assert [one.action for one in permissions] == [f"iam:{operation}"]


async def test_a_delegated_administrator_can_be_held_to_a_boundary() -> None:
    house = await make_identities()
    delegate = await house.role("Delegate", trusting({"AWS": HUB}))
    condition = {"StringEquals": {"iam:PermissionsBoundary": S3_FULL}}
    await house.iam(
        "PutRolePolicy",
        RoleName="Delegate",
        PolicyName="p",
        PolicyDocument=allowing(["iam:CreateRole", "iam:AttachRolePolicy"], condition=condition),
    )
    session = await house.session(delegate["Arn"])
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"

    refusal = await house.refused("iam", "CreateRole", by=session, RoleName="Free", AssumeRolePolicyDocument=TRUST)
    assert refusal.code == "AccessDenied"

    await house.role("Bound", TRUST, by=session, PermissionsBoundary=S3_FULL)
    await house.iam("AttachRolePolicy", by=session, RoleName="Bound", PolicyArn=admin)
    refusal = await house.refused("iam", "AttachRolePolicy", by=session, RoleName="Delegate", PolicyArn=admin)
    assert refusal.code == "AccessDenied"
