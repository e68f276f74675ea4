"""Denies that a write would be spared if it said something else, and what Crossdock has to be told for that."""

from typing import Any

import pytest
from tests.policy.test_fixes import HUB, case, read

from crossdock.policy.fixes import InWords, RemoveStatement, find_fixes
from crossdock.policy.write_options import options_that_spare

SSE, KEY, ACL = (
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-acl",
)
KMS_KEY = f"arn:aws:kms:eu-central-1:{HUB}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
UNENCRYPTED = {"StringNotEquals": {SSE: "aws:kms"}}


def denying(*conditions: dict[str, Any], said: dict[str, str] | None = None) -> dict[str, Any]:
    """A bucket of the role's own account that denies by each of these conditions; `said` is what the write says."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::inbox/*"}
    request = case()["request"]
    return case(
        request={**request, "resourceAccount": HUB, "context": {**request["context"], **(said or {})}},
        resourcePolicy={"Version": "2012-10-17", "Statement": [{**deny, "Condition": one} for one in conditions]},
    )


def told(document: dict[str, Any]) -> list[str]:
    return [fix.sentence for fix in find_fixes(read(document).decide(), has_options=True)]


def test_a_bucket_that_takes_nothing_unencrypted_is_met_by_a_setting() -> None:
    decision = read(denying(UNENCRYPTED)).decide()
    (fix,) = find_fixes(decision, has_options=True)
    assert (fix.change, fix.attached_to) == (InWords(), "arn:aws:s3:::inbox")
    assert fix.sentence == (
        "let the write meet what statement 1 of the bucket policy of inbox asks for: "
        'set sse = "aws:kms" under [aws.buckets."inbox"] (where profiles explain, --sse aws:kms); '
        "or except s3:PutObject on arn:aws:s3:::inbox/in/a.csv from it"
    )


def test_where_there_is_no_such_setting_the_statement_is_to_be_changed() -> None:
    (fix,) = find_fixes(read(denying(UNENCRYPTED)).decide())
    assert fix.change == RemoveStatement(sid="", number=1)
    assert "except s3:PutObject on arn:aws:s3:::inbox/in/a.csv from it" in fix.sentence


@pytest.mark.parametrize(
    ("conditions", "said", "settings"),
    [
        ([{"StringNotEquals": {SSE: "aws:kms"}}, {"Null": {SSE: "true"}}], {}, 'sse = "aws:kms"'),
        ([{"Null": {SSE: "true"}}], {}, 'sse = "AES256"'),
        ([{"StringEquals": {SSE: "AES256"}}], {SSE: "AES256"}, 'sse = "aws:kms"'),
        ([{"StringNotEquals": {ACL: "bucket-owner-full-control"}}], {}, 'acl = "bucket-owner-full-control"'),
        ([{"StringNotEquals": {KEY: KMS_KEY}}], {}, f'sse = "aws:kms" and kms_key_id = "{KMS_KEY}"'),
        ([{"StringNotEquals": {KEY: KMS_KEY}}], {SSE: "aws:kms:dsse"}, f'kms_key_id = "{KMS_KEY}"'),
        (
            [UNENCRYPTED, {"StringNotEquals": {KEY: KMS_KEY}}],
            {},
            f'sse = "aws:kms" and kms_key_id = "{KMS_KEY}"',
        ),
        (
            [UNENCRYPTED, {"StringNotEquals": {ACL: "bucket-owner-full-control"}}],
            {SSE: "AES256"},
            'sse = "aws:kms" and acl = "bucket-owner-full-control"',
        ),
    ],
)
def test_as_little_is_set_as_spares_the_write_every_deny(
    conditions: list[dict[str, Any]], said: dict[str, str], settings: str
) -> None:
    document = denying(*conditions, said=said)
    sentences = told(document)
    assert len(sentences) == len(conditions)
    assert all(sorted(_named(one)) == sorted(settings.split(" and ")) for one in sentences)


def _named(sentence: str) -> list[str]:
    return sentence.partition(": set ")[2].partition(" under [")[0].split(" and ")


@pytest.mark.parametrize(
    "conditions",
    [
        [{"Bool": {"aws:SecureTransport": "false"}}],
        # Whatever is said, one of the two denies.
        [{"StringNotEquals": {SSE: "aws:kms"}, "StringLike": {"aws:userid": "*"}}, {"StringEquals": {SSE: "aws:kms"}}],
        [{"StringNotLike": {KEY: "arn:aws:kms:*"}}],
    ],
)
def test_what_no_setting_meets_leaves_the_statement(conditions: list[dict[str, Any]]) -> None:
    document = denying(*conditions, said={"aws:SecureTransport": "false"})
    decision = read(document).decide()
    assert options_that_spare(decision).spared == frozenset()
    (fix,) = find_fixes(decision, has_options=True)
    assert isinstance(fix.change, RemoveStatement)


def test_a_statement_that_no_setting_meets_is_still_taken_out_besides() -> None:
    document = denying({"Bool": {"aws:SecureTransport": "false"}}, UNENCRYPTED, said={"aws:SecureTransport": "false"})
    fixes = find_fixes(read(document).decide(), has_options=True)
    assert [type(fix.change) for fix in fixes] == [InWords, RemoveStatement]
    assert fixes[1].change == RemoveStatement(sid="", number=1)
