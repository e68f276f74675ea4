import pytest

from crossdock.core.arns import role_arn
from crossdock.core.principals import AccountRoot, Anonymous, AssumedRole, IamUser, ServicePrincipal
from crossdock.policy.document import PolicyKind, parse_policy
from crossdock.policy.evaluate import (
    AccessRequest,
    Layer,
    NamedPolicy,
    PolicySet,
    PublicAccessBlock,
    evaluate,
    evaluate_key,
    evaluate_trust,
)

A, B = "111111111111", "222222222222"
ROLE = AssumedRole(
    role_arn=role_arn(A, "TransferRole"), role_id="AROAEXAMPLEROLEID0001", session_name="user2@s-01234567890abcdef"
)
USER = IamUser(account_id=A, user_name="alice", user_id="AIDAEXAMPLEUSERID0001")
OBJECT = "arn:aws:s3:::partner-bucket/in/a.csv"
BOTH = ["arn:aws:s3:::partner-bucket", "arn:aws:s3:::partner-bucket/*"]


def policy(kind: PolicyKind, *statements: dict[str, object], name: str = "p") -> NamedPolicy:
    return NamedPolicy(name=name, policy=parse_policy({"Version": "2012-10-17", "Statement": list(statements)}, kind))


def allow(**members: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": "s3:*", "Resource": "*", **members}


FULL = policy(PolicyKind.IDENTITY, allow(), name="TransferPolicy")
NOTHING = policy(PolicyKind.IDENTITY, allow(Action="ec2:*"), name="Nothing")


def explain(
    policies: PolicySet, principal=ROLE, account: str = B, action: str = "s3:PutObject", resource: str = OBJECT
) -> str:
    request = AccessRequest(
        principal=principal,
        action=action,
        resource=resource,
        resource_account=account,
        context={"aws:userid": (principal.user_id,)},
    )
    return evaluate(request, policies).explain()


def bucket_policy(**members: object) -> NamedPolicy:
    statement = allow(Sid="BucketPolicyForFTP", Principal={"AWS": A}, Resource=BOTH, **members)
    return policy(PolicyKind.RESOURCE, statement, name="partner-bucket")


WHAT = f"s3:PutObject on {OBJECT}"


def test_the_roles_policy_lacks_the_bucket():
    assert explain(PolicySet(identity=(NOTHING,), resource=bucket_policy())) == (
        f"no identity-based policy of role TransferRole allows {WHAT}"
    )


def test_there_is_no_bucket_policy():
    assert explain(PolicySet(identity=(FULL,))) == (
        f"there is no bucket policy of partner-bucket (account {B}), which alone could allow {WHAT} "
        "to role TransferRole"
    )


def test_the_bucket_policy_names_an_old_role_id():
    stale = bucket_policy(Condition={"StringLike": {"aws:userId": "AROAOLDROLEID:*"}})
    assert explain(PolicySet(identity=(FULL,), resource=stale)) == (
        f"the bucket policy of partner-bucket (account {B}) does not allow {WHAT} to role TransferRole: "
        "statement BucketPolicyForFTP wants StringLike aws:userId AROAOLDROLEID:*, and the request has "
        "AROAEXAMPLEROLEID0001:user2@s-01234567890abcdef"
    )


def test_the_bucket_policy_wants_a_key_that_the_request_lacks():
    wanting = bucket_policy(Condition={"StringEquals": {"s3:x-amz-acl": ["", "a", "b", "c"]}})
    assert explain(PolicySet(identity=(FULL,), resource=wanting)).endswith(
        "wants StringEquals s3:x-amz-acl '', a, b, …, and the request has no such key"
    )


def test_the_bucket_policy_names_someone_else():
    other = policy(PolicyKind.RESOURCE, allow(Sid="Other", Principal={"AWS": "333333333333"}))
    assert explain(PolicySet(identity=(FULL,), resource=other)).endswith(": statement Other names 333333333333")


def test_the_bucket_policy_covers_the_bucket_only():
    bucket_only = policy(PolicyKind.RESOURCE, allow(Principal={"AWS": A}, Resource=BOTH[0]))
    assert explain(PolicySet(identity=(FULL,), resource=bucket_only)).endswith(
        ": statement 1 has Resource arn:aws:s3:::partner-bucket"
    )


def test_both_sides_are_told_when_both_withhold():
    assert explain(PolicySet(identity=(NOTHING,))) == (
        f"no identity-based policy of role TransferRole allows {WHAT}; and there is no bucket policy of partner-bucket "
        f"(account {B}), which alone could allow {WHAT} to role TransferRole"
    )


def test_the_session_policy_is_too_narrow():
    narrow = policy(PolicyKind.SESSION, allow(Sid="Home", Resource="arn:aws:s3:::partner-bucket/out/*"))
    assert explain(PolicySet(identity=(FULL,), session=(narrow,)), account=A) == (
        f"the session policy of role TransferRole does not allow {WHAT}: "
        "statement Home has Resource arn:aws:s3:::partner-bucket/out/*"
    )


def test_the_boundary_and_the_organisation_do_not_allow():
    assert explain(PolicySet(identity=(FULL,), boundary=(NOTHING,)), USER, A) == (
        f"the permissions boundary of user alice does not allow {WHAT}"
    )
    assert explain(PolicySet(identity=(FULL,), service_control=((NOTHING,),)), account=A) == (
        f"the service control policies of account {A} do not allow {WHAT}"
    )


def deny(**members: object) -> dict[str, object]:
    return {"Sid": "NoWrites", "Effect": "Deny", "Action": "s3:Put*", "Resource": "*", **members}


def test_an_explicit_deny_names_the_statement_and_where_it_stands():
    said = "denied explicitly by statement NoWrites of "
    bucket = policy(PolicyKind.RESOURCE, deny(Principal="*"), name="partner-bucket")
    denying = policy(PolicyKind.IDENTITY, deny(), name="Guard")
    assert explain(PolicySet(resource=bucket), account=A) == said + "the bucket policy of partner-bucket"
    assert explain(PolicySet(resource=bucket)) == said + f"the bucket policy of partner-bucket (account {B})"
    assert explain(PolicySet(identity=(denying,))) == said + "identity-based policy Guard of role TransferRole"
    assert explain(PolicySet(boundary=(denying,)), USER) == said + "permissions boundary Guard of user alice"
    assert explain(PolicySet(session=(denying,))) == said + "session policy Guard of role TransferRole"
    assert explain(PolicySet(service_control=((denying,),))) == (said + f"service control policy Guard of account {A}")


def test_the_owners_organisation_and_the_endpoint_are_named():
    full = policy(PolicyKind.RESOURCE_CONTROL, allow(Action="*", Principal="*"))
    limits = policy(PolicyKind.RESOURCE_CONTROL, deny(Principal="*"), name="p-limits")
    other = policy(PolicyKind.ENDPOINT, allow(Sid="Ours", Principal={"AWS": A}), name="vpce-1a2b3c4d")
    denying = policy(PolicyKind.ENDPOINT, deny(Principal="*"), name="vpce-1a2b3c4d")
    own = {"identity": (FULL,), "resource": bucket_policy()}
    assert explain(PolicySet(**own, resource_control=((full,), ()))) == (
        f"the resource control policies of account {B} do not allow {WHAT}"
    )
    assert explain(PolicySet(**own, resource_control=((full, limits),))) == (
        f"denied explicitly by statement NoWrites of resource control policy p-limits of account {B}"
    )
    assert explain(PolicySet(**own, endpoint=(other,))) == (
        f"the policy of VPC endpoint vpce-1a2b3c4d does not allow {WHAT} to role TransferRole: statement Ours names {A}"
    )
    assert explain(PolicySet(**own, endpoint=(denying,))) == (
        "denied explicitly by statement NoWrites of the policy of VPC endpoint vpce-1a2b3c4d"
    )


def test_a_public_bucket_policy_is_named_with_what_makes_it_public():
    public = policy(PolicyKind.RESOURCE, allow(Principal={"AWS": A}), allow(Sid="All", Principal="*"))
    block = PublicAccessBlock(restrict_public_buckets=True)
    assert explain(PolicySet(identity=(FULL,), resource=public, public_access=block)) == (
        f"S3 Block Public Access does not let role TransferRole through to {WHAT}: statement All makes the bucket "
        f"policy of partner-bucket (account {B}) public, and RestrictPublicBuckets leaves such a bucket to its own "
        "account and to services of AWS"
    )


def test_a_key_policy_is_called_so():
    key = policy(PolicyKind.KEY, allow(Sid="Enable IAM User Permissions", Action="kms:*", Principal={"AWS": B}))
    resource = f"arn:aws:kms:us-east-1:{B}:key/1234abcd"
    request = AccessRequest(
        principal=ROLE, action="kms:GenerateDataKey", resource=resource, resource_account=B, context={}
    )
    everything = policy(PolicyKind.IDENTITY, allow(Action="*"))
    assert evaluate_key(request, key, PolicySet(identity=(everything,))).explain() == (
        f"the key policy of key/1234abcd (account {B}) does not allow kms:GenerateDataKey on {resource} to role "
        f"TransferRole: statement Enable IAM User Permissions names {B}"
    )


def test_an_allow_names_the_statements_that_grant():
    assert explain(PolicySet(identity=(FULL,), resource=bucket_policy())) == (
        "allowed by statement 1 of identity-based policy TransferPolicy of role TransferRole and "
        f"statement BucketPolicyForFTP of the bucket policy of partner-bucket (account {B})"
    )
    assert explain(PolicySet(), AccountRoot(account_id=A), A) == (
        f"allowed to the root user of account {A} in its own account"
    )


def test_what_could_not_be_read_is_said():
    unreadable = frozenset({Layer.SESSION, Layer.RESOURCE})
    assert explain(PolicySet(identity=(FULL,), unreadable=unreadable)) == (
        f"it cannot be decided: {WHAT} also depends on what could not be read (resource-based policy, session policy)"
    )


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (ServicePrincipal(name="transfer.amazonaws.com"), "to service transfer.amazonaws.com"),
        (Anonymous(), "to an anonymous caller"),
        (AccountRoot(account_id=A), f"to the root user of account {A}"),
    ],
)
def test_callers_are_called_what_they_are(principal, expected: str):
    assert explain(PolicySet(), principal).endswith(expected)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("arn:aws:lambda:us-east-1:111111111111:function:f", "there is no function policy of f, "),
        ("arn:aws:sqs:us-east-1:111111111111:q", "resource-based policy of arn:aws:sqs:us-east-1:111111111111:q, "),
        ("arn:aws:iam::111111111111:user/a", "resource-based policy of arn:aws:iam::111111111111:user/a, "),
        ("*", "there is no resource-based policy of *, "),
    ],
)
def test_policies_of_resources_are_called_what_people_call_them(resource: str, expected: str):
    service = ServicePrincipal(name="transfer.amazonaws.com")
    assert expected in explain(PolicySet(), service, "", "x:Y", resource)


