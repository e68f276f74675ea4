"""The policy simulator, over the road that every call takes, every answer held against botocore's model."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.cloud import HUB, PARTNER, call, make_parts
from tests.fakes.documents import allowing, denying, document, statement, trusting
from tests.fakes.house import AllowEverything
from tests.fakes.identity import Identities, make_identities

from crossdock.cloud.iam.control_policies import ControlLevels, ControlPolicies
from crossdock.cloud.iam.operations import iam_operations
from crossdock.cloud.iam.records import find_role, put_role
from crossdock.cloud.iam.simulated_policies import attached_boundary, attached_policies
from crossdock.core.arns import parse_arn
from crossdock.core.errors import ServiceError
from crossdock.core.principals import IamUser
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller
from crossdock.operations.operation import Result
from crossdock.policy.document import PolicyKind, parse_policy
from crossdock.policy.evaluate import AccessRequest, NamedPolicy, PolicySet, Verdict, context_of, evaluate
from crossdock.ports.state import Transaction

TRUST = trusting({"AWS": f"arn:aws:iam::{HUB}:root"})
BOB = f"arn:aws:iam::{HUB}:user/bob"
BOX = "arn:aws:s3:::box"
FILE = f"{BOX}/a.txt"
PARTNER_FILE = "arn:aws:s3:::partner-files/a.txt"
PARTNER_ROOT = f"arn:aws:iam::{PARTNER}:root"
ALICE = Caller(principal=IamUser(account_id=HUB, user_name="alice", user_id="AIDA1"))
S3_READ = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


@pytest.fixture
async def house() -> Identities:
    return await make_identities()


async def custom(house: Identities, policies: str | list[str], actions: str | list[str], **params: Any) -> Any:
    """The results of SimulateCustomPolicy, or the only one."""
    answer = await house.iam(
        "SimulateCustomPolicy",
        PolicyInputList=[policies] if isinstance(policies, str) else policies,
        ActionNames=[actions] if isinstance(actions, str) else actions,
        **params,
    )
    assert answer["IsTruncated"] is False
    return answer["EvaluationResults"][0] if isinstance(actions, str) else answer["EvaluationResults"]


async def role(house: Identities, policy: str = "", **params: Any) -> dict[str, Any]:
    made = await house.role("Upload", TRUST, **params)
    if policy:
        await house.iam("PutRolePolicy", RoleName="Upload", PolicyName="files", PolicyDocument=policy)
    return made


async def principal(house: Identities, arn: str, action: str, **params: Any) -> Any:
    answer = await house.iam("SimulatePrincipalPolicy", PolicySourceArn=arn, ActionNames=[action], **params)
    (result,) = answer["EvaluationResults"]
    return result


def sources(result: Result) -> list[str]:
    return [match["SourcePolicyId"] for match in result["MatchedStatements"]]


def entry(key: str, *values: str, of: str = "string") -> dict[str, Any]:
    return {"ContextKeyName": key, "ContextKeyValues": list(values), "ContextKeyType": of}


# One policy, one action


async def test_an_allow_names_the_statement_and_its_place(house: Identities):
    policy = json.dumps(json.loads(allowing("s3:GetObject", FILE)), indent=2)

    assert await custom(house, policy, "s3:GetObject") == {
        "EvalActionName": "s3:GetObject",
        "EvalResourceName": "*",
        "EvalDecision": "implicitDeny",
        "MatchedStatements": [],
        "MissingContextValues": [],
    }
    result = await custom(house, policy, "s3:GetObject", ResourceArns=[FILE])

    matched = [
        {
            "SourcePolicyId": "PolicyInputList.1",
            "SourcePolicyType": "IAM Policy",
            "StartPosition": {"Line": 4, "Column": 5},
            "EndPosition": {"Line": 8, "Column": 6},
        }
    ]
    assert result == {
        "EvalActionName": "s3:GetObject",
        "EvalResourceName": FILE,
        "EvalDecision": "allowed",
        "MatchedStatements": matched,
        "MissingContextValues": [],
        "EvalDecisionDetails": {},
        "ResourceSpecificResults": [
            {
                "EvalResourceName": FILE,
                "EvalResourceDecision": "allowed",
                "MatchedStatements": matched,
                "MissingContextValues": [],
            }
        ],
    }


async def test_an_explicit_deny_names_the_denying_statements_only(house: Identities):
    policies = [allowing("s3:*"), document(statement("Allow", "s3:*", "*"), statement("Deny", "s3:Put*", "*"))]

    result = await custom(house, policies, "s3:PutObject")

    assert (result["EvalDecision"], sources(result)) == ("explicitDeny", ["PolicyInputList.2"])
    (match,) = result["MatchedStatements"]
    (start, end) = (match[name]["Column"] - 1 for name in ("StartPosition", "EndPosition"))
    assert json.loads(policies[1][start:end])["Effect"] == "Deny"


async def test_each_action_is_answered_with_every_resource(house: Identities):
    policy = document(
        statement("Allow", "s3:*", [FILE, BOX]),
        statement("Deny", "s3:DeleteObject", FILE),
    )
    results = await custom(house, policy, ["s3:GetObject", "s3:DeleteObject"], ResourceArns=[FILE, BOX, "*"])

    def decisions(result: Result) -> list[str]:
        return [one["EvalResourceDecision"] for one in result["ResourceSpecificResults"]]

    get, delete = results
    assert (get["EvalResourceName"], get["EvalDecision"], get["MatchedStatements"]) == ("*", "implicitDeny", [])
    assert decisions(get) == ["allowed", "allowed", "implicitDeny"]
    assert delete["EvalDecision"] == "explicitDeny"
    assert decisions(delete) == ["explicitDeny", "allowed", "implicitDeny"]
    assert [len(one["MatchedStatements"]) for one in delete["ResourceSpecificResults"]] == [1, 1, 0]
    assert delete["MatchedStatements"] == delete["ResourceSpecificResults"][0]["MatchedStatements"]


async def test_results_come_in_pages_of_actions(house: Identities):
    actions = [f"s3:Action{number}" for number in range(12)]
    params = {"PolicyInputList": [allowing("s3:*")], "ActionNames": actions, "MaxItems": 5}

    found, marker = [], {}
    for _ in range(3):
        answer = await house.iam("SimulateCustomPolicy", **params, **marker)
        found.append([result["EvalActionName"] for result in answer["EvaluationResults"]])
        marker = {"Marker": answer["Marker"]} if answer["IsTruncated"] else {}

    assert found == [actions[:5], actions[5:10], actions[10:]]
    assert marker == {}


# Boundaries and organizations


async def test_a_boundary_that_does_not_allow_is_told(house: Identities):
    params = {"PermissionsBoundaryPolicyInputList": [allowing("iam:*")], "ResourceArns": [FILE]}

    result = await custom(house, allowing(["s3:*", "iam:*"]), "s3:PutObject", **params)

    detail = {"AllowedByPermissionsBoundary": False}
    assert result["EvalDecision"] == "implicitDeny"
    assert result["PermissionsBoundaryDecisionDetail"] == detail
    assert result["ResourceSpecificResults"][0]["PermissionsBoundaryDecisionDetail"] == detail
    allowed = await custom(house, allowing(["s3:*", "iam:*"]), "iam:GetRole", **params)
    assert allowed["EvalDecision"] == "allowed"
    assert allowed["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": True}
    assert sources(allowed) == ["PolicyInputList.1"]


async def test_a_boundary_that_denies_is_the_statement_that_decides(house: Identities):
    boundary = document(statement("Allow", "*", "*"), statement("Deny", "s3:*", "*"))

    result = await custom(house, allowing("s3:*"), "s3:PutObject", PermissionsBoundaryPolicyInputList=[boundary])

    assert (result["EvalDecision"], sources(result)) == ("explicitDeny", ["PermissionsBoundaryPolicyInputList.1"])
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


@pytest.mark.parametrize(
    ("levels", "decision", "allowed"),
    [
        ([[allowing("*")], [allowing("s3:*")]], "allowed", True),
        ([[allowing("*")], [allowing("ec2:*")]], "implicitDeny", False),
        ([[allowing("*")], []], "implicitDeny", False),
        ([[allowing("*"), denying("s3:*")], [allowing("*")]], "explicitDeny", False),
    ],
)
async def test_the_levels_of_an_organization_that_are_sent_must_all_allow(
    house: Identities, levels: list[list[str]], decision: str, allowed: bool
):
    sent = [{"ServiceControlPolicyInputList": level} for level in levels]

    result = await custom(
        house, allowing("s3:*"), "s3:GetObject", ResourceArns=[FILE], OrderedOrganizationPolicyInputList=sent
    )

    assert result["EvalDecision"] == decision
    assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": allowed}
    assert ("EvalDecisionDetails" in result) is allowed
    assert all(name.startswith("PolicyInputList") for name in sources(result))


class OneLevel:
    """Implements `ControlPolicySource`: every account is under one level with one policy."""

    def __init__(self, text: str) -> None:
        policy = NamedPolicy(
            name="arn:aws:organizations::aws:policy/service_control_policy/p-x",
            policy=parse_policy(text, PolicyKind.SERVICE_CONTROL),
        )
        self._found = ControlPolicies(service=ControlLevels(policies=((policy,),), targets=("r-1",)))

    async def find(self, _tx: Transaction, _account_id: str) -> ControlPolicies:
        return self._found


@pytest.mark.parametrize(
    ("exclusions", "decision", "detail"),
    [
        ([], "explicitDeny", {"AllowedByOrganizations": False}),
        ([{"PolicyType": "scp"}], "allowed", None),
        (
            [{"PolicyArn": "arn:aws:organizations::aws:policy/service_control_policy/p-*"}],
            "implicitDeny",
            {"AllowedByOrganizations": False},
        ),
    ],
)
async def test_an_account_s_organization_binds_its_simulated_roles(
    exclusions: list[dict[str, str]], decision: str, detail: dict[str, bool] | None
):
    parts = make_parts()
    table = iam_operations(epoch=parts.epoch, library=parts.library, organization=OneLevel(denying("s3:*")))
    house = await make_identities()
    operations = Operations([table], house=parts.house, authorizer=AllowEverything())
    await call(operations, house.hub, "iam", "CreateRole", RoleName="Upload", AssumeRolePolicyDocument=TRUST)

    answer = await call(
        operations,
        house.hub,
        "iam",
        "SimulatePrincipalPolicy",
        PolicySourceArn=f"arn:aws:iam::{HUB}:role/Upload",
        PolicyInputList=[allowing("s3:*")],
        ActionNames=["s3:GetObject"],
        PolicyExclusionList=exclusions,
    )

    (result,) = answer["EvaluationResults"]
    assert (result["EvalDecision"], result.get("OrganizationsDecisionDetail")) == (decision, detail)


# Two accounts


def article_policy(role_id: str) -> str:
    """The partner's bucket policy of the article: the hub's account, and the role by its id."""
    return document(
        statement(
            "Allow",
            "s3:PutObject",
            "arn:aws:s3:::partner-files/*",
            principal={"AWS": f"arn:aws:iam::{HUB}:root"},
            condition={"StringLike": {"aws:userId": f"{role_id}:*"}},
        )
    )


async def test_the_article_s_role_needs_both_signatures(house: Identities):
    made = await role(house, allowing("s3:PutObject", "arn:aws:s3:::partner-files/*"))
    params = {
        "ResourceArns": [PARTNER_FILE],
        "ResourceOwner": PARTNER_ROOT,
        "ContextEntries": [entry("aws:userid", f"{made['RoleId']}:alice")],
    }

    both = await principal(house, made["Arn"], "s3:PutObject", ResourcePolicy=article_policy(made["RoleId"]), **params)
    alone = await principal(house, made["Arn"], "s3:PutObject", **params)
    other = await principal(house, made["Arn"], "s3:PutObject", ResourcePolicy=article_policy("AROAOTHER"), **params)

    assert (both["EvalDecision"], sources(both)) == ("allowed", ["role_Upload_files", "ResourcePolicy"])
    assert [match["SourcePolicyType"] for match in both["MatchedStatements"]] == ["IAM Policy", "Resource Policy"]
    assert both["EvalDecisionDetails"] == {"IAM Policy": "allowed", "Resource Policy": "allowed"}
    for denied in (alone, other):
        assert (denied["EvalDecision"], denied["MatchedStatements"]) == ("implicitDeny", [])
        details = {"IAM Policy": "allowed", "Resource Policy": "implicitDeny"}
        assert denied["EvalDecisionDetails"] == details
        (on_file,) = denied["ResourceSpecificResults"]
        assert on_file["EvalDecisionDetails"] == details
        assert sources(on_file) == ["role_Upload_files"]


async def test_a_role_s_session_is_nobody_until_the_context_names_it(house: Identities):
    made = await role(house, allowing("s3:PutObject"))

    result = await principal(
        house,
        made["Arn"],
        "s3:PutObject",
        ResourceArns=[PARTNER_FILE],
        ResourceOwner=PARTNER,
        ResourcePolicy=article_policy(made["RoleId"]),
    )

    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", ["aws:userId"])


async def test_the_sample_of_aws_s_reference_across_accounts(house: Identities):
    """API_SimulatePrincipalPolicy, example 3."""
    bucket_policy = document(statement("Allow", ["s3:List*", "s3:Put*"], f"{BOX}/*", principal={"AWS": BOB}))

    result = await custom(
        house,
        allowing("iam:*"),
        "s3:PutObject",
        CallerArn=BOB,
        ResourceArns=[FILE],
        ResourceOwner=PARTNER_ROOT,
        ResourcePolicy=bucket_policy,
        PermissionsBoundaryPolicyInputList=[allowing("iam:*")],
    )

    details = {
        "IAM Policy": "implicitDeny",
        "Resource Policy": "allowed",
        "Permissions Boundary Policy": "implicitDeny",
    }
    assert (result["EvalDecision"], result["MatchedStatements"]) == ("implicitDeny", [])
    assert result["EvalDecisionDetails"] == details
    (on_file,) = result["ResourceSpecificResults"]
    assert on_file["EvalDecisionDetails"] == details
    assert sources(on_file) == ["ResourcePolicy"]


async def test_an_arn_that_names_its_owner_needs_no_other(house: Identities):
    function = f"arn:aws:lambda:us-east-1:{PARTNER}:function:idp"
    params = {"CallerArn": BOB, "ResourceArns": [function], "ResourceOwner": HUB}
    theirs = await custom(house, allowing("lambda:*"), "lambda:InvokeFunction", **params)
    assert theirs["EvalDecisionDetails"] == {"IAM Policy": "allowed", "Resource Policy": "implicitDeny"}


async def test_a_resource_policy_that_names_the_session_suffices_in_its_account(house: Identities):
    made = await role(house)
    arn = f"arn:aws:sts::{HUB}:assumed-role/Upload/alice"
    params: dict[str, Any] = {
        "ResourceArns": [FILE],
        "ResourcePolicy": document(statement("Allow", "s3:*", f"{BOX}/*", principal={"AWS": arn})),
    }
    entries = [entry("aws:userid", f"{made['RoleId']}:alice")]

    alice = await principal(house, made["Arn"], "s3:GetObject", ContextEntries=entries, **params)
    nobody = await principal(house, made["Arn"], "s3:GetObject", **params)

    assert [alice["EvalDecision"], nobody["EvalDecision"]] == ["allowed", "implicitDeny"]


async def test_a_trust_policy_as_resource_policy_decides_who_may_assume(house: Identities):
    """AWS's own simulator reads it and then ignores it (aws/aws-cli issue 10314)."""
    made = await role(house)
    params = {"CallerArn": BOB, "ResourceArns": [made["Arn"]]}

    async def assume(**more: Any) -> str:
        result = await custom(house, allowing("sts:AssumeRole"), "sts:AssumeRole", **params, **more)
        return str(result["EvalDecision"])

    assert await assume() == "allowed"
    assert await assume(ResourcePolicy=TRUST) == "allowed"
    assert await assume(ResourcePolicy=trusting({"Service": "transfer.amazonaws.com"})) == "implicitDeny"


