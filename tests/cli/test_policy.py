"""`crossdock policy test`: case files decided without a service."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALLOW = {"Version": "2012-10-17", "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}]}
CASE = {
    "name": "the hub may read",
    "request": {
        "principal": "arn:aws:iam::111111111111:user/alice",
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::inbox/a.csv",
        "resourceAccount": "111111111111",
    },
    "identityPolicies": [{"name": "alice/full", "policy": ALLOW}],
    "expected": "Allowed",
}
PARTNERS = {
    **CASE,
    "name": "a partner may read",
    "request": {**CASE["request"], "resourceAccount": "222222222222"},
    "expected": "Allowed",
}


@pytest.fixture
def write(tmp_path):
    def write(name: str, cases: object) -> str:
        path = tmp_path / name
        path.write_text(json.dumps(cases), encoding="utf-8")
        return str(path)

    return write


def test_each_verdict_is_a_line_and_the_last_counts_them(crossdock, write):
    done = crossdock("policy", "test", write("one.json", CASE), write("two.json", [{**CASE, "name": "again"}]))
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "ok      Allowed           the hub may read",
        "ok      Allowed           again",
        "2 of 2 as expected",
    ]


def test_a_verdict_that_differs_is_told_with_its_reason_and_exit_code_1(crossdock, write):
    done = crossdock("policy", "test", write("cases.json", [CASE, PARTNERS]))
    assert done.exit_code == 1
    assert done.stdout.splitlines()[1:] == [
        "DIFFERS ImplicitlyDenied  a partner may read",
        "        expected Allowed, but there is no bucket policy of inbox (account 222222222222), which alone could "
        "allow s3:GetObject on arn:aws:s3:::inbox/a.csv to user alice",
        "1 of 2 as expected",
    ]


def test_json_has_exactly_the_members_that_scripts_rely_on(crossdock, write):
    nobody = {**PARTNERS, "identityPolicies": [], "expected": "ImplicitlyDenied"}
    done = crossdock("policy", "test", "-o", "json", write("cases.json", [CASE, nobody]))
    assert done.exit_code == 0
    assert json.loads(done.stdout) == [
        {
            "name": "the hub may read",
            "expected": "Allowed",
            "verdict": "Allowed",
            "reasons": ["allowed by statement All of identity-based policy alice/full of user alice"],
        },
        {
            "name": "a partner may read",
            "expected": "ImplicitlyDenied",
            "verdict": "ImplicitlyDenied",
            "reasons": [
                "no identity-based policy of user alice allows s3:GetObject on arn:aws:s3:::inbox/a.csv",
                "there is no bucket policy of inbox (account 222222222222), which alone could allow s3:GetObject on "
                "arn:aws:s3:::inbox/a.csv to user alice",
            ],
        },
    ]


def test_a_case_that_cannot_be_read_is_named_with_its_file(crossdock, write):
    path = write("bad.json", {**CASE, "expected": "Perhaps"})
    done = crossdock("policy", "test", path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error: {path}: the hub may read: expected is none of Allowed, ImplicitlyDenied, ExplicitlyDenied\n"
    )


def test_a_file_that_is_no_text_is_named(crossdock, tmp_path):
    (tmp_path / "cases.json").write_bytes(b"\xff\xfe")
    done = crossdock("policy", "test", str(tmp_path / "cases.json"))
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {tmp_path}/cases.json: ")


def test_the_example_of_the_manual_is_one_that_can_be_decided(crossdock, tmp_path):
    page = (ROOT / "docs" / "policy-cases.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (tmp_path / "example.json").write_text(example, encoding="utf-8")
    assert crossdock("policy", "test", str(tmp_path / "example.json")).exit_code == 0


def test_the_projects_own_cases_are_as_expected(crossdock):
    files = [str(path) for path in (ROOT / "tests" / "policy" / "cases").glob("*.json")]
    assert crossdock("policy", "test", *files).exit_code == 0


def test_what_a_case_holds_stays_on_its_line(crossdock, write):
    forged = {**PARTNERS, "name": "one\nok      Allowed           another\u2028\x1b[1m", "serviceControlPolicies": [[]]}
    unreadable = {**CASE, "name": "\ud800x"}
    done = crossdock("policy", "test", write("cases.json", [forged, unreadable]))
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 4
    assert done.stdout.splitlines()[0].endswith(" one\ufffdok      Allowed           another\ufffd\ufffd[1m")
    assert done.stdout.splitlines()[2] == "ok      Allowed           \ufffdx"


def test_a_malformed_case_is_told_on_one_line(crossdock, write):
    done = crossdock("policy", "test", write("cases.json", {**CASE, "name": "a\nb\udfff", "expected": "Maybe"}))
    assert done.exit_code == 1
    assert "a\ufffdb\ufffd: expected is none of" in done.stderr
