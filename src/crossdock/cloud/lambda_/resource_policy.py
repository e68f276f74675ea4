"""AddPermission, RemovePermission, GetPolicy, and what the authoriser asks about functions.

Source: Lambda API Reference, AddPermission; Lambda Developer Guide, "Viewing resource-based IAM policies in Lambda".
"""

import json
import re
from dataclasses import replace
from typing import Any

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.iam.parsed import named_policy
from crossdock.cloud.iam.principal_pins import UnknownPrincipal, pins_of, stale_pins, with_pins
from crossdock.cloud.iam.resource_policies import ResourceGuard
from crossdock.cloud.lambda_.faults import (
    invalid_parameter,
    no_such_policy,
    no_such_statement,
    statement_exists,
)
from crossdock.cloud.lambda_.functions import Functions
from crossdock.cloud.lambda_.names import LATEST, FunctionRef, function_ref
from crossdock.cloud.lambda_.records import FUNCTIONS, FunctionRecord, PolicyStatement
from crossdock.core.arns import Arn
from crossdock.core.errors import ServiceError
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.policy.document import MalformedPolicy, Policy, PolicyKind, parse_policy
from crossdock.ports.state import Transaction

MAX_POLICY = 20_480

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_SID = re.compile(r"[a-zA-Z0-9_-]{1,100}", re.ASCII)
_ACTION = re.compile(r"lambda:[*]|lambda:[a-zA-Z]+|[*]", re.ASCII)
INVALID_PRINCIPAL = "The provided principal was invalid. Please check the principal and try again."


async def add_permission(functions: Functions, call: Call) -> Result:
    ref = function_ref(call)
    _check_qualifier(ref)
    sid: str = call.params["StatementId"]
    text = _statement(call.params, ref.arn)
    policy = _parsed(text)
    async with policy_transaction(call, functions.epoch) as tx:
        record = await functions.present(tx, call, ref)
        if any(statement.sid == sid for statement in record.statements):
            raise statement_exists(sid)
        try:
            pins = await pins_of(tx, policy)
        except UnknownPrincipal as error:
            raise invalid_parameter(INVALID_PRINCIPAL) from error
        added = PolicyStatement(sid=sid, text=text, pins=pins)
        changed = replace(record, statements=(*record.statements, added), revision_id=_new_revision(call))
        _check_length(changed)
        await FUNCTIONS.put(tx, changed, *changed.key)
    return {"Statement": text}


async def remove_permission(functions: Functions, call: Call) -> Result:
    ref = function_ref(call)
    sid: str = call.params["StatementId"]
    async with policy_transaction(call, functions.epoch) as tx:
        record = await functions.present(tx, call, ref)
        if not record.statements:
            raise ServiceError(
                "ResourceNotFoundException", "No policy is associated with the given resource.", status=404
            )
        kept = tuple(statement for statement in record.statements if statement.sid != sid)
        if len(kept) == len(record.statements):
            raise no_such_statement(sid)
        changed = replace(record, statements=kept, revision_id=_new_revision(call))
        await FUNCTIONS.put(tx, changed, *changed.key)
    return {}


async def get_policy(functions: Functions, call: Call) -> Result:
    ref = function_ref(call)
    async with call.reading() as tx:
        record = await functions.present(tx, call, ref)
        if not record.statements or ref.qualifier:
            raise no_such_policy()
        shown = tuple([await _shown(tx, statement) for statement in record.statements])
    return {"Policy": policy_text(shown), "RevisionId": record.revision_id}


