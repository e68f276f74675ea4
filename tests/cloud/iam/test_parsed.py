"""Stored policies made ready."""

import logging

import pytest
from tests.fakes.documents import allowing

from crossdock.cloud.iam import managed_policies
from crossdock.cloud.iam.parsed import DENY_EVERYONE, DENY_EVERYTHING, named_policy
from crossdock.policy.document import PolicyKind


def test_a_stored_policy_keeps_its_name() -> None:
    named = named_policy("files", allowing("s3:*"), PolicyKind.IDENTITY)

    assert named.name == "files"
    assert named.policy.statements[0].actions == ("s3:*",)


@pytest.mark.parametrize("arn", managed_policies.load())
def test_every_policy_of_aws_can_be_read_however_long(arn: str) -> None:
    policy = named_policy(arn, managed_policies.load()[arn].document, PolicyKind.MANAGED).policy

    assert policy is not DENY_EVERYTHING
    assert policy.allows


@pytest.mark.parametrize("kind", PolicyKind)
def test_one_that_cannot_be_read_denies_everything_and_is_reported(
    kind: PolicyKind, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "crossdock.cloud.iam.parsed"):
        policy = named_policy("broken", "", kind).policy

    callers_own = (
        PolicyKind.IDENTITY,
        PolicyKind.MANAGED,
        PolicyKind.BOUNDARY,
        PolicyKind.SESSION,
        PolicyKind.SERVICE_CONTROL,
    )
    assert policy is (DENY_EVERYTHING if kind in callers_own else DENY_EVERYONE)
    assert caplog.records[0].policy == "broken"
