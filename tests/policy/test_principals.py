import pytest

from crossdock.core.arns import role_arn
from crossdock.core.principals import AccountRoot, Anonymous, AssumedRole, IamUser, ServicePrincipal
from crossdock.policy.principals import NamedAs, PolicyPrincipal, PrincipalType, is_valid, principal_set

A = "111111111111"
ROLE = AssumedRole(role_arn=role_arn(A, "ftp/Transfer"), role_id="AROAEXAMPLEROLEID0001", session_name="s")
USER = IamUser(account_id=A, user_name="alice", user_id="AIDAEXAMPLEUSERID0001", path="/staff/")
ROOT = AccountRoot(account_id=A)
SERVICE = ServicePrincipal(name="transfer.amazonaws.com")


def aws(value: str) -> PolicyPrincipal:
    return PolicyPrincipal(type=PrincipalType.AWS, value=value)


def named(principal, *values: str, type_: PrincipalType = PrincipalType.AWS):
    return principal_set(PolicyPrincipal(type=type_, value=value) for value in values).match(principal)


@pytest.mark.parametrize(
    "value",
    [
        "*",
        "111111111111",
        "arn:aws:iam::111111111111:root",
        "arn:aws:iam::111111111111:user/alice",
        "arn:aws:iam::111111111111:user/staff/alice",
        "arn:aws:iam::111111111111:role/ftp/Transfer",
        "arn:aws:sts::111111111111:assumed-role/Transfer/user2@s-1",
        "arn:aws:sts::111111111111:federated-user/bob",
        "AROAEXAMPLEROLEID0001",
        "AIDAEXAMPLEUSERID0001",
    ],
)
def test_a_policy_may_name_these(value: str):
    assert is_valid(aws(value))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "11111111111",
        "alice",
        "arn:aws:iam::111111111111:user/*",
        "arn:aws:iam::111111111111:role/Tr?nsfer",
        "arn:aws:iam::*:root",
        "arn:aws:iam::111111111111:group/staff",
        "arn:aws:iam::111111111111:user/",
        "arn:aws:iam::111111111111:root/x",
        "arn:aws:iam:us-east-1:111111111111:root",
        "arn:aws-cn:iam::111111111111:root",
        "arn:aws:sts::111111111111:assumed-role/Transfer",
        "arn:aws:sts::111111111111:assumed-role/Transfer/*",
        "arn:aws:s3:::bucket",
        "AROA*",
        "１１１１１１１１１１１１",
    ],
)
def test_a_policy_may_not_name_these(value: str):
    assert not is_valid(aws(value))


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        (PrincipalType.SERVICE, "transfer.amazonaws.com", True),
        (PrincipalType.SERVICE, "logs.us-east-1.amazonaws.com", True),
        (PrincipalType.SERVICE, "*", False),
        (PrincipalType.SERVICE, "transfer", False),
        (PrincipalType.SERVICE, "amazonaws.com", False),
        (PrincipalType.FEDERATED, "accounts.google.com", True),
        (PrincipalType.FEDERATED, "arn:aws:iam::111111111111:saml-provider/x", True),
        (PrincipalType.FEDERATED, "*", False),
        (PrincipalType.FEDERATED, "", False),
        (PrincipalType.EVERYONE, "*", True),
        (PrincipalType.EVERYONE, "x", False),
    ],
)
def test_services_federated_principals_and_everyone(type_: PrincipalType, value: str, expected: bool):
    assert is_valid(PolicyPrincipal(type=type_, value=value)) is expected


@pytest.mark.parametrize("principal", [ROLE, USER, ROOT, SERVICE, Anonymous()])
def test_everyone_is_everyone(principal):
    assert named(principal, "*") is NamedAs.DIRECT
    assert named(principal, "*", type_=PrincipalType.EVERYONE) is NamedAs.DIRECT


@pytest.mark.parametrize(
    ("principal", "value", "expected"),
    [
        (ROLE, ROLE.arn, NamedAs.DIRECT),
        (ROLE, str(ROLE.role_arn), NamedAs.ROLE),
        (ROLE, ROLE.role_id, NamedAs.ROLE),
        (ROLE, A, NamedAs.ACCOUNT),
        (ROLE, ROOT.arn, NamedAs.ACCOUNT),
        (ROLE, "arn:aws:iam::111111111111:role/Transfer", None),
        (ROLE, "222222222222", None),
        (USER, USER.arn, NamedAs.DIRECT),
        (USER, USER.user_id, NamedAs.DIRECT),
        (USER, ROOT.arn, NamedAs.ACCOUNT),
        (USER, "arn:aws:iam::111111111111:user/alice", None),
        (ROOT, ROOT.arn, NamedAs.DIRECT),
        (ROOT, A, NamedAs.DIRECT),
        (ROOT, USER.arn, None),
        (SERVICE, A, None),
        (Anonymous(), A, None),
    ],
)
def test_how_directly_a_policy_names_who_asks(principal, value: str, expected: NamedAs | None):
    assert named(principal, value) is expected


def test_the_most_direct_name_counts():
    assert named(ROLE, A, str(ROLE.role_arn), ROLE.arn) is NamedAs.DIRECT
    assert named(ROLE, A, str(ROLE.role_arn)) is NamedAs.ROLE


def test_a_service_is_named_by_service_only():
    assert named(SERVICE, SERVICE.name, type_=PrincipalType.SERVICE) is NamedAs.DIRECT
    assert named(SERVICE, "s3.amazonaws.com", type_=PrincipalType.SERVICE) is None
    assert named(SERVICE, SERVICE.name, type_=PrincipalType.FEDERATED) is None


@pytest.mark.parametrize(
    ("principal", "values", "expected"),
    [
        (USER, (A, USER.arn), True),
        (USER, (A, USER.user_id), True),
        (USER, (USER.arn,), False),
        (USER, (A,), False),
        (ROLE, (A, str(ROLE.role_arn)), True),
        (ROLE, (A, ROLE.role_id), True),
        (ROLE, (A, ROLE.arn), False),
        (ROLE, (str(ROLE.role_arn),), False),
        (ROOT, (A,), True),
        (ROOT, (USER.arn,), False),
        (Anonymous(), (A,), False),
    ],
)
def test_not_principal_spares_only_who_is_listed_with_the_account(principal, values: tuple[str, ...], expected: bool):
    assert principal_set(map(aws, values)).spares(principal) is expected


def test_a_principal_shows_as_it_was_written():
    assert str(aws(A)) == A