class LambdaPolicies:
    """Implements `cloud.iam.resource_policies.ResourcePolicySource` for functions."""

    def subject_of(self, resource: Arn) -> str:
        """A version or alias is guarded with its function."""
        kind, _, rest = resource.resource.partition(":")
        name = rest.partition(":")[0]
        if kind != "function" or not name or not resource.region or not resource.account_id:
            return ""
        return f"{resource.account_id} {resource.region} {name}"

    async def find(self, tx: Transaction, subject: str) -> ResourceGuard | None:
        account_id, region, name = subject.split(" ")
        record = await FUNCTIONS.get(tx, account_id, region, name)
        if record is None:
            return None
        if not record.statements:
            return ResourceGuard(account_id=account_id)
        pinned = tuple(replace(one, text=_with_pins(one.text, one.pins)) for one in record.statements)
        policy = named_policy(f"resource policy of function {name}", policy_text(pinned), PolicyKind.RESOURCE)
        return ResourceGuard(account_id=account_id, policy=policy)


def policy_text(statements: tuple[PolicyStatement, ...]) -> str:
    document = {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [json.loads(statement.text) for statement in statements],
    }
    return json.dumps(document, separators=(",", ":"))


def principal_element(principal: str) -> Any:
    """How a policy names whom AddPermission names. Raises ServiceError InvalidParameterValueException."""
    if principal == "*":
        return "*"
    if _ACCOUNT.fullmatch(principal):
        return {"AWS": f"arn:aws:iam::{principal}:root"}
    if principal.startswith("arn:"):
        return {"AWS": principal}
    if principal.endswith(".amazonaws.com"):
        return {"Service": principal}
    raise invalid_parameter(INVALID_PRINCIPAL)


def _statement(params: Params, resource: str) -> str:
    """One statement, as AWS writes it."""
    sid, action = params["StatementId"], params["Action"]
    if not _SID.fullmatch(sid):
        raise invalid_parameter("A statement id has up to 100 letters, digits, hyphens and underscores.")
    if not _ACTION.fullmatch(action):
        raise invalid_parameter("The action must be an action of Lambda, such as lambda:InvokeFunction.")
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal_element(params["Principal"]),
        "Action": action,
        "Resource": resource,
    }
    equals = {
        key: params[member]
        for member, key in (
            ("SourceAccount", "AWS:SourceAccount"),
            ("EventSourceToken", "lambda:EventSourceToken"),
            ("FunctionUrlAuthType", "lambda:FunctionUrlAuthType"),
            ("PrincipalOrgID", "aws:PrincipalOrgID"),
        )
        if params.get(member) is not None
    }
    condition: dict[str, Any] = {"StringEquals": equals} if equals else {}
    if params.get("InvokedViaFunctionUrl") is not None:
        condition["Bool"] = {"lambda:InvokedViaFunctionUrl": "true" if params["InvokedViaFunctionUrl"] else "false"}
    if params.get("SourceArn") is not None:
        condition["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
    if condition:
        statement["Condition"] = condition
    return json.dumps(statement, separators=(",", ":"))


def _parsed(text: str) -> Policy:
    document = f'{{"Version":"2012-10-17","Statement":[{text}]}}'
    try:
        return parse_policy(document, PolicyKind.RESOURCE)
    except MalformedPolicy as error:
        raise invalid_parameter(f"{INVALID_PRINCIPAL} ({error.message})") from error


def _check_length(record: FunctionRecord) -> None:
    size = len(policy_text(record.statements))
    if size > MAX_POLICY:
        raise ServiceError(
            "PolicyLengthExceededException",
            f"The final policy size ({size}) is bigger than the limit ({MAX_POLICY}).",
        )


def _check_qualifier(ref: FunctionRef) -> None:
    if ref.qualifier == LATEST:
        raise invalid_parameter("We currently do not support adding policies for $LATEST.")


async def _shown(tx: Transaction, statement: PolicyStatement) -> PolicyStatement:
    """With the id of a role or user that is no more in the place of its ARN, as IAM shows it."""
    return replace(statement, text=_with_pins(statement.text, await stale_pins(tx, statement.pins)))


def _with_pins(text: str, pins: Any) -> str:
    """See `with_pins`, for one statement."""
    if not pins:
        return text
    changed = json.loads(with_pins(f'{{"Statement":{text}}}', pins))
    return json.dumps(changed["Statement"], separators=(",", ":"))


def _new_revision(call: Call) -> str:
    return uuid4_text(call.house.entropy)
