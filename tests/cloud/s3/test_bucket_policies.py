"""Bucket policies: what is taken, who may see to them, and that they hold at once."""

import json

import pytest
from tests.fakes.s3 import ANYBODY, HUB, PARTNER, EmbeddedS3, document, refusal

from crossdock.cloud.s3.bucket_policies import BucketPolicies, check_bucket_policy
from crossdock.core.arns import parse_arn
from crossdock.core.errors import ServiceError
from crossdock.core.principals import AccountRoot
from crossdock.operations.caller import Caller


def allow(principal, action, resource, **more):
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource, **more}


def deny(principal, action, resource, **more):
    return {**allow(principal, action, resource, **more), "Effect": "Deny"}


PUBLIC_READ = allow("*", "s3:GetObject", "arn:aws:s3:::box/*")


async def test_a_policy_is_given_back_as_it_was_put(s3: EmbeddedS3):
    await s3.bucket("box")
    error = await refusal(s3("GetBucketPolicy", Bucket="box"))
    assert (error.code, error.status) == ("NoSuchBucketPolicy", 404)
    text = json.dumps({"Version": "2012-10-17", "Statement": [PUBLIC_READ]}, indent=4)
    assert await s3("PutBucketPolicy", Bucket="box", Policy=text) == {}
    assert await s3("GetBucketPolicy", Bucket="box") == {"Policy": text}
    for _ in range(2):
        assert await s3("DeleteBucketPolicy", Bucket="box") == {}
    assert (await refusal(s3("GetBucketPolicy", Bucket="box"))).code == "NoSuchBucketPolicy"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MalformedPolicy"),
        ("no json", "MalformedPolicy"),
        ("{}", "MalformedPolicy"),
        (document({**PUBLIC_READ, "Effect": "Perhaps"}), "MalformedPolicy"),
        (document({name: value for name, value in PUBLIC_READ.items() if name != "Principal"}), "MalformedPolicy"),
        (document(allow("*", "s3:GetObject", "arn:aws:s3:::other/*")), "MalformedPolicy"),
        (document(allow("*", "s3:GetObject", "arn:aws:s3:::box2/*")), "MalformedPolicy"),
        (document(allow("*", "s3:GetObject", "*")), "MalformedPolicy"),
        (document(allow("*", "s3:GetObject", ["arn:aws:s3:::box/*", "arn:aws:s3:::other/*"])), "MalformedPolicy"),
        (document(allow("*", "s3:GetObject", "arn:aws:s3:::box")), "MalformedPolicy"),
        (document(allow("*", "s3:ListBucket", "arn:aws:s3:::box/*")), "MalformedPolicy"),
        (document(allow("*", ["s3:GetObject", "s3:ListBucket"], "arn:aws:s3:::box/*")), "MalformedPolicy"),
        (document(allow({"AWS": "nonsense"}, "s3:GetObject", "arn:aws:s3:::box/*")), "MalformedPolicy"),
        (document(allow("*", "s3:Frob", "arn:aws:s3:::box/*")), "MalformedPolicy"),
        (document({**PUBLIC_READ, "Condition": {"StringLikes": {"aws:userid": "x"}}}), "MalformedPolicy"),
        (document(*[{**PUBLIC_READ, "Sid": f"S{number}"} for number in range(200)]), "PolicyTooLarge"),
    ],
)
async def test_what_s3_would_refuse_is_refused(s3: EmbeddedS3, text, code):
    await s3.bucket("box")
    error = await refusal(s3("PutBucketPolicy", Bucket="box", Policy=text))
    assert (error.code, error.status) == (code, 400)
    assert (await refusal(s3("GetBucketPolicy", Bucket="box"))).code == "NoSuchBucketPolicy"