async def test_a_key_policy_must_always_allow(house: Identities):
    key = f"arn:aws:kms:us-east-1:{HUB}:key/1234"
    policy = document(statement("Allow", "kms:*", "*", principal={"Service": "s3.amazonaws.com"}))
    params = {"CallerArn": BOB, "ResourceArns": [key], "ResourcePolicy": policy}
    assert (await custom(house, allowing("kms:*"), "kms:Decrypt", **params))["EvalDecision"] == "implicitDeny"


# What is attached


async def test_the_policies_of_a_role_count_as_they_would_for_its_session(house: Identities):
    made = await role(house, denying("s3:GetObject", BOX), PermissionsBoundary=S3_READ)
    own = await house.iam("CreatePolicy", PolicyName="Files", Path="/team/", PolicyDocument=allowing("s3:*"))
    await house.iam("AttachRolePolicy", RoleName="Upload", PolicyArn=own["Policy"]["Arn"])

    denied = await principal(house, made["Arn"], "s3:GetObject", ResourceArns=[BOX])
    allowed = await principal(house, made["Arn"], "s3:GetObject", ResourceArns=[FILE])
    bound = await principal(house, made["Arn"], "s3:PutObject", ResourceArns=[FILE])

    assert (denied["EvalDecision"], sources(denied)) == ("explicitDeny", ["role_Upload_files"])
    assert (allowed["EvalDecision"], sources(allowed)) == ("allowed", ["Files"])
    assert bound["EvalDecision"] == "implicitDeny"
    assert bound["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    other = await principal(
        house, made["Arn"], "s3:PutObject", PermissionsBoundaryPolicyInputList=[allowing("s3:Put*")]
    )
    assert other["EvalDecision"] == "allowed"


