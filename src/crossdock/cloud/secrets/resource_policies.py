"""Put, Get, Delete and ValidateResourcePolicy, and what the authoriser asks about secrets.

Source: Secrets Manager API Reference, the operations of these names; Secrets Manager User Guide, "Resource-based
policies" and "Access AWS Secrets Manager secrets from a different account".
"""

from dataclasses import replace

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.iam.parsed import named_policy
from crossdock.cloud.iam.principal_pins import UnknownPrincipal, pins_of, stale_pins, with_pins
from crossdock.cloud.iam.resource_policies import ResourceGuard
from crossdock.cloud.secrets.faults import malformed_policy, public_policy
from crossdock.cloud.secrets.finding import living_secret, split_suffix
from crossdock.cloud.secrets.records import SECRETS, SecretRecord
from crossdock.cloud.secrets.vault import write_secret
from crossdock.core.arns import Arn
from crossdock.operations.call import Call
from crossdock.operations.caller import global_context
from crossdock.operations.operation import Result
from crossdock.policy.document import MalformedPolicy, Policy, PolicyKind, parse_policy
from crossdock.policy.evaluate import AccessRequest, NamedPolicy, PolicySet, Verdict, evaluate
from crossdock.policy.public_access import is_public
from crossdock.ports.host import Epoch
from crossdock.ports.state import Transaction

PUT_POLICY = "secretsmanager:PutResourcePolicy"


async def put_resource_policy(epoch: Epoch, call: Call) -> Result:
    text: str = call.params["ResourcePolicy"]
    policy = _parsed(text)
    if call.params.get("BlockPublicPolicy") and is_public(policy):
        raise public_policy()
    async with policy_transaction(call, epoch) as tx:
        secret = await living_secret(tx, call)
        pins = await _pins(tx, policy)
        await write_secret(tx, replace(secret, policy=text, policy_pins=pins))
    return _named(secret)


async def get_resource_policy(call: Call) -> Result:
    """Without `ResourcePolicy` where there is none."""
    async with call.reading() as tx:
        secret = await living_secret(tx, call)
        if not secret.policy:
            return _named(secret)
        shown = with_pins(secret.policy, await stale_pins(tx, secret.policy_pins))
    return {**_named(secret), "ResourcePolicy": shown}


async def delete_resource_policy(epoch: Epoch, call: Call) -> Result:
    """Deleting what is not there succeeds."""
    async with policy_transaction(call, epoch) as tx:
        secret = await living_secret(tx, call)
        await write_secret(tx, replace(secret, policy="", policy_pins={}))
    return _named(secret)


async def validate_resource_policy(call: Call) -> Result:
    """The three checks: syntax, broad access, and that the caller could still put another policy.

    AWS does not publish what it calls its checks; a policy that cannot be read fails the whole call.
    """
    policy = _parsed(call.params["ResourcePolicy"])
    async with call.reading() as tx:
        secret = await living_secret(tx, call) if "SecretId" in call.params else None
        await _pins(tx, policy)
    failed = []
    if is_public(policy):
        failed.append(("PUBLIC_POLICY", public_policy().message))
    if secret is not None and _locks_out(call, secret, policy):
        sentence = f"The resource policy denies {PUT_POLICY} to {call.caller.principal.arn}, who asks."
        failed.append(("CALLER_LOCKOUT", sentence))
    return {
        "PolicyValidationPassed": not failed,
        "ValidationErrors": [{"CheckName": name, "ErrorMessage": sentence} for name, sentence in failed],
    }


class SecretPolicies:
    """Implements `cloud.iam.resource_policies.ResourcePolicySource` for secrets.

    A secret's ARN is never given again, so that none but a new policy changes what is kept by it.
    """

    def subject_of(self, resource: Arn) -> str:
        kind, _, suffixed = resource.resource.partition(":")
        if kind != "secret" or not suffixed or not resource.region or not resource.account_id:
            return ""
        return f"{resource.account_id} {resource.region} {suffixed}"

    async def find(self, tx: Transaction, subject: str) -> ResourceGuard | None:
        account_id, region, suffixed = subject.split(" ", 2)
        name, suffix = split_suffix(suffixed)
        secret = await SECRETS.get(tx, account_id, region, name) if suffix else None
        if secret is None or secret.suffix != suffix:
            return None
        if not secret.policy:
            return ResourceGuard(account_id=account_id)
        text = with_pins(secret.policy, secret.policy_pins)
        policy = named_policy(f"resource policy of secret {name}", text, PolicyKind.RESOURCE)
        return ResourceGuard(account_id=account_id, policy=policy)


def _parsed(text: str) -> Policy:
    """Raises ServiceError MalformedPolicyDocumentException."""
    try:
        return parse_policy(text, PolicyKind.RESOURCE)
    except MalformedPolicy as error:
        raise malformed_policy(f"{error.message} ({error.detail})" if error.detail else error.message) from error


async def _pins(tx: Transaction, policy: Policy) -> dict[str, str]:
    """Raises ServiceError MalformedPolicyDocumentException for a policy that names nobody there is."""
    try:
        return await pins_of(tx, policy)
    except UnknownPrincipal as error:
        raise malformed_policy(f"This resource policy contains an unsupported principal. ({error.value})") from error


def _locks_out(call: Call, secret: SecretRecord, policy: Policy) -> bool:
    request = AccessRequest(
        principal=call.caller.principal,
        action=PUT_POLICY,
        resource=secret.arn,
        resource_account=secret.account_id,
        context=global_context(call.caller, call.origin, region=call.region, now=call.now),
    )
    decision = evaluate(request, PolicySet(resource=NamedPolicy(name="ResourcePolicy", policy=policy)))
    return decision.verdict is Verdict.EXPLICIT_DENY


def _named(secret: SecretRecord) -> dict[str, object]:
    return {"ARN": secret.arn, "Name": secret.name}
