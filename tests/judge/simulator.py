"""The independent judge: cloud-copilot's `iam-simulate`, a process of its own that is asked a line at a time.

It is a tool of the tests only (AGPL): `scripts/install-judge` puts it into `.judge`, and nothing of it is shipped.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossdock.core.principals import AccountRoot
from crossdock.policy.cases import Case
from crossdock.policy.evaluate import Verdict

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".judge"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True, slots=True)
class Judgement:
    """Its verdict, or why it would not judge. `ignored` are keys that it says the action does not have."""

    verdict: Verdict | None
    refused: str = ""
    ignored: frozenset[str] = frozenset()


class Judge:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def decide(self, case: Case, document: Mapping[str, Any]) -> Judgement:
        """`document` is the case as it was written, `case` as it was read: with the principal's keys filled in."""
        ask, answers = self._process.stdin, self._process.stdout
        assert ask is not None
        assert answers is not None
        ask.write(json.dumps(simulation(case, document)) + "\n")
        ask.flush()
        answer = json.loads(answers.readline())
        if "refused" in answer:
            return Judgement(None, refused=answer["refused"])
        return Judgement(Verdict(answer["verdict"]), ignored=frozenset(map(str.lower, answer["ignored"])))


@contextmanager
def judge() -> Iterator[Judge]:
    assert (FOLDER / "node_modules").is_dir(), "the judge is missing: run `scripts/install-judge`"
    process = subprocess.Popen(
        ["node", str(FOLDER / "judge.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield Judge(process)
        assert process.stdin is not None
        process.stdin.close()


def simulation(case: Case, document: Mapping[str, Any]) -> dict[str, Any]:
    """The same question in the judge's words.

    The judge does not know that the root user may do everything in its own account, so it is told by a policy; and a
    key without values is to it no absent one, so such a key is left out ("Condition operators", Null).
    """
    asked = document["request"]
    session = document["sessionPolicies"]
    is_root = isinstance(case.request.principal, AccountRoot)
    return {
        "request": {
            "principal": asked["principal"],
            "action": asked["action"],
            "resource": {"resource": asked["resource"], "accountId": asked["resourceAccount"]},
            "contextVariables": {
                key: values[0] if len(values) == 1 else list(values)
                for key, values in case.request.context.items()
                if values
            },
        },
        "identityPolicies": _named("identity", [EVERYTHING] if is_root else document["identityPolicies"]),
        "serviceControlPolicies": [
            {"orgIdentifier": f"level-{number}", "policies": _named(f"level-{number}", level)}
            for number, level in enumerate(document["serviceControlPolicies"])
        ],
        "resourceControlPolicies": [],
        **({"sessionPolicy": session[0]} if session else {}),
        **({"resourcePolicy": document["resourcePolicy"]} if document["resourcePolicy"] else {}),
        **(
            {"permissionBoundaryPolicies": _named("boundary", document["permissionBoundaries"])}
            if document["permissionBoundaries"]
            else {}
        ),
    }


def _named(kind: str, listed: list[Any]) -> list[dict[str, Any]]:
    return [{"name": f"{kind}-{number}", "policy": policy} for number, policy in enumerate(listed)]
