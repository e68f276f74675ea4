import json
import re

import pytest

from crossdock.cloud.iam.managed_policies import ManagedPolicy, load
from crossdock.policy.document import PolicyKind, parse_policy

POLICIES = load()


def test_these_eight_exist_and_no_other():
    assert set(POLICIES) == {
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "arn:aws:iam::aws:policy/AmazonS3FullAccess",
        "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        "arn:aws:iam::aws:policy/service-role/AWSTransferLoggingAccess",
        "arn:aws:iam::aws:policy/AWSTransferFullAccess",
        "arn:aws:iam::aws:policy/SecretsManagerReadWrite",
    }


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.name)
def test_each_is_a_valid_managed_policy_that_allows_something(policy: ManagedPolicy):
    document = parse_policy(policy.document, PolicyKind.MANAGED)
    assert document.allows
    assert not document.denies
    assert re.fullmatch(r"ANPA[A-Z0-9]{17}", policy.policy_id)
    assert re.fullmatch(r"v[1-9][0-9]*", policy.version_id)
    assert policy.arn == f"arn:aws:iam::aws:policy{policy.path}{policy.name}"
    assert policy.created_at <= policy.updated_at
    assert policy.description


def test_read_only_access_reads_and_does_not_write():
    policy = POLICIES["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    document = parse_policy(policy.document, PolicyKind.MANAGED)

    def is_allowed(action: str) -> bool:
        return any(statement.applies(action, "arn:aws:s3:::b", {}) for statement in document.allows)

    assert all(map(is_allowed, ["s3:getobject", "s3:listbucket", "iam:getrole", "transfer:describeserver"]))
    assert not any(
        map(is_allowed, ["s3:putobject", "iam:createrole", "secretsmanager:getsecretvalue", "sts:assumerole"])
    )
    assert "Limited to the services that Crossdock has" in policy.description


def test_documents_are_kept_as_readable_json():
    for policy in POLICIES.values():
        assert policy.document == json.dumps(json.loads(policy.document), indent=4) + "\n"
