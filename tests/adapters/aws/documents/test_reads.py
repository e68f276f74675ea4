"""The table of reads, and the policy that is printed of it."""

import pytest
from botocore.session import get_session
from tests.fakes.aws_models import model_of

from crossdock.adapters.aws.documents.reads import READS, read_policy
from crossdock.policy.document import PolicyKind, parse_policy


@pytest.mark.parametrize("row", READS, ids=" ".join)
def test_each_is_an_operation_of_its_service_that_only_reads(row: tuple[str, str]) -> None:
    service, operation = row
    assert operation in model_of(service).operation_names
    assert operation.startswith(("Get", "List", "Describe"))
    assert READS[row].action.partition(":")[2].startswith(("Get", "List", "Describe"))


@pytest.mark.parametrize("row", [row for row in READS if row[1].startswith("List")], ids=" ".join)
def test_each_listing_has_pages_that_botocore_turns(row: tuple[str, str]) -> None:
    service, operation = row
    assert operation in get_session().get_paginator_model(service)._paginator_config


def test_the_printed_policy_has_every_action_once_and_is_one_that_iam_takes() -> None:
    policy = read_policy()
    actions = [action for statement in policy["Statement"] for action in statement["Action"]]
    assert sorted(actions) == sorted({read.action for read in READS.values()})
    parsed = parse_policy(policy, PolicyKind.MANAGED)
    for read in READS.values():
        assert any(
            statement.covers_action(read.action.lower()) and read.resource in statement.resources
            for statement in parsed.allows
        )