def test_a_trust_policy_is_called_so():
    trust = policy(
        PolicyKind.TRUST,
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
    )
    request = AccessRequest(
        principal=ServicePrincipal(name="transfer.amazonaws.com"),
        action="sts:AssumeRole",
        resource=f"arn:aws:iam::{A}:role/ftp/TransferRole",
        resource_account=A,
        context={},
    )
    assert evaluate_trust(request, trust, PolicySet()).explain() == (
        f"the trust policy of role TransferRole (account {A}) does not allow sts:AssumeRole on "
        f"arn:aws:iam::{A}:role/ftp/TransferRole to service transfer.amazonaws.com: "
        "statement 1 names lambda.amazonaws.com"
    )


def test_a_deny_tells_its_conditions_and_what_the_request_has_that_meets_them():
    unencrypted = bucket_policy(
        Effect="Deny", Condition={"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}
    )
    assert explain(PolicySet(identity=(FULL,), resource=unencrypted)) == (
        f"denied explicitly by statement BucketPolicyForFTP of the bucket policy of partner-bucket (account {B}), "
        "whose condition is met: StringNotEquals s3:x-amz-server-side-encryption aws:kms (the request has no such key)"
    )
    others = bucket_policy(
        Effect="Deny",
        Condition={"StringNotLike": {"aws:userid": "AROAOTHER:*"}, "Null": {"s3:x-amz-acl": "true"}},
    )
    assert explain(PolicySet(identity=(FULL,), resource=others)).endswith(
        ", whose conditions are met: StringNotLike aws:userid AROAOTHER:* (the request has "
        "AROAEXAMPLEROLEID0001:user2@s-01234567890abcdef) and Null s3:x-amz-acl true (the request has no such key)"
    )