async def test_the_policies_of_a_role_are_those_that_the_authoriser_knows(house: Identities):
    made = await role(house, allowing("s3:*"), PermissionsBoundary=S3_READ)
    await house.iam("AttachRolePolicy", RoleName="Upload", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    living = await house.parts.principals.role(parse_arn(made["Arn"]))
    async with house.parts.state.reading() as tx:
        record = await find_role(tx, HUB, "Upload")
        assert record is not None
        identity = await attached_policies(tx, house.parts.library, record)
        boundary = await attached_boundary(tx, house.parts.library, record)

    assert living is not None
    assert [one.policy for one in identity] == [one.policy for one in living.policies.identity]
    assert [one.policy for one in boundary] == [one.policy for one in living.policies.boundary]


@pytest.mark.parametrize(
    ("exclusion", "decision"),
    [
        ({"PolicyType": "inline"}, "allowed"),
        ({"PolicyType": "user-managed"}, "explicitDeny"),
        ({"PolicyType": "aws-managed"}, "explicitDeny"),
        ({"PolicyType": "permission-boundary"}, "explicitDeny"),
        ({"PolicyType": "rcp"}, "explicitDeny"),
        (
            {"InlinePolicyIdentifier": {"PolicyName": "files", "AttachmentType": "role", "AttachmentName": "Up*"}},
            "allowed",
        ),
        (
            {"InlinePolicyIdentifier": {"PolicyName": "files", "AttachmentType": "user", "AttachmentName": "*"}},
            "explicitDeny",
        ),
        (
            {"InlinePolicyIdentifier": {"PolicyName": "other", "AttachmentType": "role", "AttachmentName": "*"}},
            "explicitDeny",
        ),
    ],
)
async def test_an_embedded_policy_can_be_left_out(house: Identities, exclusion: dict[str, Any], decision: str):
    made = await role(house, denying("s3:*"))
    await house.iam("AttachRolePolicy", RoleName="Upload", PolicyArn=S3_READ)

    result = await principal(house, made["Arn"], "s3:GetObject", PolicyExclusionList=[exclusion])

    assert result["EvalDecision"] == decision


@pytest.mark.parametrize(
    ("exclusions", "decision"),
    [
        ([{"PolicyArn": S3_READ}], "implicitDeny"),
        ([{"PolicyArn": "arn:aws:iam::aws:policy/AmazonS3*Acces?"}], "implicitDeny"),
        ([{"PolicyArn": "arn:aws:iam::aws:policy/AmazonEC2*"}], "allowed"),
        ([{"PolicyType": "aws-managed"}], "implicitDeny"),
        ([{"PolicyType": "user-managed"}], "allowed"),
    ],
)
async def test_a_managed_policy_can_be_left_out(house: Identities, exclusions: list[dict[str, str]], decision: str):
    made = await role(house)
    await house.iam("AttachRolePolicy", RoleName="Upload", PolicyArn=S3_READ)

    result = await principal(house, made["Arn"], "s3:GetObject", PolicyExclusionList=exclusions)

    assert result["EvalDecision"] == decision


async def test_a_boundary_can_be_left_out_but_not_one_that_is_sent(house: Identities):
    made = await role(house, allowing("s3:*"), PermissionsBoundary=S3_READ)
    without = {"PolicyExclusionList": [{"PolicyType": "permission-boundary"}]}

    free = await principal(house, made["Arn"], "s3:PutObject", **without)
    bound = await principal(
        house, made["Arn"], "s3:PutObject", PermissionsBoundaryPolicyInputList=[allowing("iam:*")], **without
    )

    assert free["EvalDecision"] == "allowed"
    assert "PermissionsBoundaryDecisionDetail" not in free
    assert bound["EvalDecision"] == "implicitDeny"


async def test_the_administrator_may_do_everything(house: Identities):
    arn = house.hub.principal.arn
    result = await principal(house, arn, "transfer:CreateServer")
    assert (result["EvalDecision"], sources(result)) == ("allowed", ["AdministratorAccess"])


async def test_another_caller_has_the_policies_and_its_own_name(house: Identities):
    made = await role(house, allowing("s3:*", f"{BOX}/${{aws:username}}/*"))
    params = {"CallerArn": BOB, "ResourceArns": [f"{BOX}/bob/a.txt", f"{BOX}/eve/a.txt"]}

    result = await principal(house, made["Arn"], "s3:GetObject", **params)

    assert [one["EvalResourceDecision"] for one in result["ResourceSpecificResults"]] == ["allowed", "implicitDeny"]


async def test_a_stored_policy_that_cannot_be_read_denies_and_has_no_place(house: Identities):
    made = await role(house, allowing("s3:*"))
    async with house.parts.state.transaction() as tx:
        record = await find_role(tx, HUB, "Upload")
        assert record is not None
        await put_role(tx, replace(record, inline={"files": "{"}))

    result = await principal(house, made["Arn"], "s3:GetObject")

    assert result["EvalDecision"] == "explicitDeny"
    assert result["MatchedStatements"] == [{"SourcePolicyId": "role_Upload_files", "SourcePolicyType": "IAM Policy"}]


# Context


async def test_missing_keys_are_those_of_the_statements_that_wait_for_them(house: Identities):
    policy = document(
        statement("Allow", "s3:GetObject", f"{BOX}/${{aws:PrincipalTag/team}}/*"),
        statement("Deny", "s3:*", "*", condition={"Bool": {"aws:SecureTransport": "false"}}),
        statement("Allow", "ec2:*", "*", condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
        statement("Allow", "s3:*", "arn:aws:s3:::other", condition={"StringEquals": {"s3:prefix": "x"}}),
    )
    target = {"ResourceArns": [f"{BOX}/blue/a.txt"]}

    first = await custom(house, policy, "s3:GetObject", **target)
    entries = [entry("aws:PrincipalTag/Team", "blue"), entry("AWS:securetransport", "true", of="boolean")]
    second = await custom(house, policy, "s3:GetObject", ContextEntries=entries, **target)

    assert first["MissingContextValues"] == ["aws:PrincipalTag/team", "aws:SecureTransport"]
    assert first["ResourceSpecificResults"][0]["MissingContextValues"] == first["MissingContextValues"]
    assert (second["EvalDecision"], second["MissingContextValues"]) == ("allowed", [])


async def test_a_role_s_tags_and_name_are_filled_and_can_be_given_otherwise(house: Identities):
    condition = {
        "StringEquals": {"aws:PrincipalTag/Team": "blue"},
        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/U*"},
    }
    made = await role(house, allowing("s3:*", condition=condition), Tags=[{"Key": "team", "Value": "blue"}])

    own = await principal(house, made["Arn"], "s3:GetObject")
    other = await principal(house, made["Arn"], "s3:GetObject", ContextEntries=[entry("aws:principaltag/team", "red")])

    assert (own["EvalDecision"], own["MissingContextValues"]) == ("allowed", [])
    assert (other["EvalDecision"], other["MissingContextValues"]) == ("implicitDeny", [])


async def test_only_the_name_is_known_of_a_caller_who_is_not_the_source(house: Identities):
    """Whoever may simulate one role's policies learns nothing of another's tags."""
    other = await house.role("Other", TRUST, Tags=[{"Key": "team", "Value": "blue"}])
    condition = {"StringEquals": {"aws:PrincipalTag/team": "blue"}, "StringLike": {"aws:PrincipalArn": "*/Other"}}
    policy = allowing("s3:*", condition=condition)
    made = await role(house, policy)
    params = {"CallerArn": other["Arn"]}

    for result in (
        await custom(house, policy, "s3:GetObject", **params),
        await principal(house, made["Arn"], "s3:GetObject", **params),
    ):
        assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", ["aws:PrincipalTag/team"])


async def test_without_a_caller_nothing_is_known_of_who_asks(house: Identities):
    policy = allowing("s3:*", condition={"StringLike": {"aws:PrincipalArn": "*"}})
    result = await custom(house, policy, "s3:GetObject")
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", ["aws:PrincipalArn"])


# Refusals

MALFORMED = [
    ({"PolicyInputList": ["{"]}, "PolicyInputList.1: Syntax errors in policy."),
    ({"PolicyInputList": [allowing("s3:*"), allowing("s3")]}, "PolicyInputList.2: Actions/Conditions must be prefaced"),
    (
        {"PolicyInputList": [allowing("s3:*", "x").replace("x", "日本")]},
        "must contain only printable ASCII characters.",
    ),
    ({"PolicyInputList": [TRUST]}, "PolicyInputList.1: "),
    ({"PermissionsBoundaryPolicyInputList": ["[]"]}, "PermissionsBoundaryPolicyInputList.1: Syntax errors in policy."),
    ({"PermissionsBoundaryPolicyInputList": [allowing("s3:*")] * 2}, "one permissions boundary at most"),
    ({"ResourcePolicy": allowing("s3:*"), "CallerArn": BOB}, "ResourcePolicy: Missing required field Principal"),
    ({"ResourcePolicy": TRUST, "CallerArn": BOB}, "ResourcePolicy: "),
    (
        {"ResourcePolicy": document(statement("Allow", "s3:*", "*", principal="*"))},
        "CallerArn is required with ResourcePolicy",
    ),
    (
        {"OrderedOrganizationPolicyInputList": [{"ServiceControlPolicyInputList": ["{"]}]},
        "InputList.1.1: Syntax errors",
    ),
    ({"ActionNames": ["s3:*"]}, "s3:* is not the name of a service and of an action"),
    ({"ActionNames": ["GetObject"]}, "GetObject is not the name"),
    ({"ResourceArns": ["box", "*", "arn:x"]}, "ResourceNames are not in a valid ARN format: box, arn:x."),
    ({"ResourceOwner": "hub"}, "'hub' is not a valid as a Resource Owner."),
    ({"ResourceOwner": f"{HUB}:root"}, "is not a valid as a Resource Owner."),
    ({"CallerArn": f"arn:aws:sts::{HUB}:assumed-role/r/s"}, "does not clearly define entity type and name."),
    ({"CallerArn": "arn:aws:iam::1:user/bob"}, "does not clearly define entity type and name."),
    ({"CallerArn": "transfer.amazonaws.com"}, "does not clearly define entity type and name."),
    ({"CallerArn": f"arn:aws:iam::{HUB}:group/all"}, "is a group, which calls no operations"),
    ({"ContextEntries": [entry("SourceIp", "x")]}, "'SourceIp' is not the name of a context key"),
    ({"ContextEntries": [{}]}, "'' is not the name of a context key"),
    ({"ContextEntries": [entry("aws:a", "x"), entry("AWS:A", "y")]}, "AWS:A comes twice"),
    ({"ContextEntries": [entry("aws:a", "x", "y")]}, "aws:a has several values, but the type string"),
    ({"ContextEntries": [entry("aws:a", "x", of="text")]}, "no type that IAM knows: text"),
    (
        {"ContextEntries": [entry("aws:a", "1", "x", of="numericList")]},
        "the value 'x' of aws:a is not of the type numeric",
    ),
    ({"ContextEntries": [entry("aws:a", "yes", of="boolean")]}, "not of the type boolean"),
    ({"ContextEntries": [entry("aws:a", "10.0.0.0/8", of="ip")]}, "not of the type ip"),
    ({"ContextEntries": [entry("aws:a", "yesterday", of="date")]}, "not of the type date"),
    ({"ContextEntries": [entry("aws:a", "ä", of="binary")]}, "not of the type binary"),
    ({"ResourceHandlingOption": "EC2-VPC-EBS"}, "Amazon EC2, which is not here"),
]


@pytest.mark.parametrize(("params", "sentence"), MALFORMED)
async def test_what_is_malformed_is_refused_with_the_reason(house: Identities, params: dict[str, Any], sentence: str):
    asked = {"PolicyInputList": [allowing("s3:*")], "ActionNames": ["s3:GetObject"], **params}

    refusal = await house.refused("iam", "SimulateCustomPolicy", **asked)

    assert (refusal.code, refusal.status) == ("InvalidInput", 400)
    assert sentence in refusal.message


@pytest.mark.parametrize(
    ("exclusion", "sentence"),
    [
        ({"PolicyArn": "AmazonS3ReadOnlyAccess"}, "is not in a valid ARN format"),
        ({"PolicyArn": "arn:aws:iam::*:policy/Files"}, "has a wildcard before the policy's name"),
        ({"PolicyArn": "arn:aws:iam::aws:policy/*S3*"}, "has more than one *"),
        ({}, "has one of PolicyType, PolicyArn and InlinePolicyIdentifier"),
    ],
)
async def test_a_malformed_exclusion_is_refused(house: Identities, exclusion: dict[str, str], sentence: str):
    made = await role(house)
    refusal = await house.refused(
        "iam",
        "SimulatePrincipalPolicy",
        PolicySourceArn=made["Arn"],
        ActionNames=["s3:GetObject"],
        PolicyExclusionList=[exclusion],
    )
    assert refusal.code == "InvalidInput"
    assert sentence in refusal.message


async def test_nobody_can_be_simulated_who_is_not_there(house: Identities):
    await role(house, Path="/ftp/")
    for resource in ("role/Upload", "role/Ghost", "user/ghost", "group/all"):
        refusal = await house.refused(
            "iam",
            "SimulatePrincipalPolicy",
            PolicySourceArn=f"arn:aws:iam::{HUB}:{resource}",
            ActionNames=["s3:GetObject"],
        )
        assert (refusal.code, refusal.status) == ("NoSuchEntity", 404)


async def test_what_binds_others_is_told_to_who_may_ask_about_them(house: Identities):
    made = await role(house, allowing("iam:SimulatePrincipalPolicy", f"arn:aws:iam::{HUB}:role/Upload"))
    session = await house.session(made["Arn"])
    asked = {"ActionNames": ["s3:GetObject"], "by": session}

    await house.iam("SimulatePrincipalPolicy", PolicySourceArn=made["Arn"], **asked)
    for arn in (house.hub.principal.arn, house.partner.principal.arn):
        refusal = await house.refused("iam", "SimulatePrincipalPolicy", PolicySourceArn=arn, **asked)
        assert refusal.code == "AccessDenied"
    refusal = await house.refused("iam", "SimulateCustomPolicy", PolicyInputList=[allowing("s3:*")], **asked)
    assert refusal.code == "AccessDenied"
    theirs = await house.refused(
        "iam", "SimulatePrincipalPolicy", PolicySourceArn=house.partner.principal.arn, ActionNames=["s3:GetObject"]
    )
    assert theirs.code == "AccessDenied"


# The same engine

_DECISIONS = {Verdict.ALLOW: "allowed", Verdict.IMPLICIT_DENY: "implicitDeny", Verdict.EXPLICIT_DENY: "explicitDeny"}
_CONDITIONS = st.sampled_from(
    [
        None,
        {"StringEquals": {"aws:PrincipalAccount": HUB}},
        {"StringNotEquals": {"s3:prefix": "a"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringLike": {"aws:username": "b*"}},
        {"Null": {"aws:SecureTransport": "true"}},
    ]
)
_ACTIONS = st.lists(st.sampled_from(["*", "s3:*", "s3:Get*", "s3:PutObject", "ec2:*"]), min_size=1, max_size=2)
_RESOURCES = st.sampled_from(["*", BOX, f"{BOX}/*", f"{BOX}/${{aws:username}}/*", "arn:aws:s3:::other/*"])
_PRINCIPALS = st.sampled_from(["*", {"AWS": HUB}, {"AWS": BOB}, {"AWS": PARTNER}, {"Service": "s3.amazonaws.com"}])
_PLAIN = st.builds(statement, st.sampled_from(["Allow", "Allow", "Deny"]), _ACTIONS, _RESOURCES, condition=_CONDITIONS)
_NAMING = st.builds(
    statement,
    st.sampled_from(["Allow", "Allow", "Deny"]),
    _ACTIONS,
    _RESOURCES,
    principal=_PRINCIPALS,
    condition=_CONDITIONS,
)
_POLICIES = st.lists(_PLAIN, min_size=1, max_size=3).map(lambda statements: document(*statements))
_RESOURCE_POLICIES = st.lists(_NAMING, min_size=1, max_size=3).map(lambda statements: document(*statements))


def named(texts: list[str], kind: PolicyKind) -> tuple[NamedPolicy, ...]:
    return tuple(NamedPolicy(name="p", policy=parse_policy(text, kind)) for text in texts)


@given(
    identity=st.lists(_POLICIES, max_size=2),
    boundary=st.lists(_POLICIES, max_size=1),
    resource=st.none() | _RESOURCE_POLICIES,
    levels=st.lists(st.lists(_POLICIES, max_size=2), max_size=2),
    action=st.sampled_from(["s3:GetObject", "s3:PutObject", "ec2:RunInstances"]),
    target=st.sampled_from([BOX, FILE, f"{BOX}/bob/a.txt", "arn:aws:s3:::other/x", "*"]),
    owner=st.sampled_from([HUB, PARTNER]),
    context=st.dictionaries(
        st.sampled_from(["s3:prefix", "aws:SecureTransport"]), st.sampled_from(["true", "false", "a"])
    ),
)
async def test_a_simulation_decides_as_the_engine_does(
    identity, boundary, resource, levels, action, target, owner, context
):
    parts = make_parts()
    table = iam_operations(epoch=parts.epoch, library=parts.library)
    operations = Operations([table], house=parts.house, authorizer=AllowEverything())
    bob = IamUser(account_id=HUB, user_name="bob", user_id="")
    policies = PolicySet(
        identity=named(identity, PolicyKind.IDENTITY),
        boundary=named(boundary, PolicyKind.BOUNDARY),
        resource=named([resource], PolicyKind.RESOURCE)[0] if resource else None,
        service_control=tuple(named(level, PolicyKind.SERVICE_CONTROL) for level in levels),
    )
    request = AccessRequest(
        principal=bob,
        action=action,
        resource=target,
        resource_account=owner,
        context=context_of(context, principal=bob),
    )

    answer = await call(
        operations,
        ALICE,
        "iam",
        "SimulateCustomPolicy",
        PolicyInputList=identity,
        PermissionsBoundaryPolicyInputList=boundary,
        OrderedOrganizationPolicyInputList=[{"ServiceControlPolicyInputList": level} for level in levels],
        **({"ResourcePolicy": resource} if resource else {}),
        CallerArn=BOB,
        ResourceOwner=owner,
        ResourceArns=[target],
        ActionNames=[action],
        ContextEntries=[entry(key, value) for key, value in context.items()],
    )

    (result,) = answer["EvaluationResults"]
    decision = evaluate(request, policies)
    assert result["EvalDecision"] == _DECISIONS[decision.verdict]
    by_organization = result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
    if result["EvalDecision"] == "allowed":
        assert result["MatchedStatements"]
        assert by_organization
    elif result["EvalDecision"] == "explicitDeny":
        assert bool(result["MatchedStatements"]) or not by_organization


MARKS = [chr(number) for number in range(0xC0, 0xFF)]
# Every piece of every pattern is in the text, but never with the one character between.
SLOW = [f"*{'?' * 20}a?{mark}*b" for mark in MARKS]
LONG = "x" * 20 + "".join(f"a--{mark}" for mark in MARKS) + "a" * 3_000 + "b"


async def test_others_have_their_turn_while_a_long_question_is_decided(house: Identities):
    turns = 0
    is_done = asyncio.Event()

    async def count() -> None:
        nonlocal turns
        while not is_done.is_set():
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(count())
        policy = document(
            {**statement("Allow", "s3:GetObject", "*"), "Condition": {"ForAnyValue:StringLike": {"aws:TagKeys": SLOW}}}
        )
        found = await custom(
            house, policy, "s3:GetObject", ContextEntries=[entry("aws:TagKeys", *[LONG] * 4, of="stringList")]
        )
        is_done.set()
    assert found["EvalDecision"] == "implicitDeny"
    assert turns > 20


async def test_more_context_than_any_request_has_is_refused(house: Identities):
    values = ["x" * 20_000] * 4
    with pytest.raises(ServiceError, match="ContextEntries: the values have 80000 characters, more than 65536"):
        await custom(
            house,
            document(statement("Allow", "s3:GetObject", "*")),
            "s3:GetObject",
            ContextEntries=[entry("aws:TagKeys", *values, of="stringList")],
        )