@pytest.mark.parametrize(
    "statement",
    [
        allow("*", "s3:*", ["arn:aws:s3:::box", "arn:aws:s3:::box/*"]),
        allow("*", "s3:*", "arn:aws:s3:::box"),
        allow("*", "s3:GetObject", "arn:aws:s3:::box*"),
        allow("*", ["S3:getobject", "s3:Frob*", "s3:GetObjec?"], "arn:aws:s3:::box/*"),
        allow("*", ["*", "*:GetObject"], "arn:aws:s3:::box/*"),
        deny("*", "s3:BypassGovernanceRetention", "arn:aws:s3:::box/*"),
        allow("*", ["s3:GetObject", "s3:ListBucket"], ["arn:aws:s3:::box", "arn:aws:s3:::box/home/${aws:username}/*"]),
        deny("*", "s3:*", "arn:aws:s3:::box/*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "NotResource": "arn:aws:s3:::box/public/*"},
        {"Effect": "Deny", "Principal": "*", "NotAction": "s3:Get*", "Resource": "arn:aws:s3:::box/*"},
    ],
)
def test_what_s3_would_take_is_taken(statement):
    assert len(check_bucket_policy(document(statement), "box").statements) == 1


@pytest.mark.parametrize(
    "action", ["s3:Frob", "nope:Foo", "sts:AssumeRole", "ec2:*", ["s3:GetObject", "s3:GetObjects"]]
)
@pytest.mark.parametrize("element", ["Action", "NotAction"])
def test_an_action_that_s3_does_not_have_is_refused_before_anything_else_of_the_statement(element, action):
    statement = {"Effect": "Deny", "Principal": "*", element: action, "Resource": "arn:aws:s3:::other/*"}
    with pytest.raises(ServiceError) as refused:
        check_bucket_policy(document(PUBLIC_READ, statement), "box")
    assert (refused.value.code, refused.value.status) == ("MalformedPolicy", 400)
    assert refused.value.message == "Policy has invalid action"
    assert refused.value.members["Detail"] == (action if isinstance(action, str) else action[-1])


async def test_a_policy_that_names_nobody_who_exists_is_refused(s3: EmbeddedS3):
    await s3.bucket("box")
    absent = allow({"AWS": f"arn:aws:iam::{PARTNER}:role/absent"}, "s3:GetObject", "arn:aws:s3:::box/*")
    error = await refusal(s3.policy("box", absent))
    assert (error.code, error.message) == ("MalformedPolicy", "Invalid principal in policy")


async def test_a_role_made_anew_is_not_the_role_that_the_policy_means(s3: EmbeddedS3):
    await s3.bucket("kiste", as_=s3.partner)
    first = await s3.role("guest", "s3:*", "*")
    arn = f"arn:aws:iam::{HUB}:role/guest"
    await s3.policy("kiste", allow({"AWS": arn}, "s3:ListBucket", "arn:aws:s3:::kiste"), as_=s3.partner)
    assert (await s3("ListObjectsV2", as_=first, Bucket="kiste"))["KeyCount"] == 0
    await s3.iam("DeleteRolePolicy", RoleName="guest", PolicyName="what")
    await s3.iam("DeleteRole", RoleName="guest")
    second = await s3.role("guest", "s3:*", "*")
    assert (await refusal(s3("ListObjectsV2", as_=second, Bucket="kiste"))).code == "AccessDenied"
    shown = (await s3("GetBucketPolicy", as_=s3.partner, Bucket="kiste"))["Policy"]
    assert arn not in shown
    assert "AROA" in shown


async def test_a_policy_holds_at_the_next_call_and_so_does_its_end(s3: EmbeddedS3):
    await s3.bucket("box")
    await s3.put("box", "key", b"content")
    assert (await refusal(s3.read("box", "key", as_=ANYBODY))).code == "AccessDenied"
    await s3.policy("box", PUBLIC_READ)
    assert await s3.read("box", "key", as_=ANYBODY) == b"content"
    await s3("DeleteBucketPolicy", Bucket="box")
    assert (await refusal(s3.read("box", "key", as_=ANYBODY))).code == "AccessDenied"


async def test_a_stranger_reads_only_what_a_policy_makes_public(s3: EmbeddedS3):
    await s3.bucket("box")
    await s3.put("box", "key", b"content")
    await s3.policy("box", PUBLIC_READ)
    for operation, params in {
        "PutObject": {"Key": "key", "Body": b"x"},
        "DeleteObject": {"Key": "key"},
        "ListObjectsV2": {},
        "GetObject": {"Key": "missing"},
        "CreateMultipartUpload": {"Key": "key"},
    }.items():
        assert (await refusal(s3(operation, as_=ANYBODY, Bucket="box", **params))).code == "AccessDenied"


async def test_an_explicit_deny_outweighs_the_administrator(s3: EmbeddedS3):
    await s3.bucket("box")
    await s3.policy("box", deny("*", "s3:PutObject", "arn:aws:s3:::box/*"))
    error = await refusal(s3.put("box", "key", b"x"))
    assert error.code == "AccessDenied"
    assert "denied explicitly by statement" in error.message
    assert await s3.keys("box") == []


async def test_only_the_owners_account_may_touch_a_policy_even_when_it_lets_others(s3: EmbeddedS3):
    await s3.bucket("box")
    everything = allow({"AWS": f"arn:aws:iam::{PARTNER}:root"}, "s3:*", ["arn:aws:s3:::box", "arn:aws:s3:::box/*"])
    await s3.policy("box", everything)
    for operation, params in {
        "GetBucketPolicy": {},
        "PutBucketPolicy": {"Policy": document(PUBLIC_READ)},
        "DeleteBucketPolicy": {},
    }.items():
        error = await refusal(s3(operation, as_=s3.partner, Bucket="box", **params))
        assert (error.code, error.status) == ("MethodNotAllowed", 405)
        stranger = await s3.user(PARTNER, "stranger")
        assert (await refusal(s3(operation, as_=stranger, Bucket="box", **params))).code == "AccessDenied"


async def test_the_owners_root_user_can_always_undo_a_policy(s3: EmbeddedS3):
    await s3.bucket("box")
    await s3.policy("box", deny("*", "s3:*", ["arn:aws:s3:::box", "arn:aws:s3:::box/*"]))
    assert (await refusal(s3("DeleteBucketPolicy", Bucket="box"))).code == "AccessDenied"
    root = Caller(principal=AccountRoot(account_id=HUB))
    assert "Deny" in (await s3("GetBucketPolicy", as_=root, Bucket="box"))["Policy"]
    await s3("DeleteBucketPolicy", as_=root, Bucket="box")
    await s3.put("box", "key")
    foreign = Caller(principal=AccountRoot(account_id=PARTNER))
    assert (await refusal(s3("DeleteBucketPolicy", as_=foreign, Bucket="box"))).code == "AccessDenied"


async def test_the_authoriser_learns_owner_and_policy_by_the_buckets_name(s3: EmbeddedS3):
    source = BucketPolicies()
    assert source.subject_of(parse_arn("arn:aws:s3:::box")) == "box"
    assert source.subject_of(parse_arn("arn:aws:s3:::box/a/b")) == "box"
    await s3.bucket("box")
    async with s3.parts.state.reading() as tx:
        assert await source.find(tx, "nowhere") is None
        guard = await source.find(tx, "box")
    assert guard is not None
    assert (guard.account_id, guard.policy) == (HUB, None)


async def test_a_denial_tells_foreigners_nothing_of_the_policy(s3: EmbeddedS3):
    await s3.bucket("kiste", as_=s3.partner)
    secret = allow(
        {"AWS": f"arn:aws:iam::{HUB}:root"},
        "s3:PutObject",
        "arn:aws:s3:::kiste/*",
        Condition={"StringLike": {"aws:userid": "AROASECRETROLEID:*"}},
    )
    await s3.policy("kiste", secret, as_=s3.partner)
    visitor = await s3.role("visitor", "s3:*", "*")
    error = await refusal(s3.put("kiste", "key", b"x", as_=visitor))
    assert error.message.endswith("because no resource-based policy allows the s3:PutObject action")
    assert "AROASECRETROLEID" not in error.message
    assert "AROASECRETROLEID" in error.reason
    assert f"arn:aws:s3:::kiste/key of account {PARTNER}" in error.reason
