"""What to do about a denial, where there is no room for the statement."""

import shlex
from dataclasses import replace

from tests.policy.test_fixes import HUB, PARTNER, case, read

from crossdock.policy.remedies import remedy_of

FUNCTION = f"arn:aws:lambda:us-east-1:{HUB}:function:provider"
SERVER = f"arn:aws:transfer:us-east-1:{HUB}:server/s-1"
INVOKE = {
    "principal": "transfer.amazonaws.com",
    "action": "lambda:InvokeFunction",
    "resource": FUNCTION,
    "resourceAccount": HUB,
    "context": {"aws:SourceAccount": HUB, "aws:SourceArn": SERVER},
}


def test_a_function_that_does_not_let_a_service_in_is_opened_with_a_command() -> None:
    decision = read(case(request=INVOKE, identityPolicies=[])).decide()
    assert remedy_of(decision) == (
        f"in account {HUB}, aws lambda add-permission --function-name {FUNCTION} --statement-id AllowInvokeFunction "
        "--action lambda:InvokeFunction --principal transfer.amazonaws.com "
        f"--source-account {HUB} --source-arn {SERVER}"
    )


def test_the_statement_id_is_none_that_the_function_has() -> None:
    other = {
        "Sid": "AllowInvokeFunction",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
    }
    policy = {"Version": "2012-10-17", "Statement": [other]}
    words = shlex.split(remedy_of(read(case(request=INVOKE, identityPolicies=[], resourcePolicy=policy)).decide()))
    assert words[words.index("--statement-id") + 1] == "AllowInvokeFunction2"


def test_a_function_that_denies_is_told_which_statement() -> None:
    deny = {"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "lambda:*", "Resource": FUNCTION}
    allow = {**deny, "Sid": "Yes", "Effect": "Allow"}
    policy = {"Version": "2012-10-17", "Statement": [deny, allow]}
    remedy = remedy_of(read(case(request=INVOKE, identityPolicies=[], resourcePolicy=policy)).decide())
    assert remedy.startswith(f"in account {HUB}, take statement No out of the policy of function provider")


def test_every_fix_is_named_in_its_account() -> None:
    remedy = remedy_of(read(case(identityPolicies=[])).decide())
    assert remedy == (
        f"in account {HUB}, make the policy file-transfer of transfer of this statement; and in account {PARTNER}, "
        "make the bucket policy of inbox of this statement"
    )


def test_what_is_allowed_needs_none() -> None:
    assert remedy_of(read(case(request={**case()["request"], "resourceAccount": HUB})).decide()) == ""


def test_what_does_not_exist_is_not_opened() -> None:
    decision = read(case(request=INVOKE, identityPolicies=[])).decide()
    missing = replace(decision, request=replace(decision.request, is_missing=True))
    assert remedy_of(missing) == ""
