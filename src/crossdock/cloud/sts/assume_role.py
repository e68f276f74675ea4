"""AssumeRole: temporary credentials for whoever a role's trust policy lets in.

Source: AWS STS API Reference, "AssumeRole"; IAM User Guide, "Session policies" and "Roles terms and concepts", role
chaining.
"""

import json
import math
import re
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from crossdock.cloud.iam.errors import broken_constraint, malformed_document, validation_error
from crossdock.cloud.iam.library import PolicyLibrary
from crossdock.cloud.iam.names import read_tags
from crossdock.cloud.iam.principal_policies import LivingRole, PrincipalDirectory
from crossdock.cloud.sts.access_keys import TEMPORARY_PREFIX
from crossdock.cloud.sts.session_tokens import SessionClaims, SessionTokens
from crossdock.core.arns import Arn, parse_arn
from crossdock.core.errors import Fault, InvalidArn, ServiceError
from crossdock.core.ids import Entropy, iam_id
from crossdock.core.principals import AccountRoot, Anonymous, AssumedRole
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Permission, Result
from crossdock.policy.document import MAX_SESSION_POLICY_CHARS, MalformedPolicy, PolicyKind, parse_policy

DEFAULT_SESSION_S = 3_600
MIN_SESSION_S = 900
MAX_SESSION_S = 43_200
MAX_CHAINED_SESSION_S = 3_600
MAX_SESSION_POLICY_ARNS = 10
PACKED_BYTES = 2_048
"""What policies and tags of a session may take together once packed. AWS's packing is not public; this is zlib."""

_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_SESSION_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}")
# What would change who may do what, and is not here, is refused rather than left out.
_NOT_IMPLEMENTED = ("SerialNumber", "TokenCode", "SourceIdentity", "ProvidedContexts", "TransitiveTagKeys")


class AssumeRole:
    """The operation: what it needs, and what it does."""

    def __init__(
        self, *, principals: PrincipalDirectory, tokens: SessionTokens, library: PolicyLibrary, longest_s: float
    ) -> None:
        self._principals = principals
        self._tokens = tokens
        self._library = library
        self._longest_s = longest_s

    def permissions(self, call: Call) -> Sequence[Permission]:
        """sts:AssumeRole on the role, and sts:TagSession when the session gets tags; the trust policy decides."""
        match call.caller.principal:
            case AccountRoot():
                raise ServiceError("AccessDenied", "Roles may not be assumed by root accounts.", status=403)
            case Anonymous():
                raise ServiceError("MissingAuthenticationToken", "Request is missing Authentication Token", status=403)
            case _:
                pass
        params = call.params
        _check(params)
        context: dict[str, tuple[str, ...]] = {"sts:RoleSessionName": (params["RoleSessionName"],)}
        if (external_id := params.get("ExternalId")) is not None:
            context["sts:ExternalId"] = (external_id,)
        tags = read_tags(params.get("Tags", ()))
        if tags:
            context["aws:TagKeys"] = tuple(tags)
            context |= {f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}
        role_arn: str = params["RoleArn"]
        needed = [Permission(action="sts:AssumeRole", resource=role_arn, context=context)]
        if tags:
            needed.append(Permission(action="sts:TagSession", resource=role_arn, context=context))
        return needed

    async def handler(self, call: Call) -> Result:
        params = call.params
        role = await self._principals.role(parse_arn(params["RoleArn"]))
        if role is None:
            # It was there when the permission was decided.
            raise ServiceError("AccessDenied", f"Role {params['RoleArn']} cannot be assumed.", status=403)
        duration_s: int = params.get("DurationSeconds", DEFAULT_SESSION_S)
        _check_duration(duration_s, role, is_chained=isinstance(call.caller.principal, AssumedRole))
        policy_arns = tuple(item.get("arn", "") for item in params.get("PolicyArns", ()))
        await self._check_session_policies(call, role, policy_arns)
        tags = read_tags(params.get("Tags", ()))
        packed_percent = _packed_percent(params.get("Policy", ""), policy_arns, tags)
        now = call.now.replace(microsecond=0)
        claims = SessionClaims(
            access_key_id=_access_key_id(call.house.entropy),
            secret=b64encode(call.house.entropy(30)).decode(),
            role_arn=str(role.role_arn),
            role_id=role.role_id,
            session_name=params["RoleSessionName"],
            issued_at=now,
            expires_at=now + timedelta(seconds=min(duration_s, self._longest_s)),
            policy=params.get("Policy", ""),
            policy_arns=policy_arns,
            tags=tags,
        )
        answer = self._answer(claims)
        if claims.policy or policy_arns or tags:
            answer["PackedPolicySize"] = packed_percent
        return answer

    def _answer(self, claims: SessionClaims) -> dict[str, Any]:
        session = AssumedRole(
            role_arn=parse_arn(claims.role_arn), role_id=claims.role_id, session_name=claims.session_name
        )
        return {
            "Credentials": {
                "AccessKeyId": claims.access_key_id,
                "SecretAccessKey": claims.secret,
                "SessionToken": self._tokens.issue(claims),
                "Expiration": claims.expires_at,
            },
            "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
        }

    async def _check_session_policies(self, call: Call, role: LivingRole, policy_arns: Sequence[str]) -> None:
        if (text := call.params.get("Policy")) is not None:
            if len(text) > MAX_SESSION_POLICY_CHARS:
                raise broken_constraint("policy", text, f"have length less than or equal to {MAX_SESSION_POLICY_CHARS}")
            try:
                parse_policy(text, PolicyKind.SESSION)
            except MalformedPolicy as error:
                raise malformed_document(error.message) from error
        if not policy_arns:
            return
        async with call.reading() as tx:
            for arn in policy_arns:
                if await self._library.document(tx, role.role_arn.account_id, arn) is None:
                    raise validation_error(f"Policy {arn} does not exist or is not attachable.")


def _check(params: Params) -> None:
    """What can be said without looking anything up."""
    if not _is_role_arn(params["RoleArn"]):
        raise validation_error(f"{params['RoleArn']} is invalid")
    if not _SESSION_NAME.fullmatch(params["RoleSessionName"]):
        raise broken_constraint(
            "roleSessionName",
            params["RoleSessionName"],
            r"satisfy regular expression pattern: [\w+=,.@-]* and have 2 to 64 characters",
        )
    duration_s = params.get("DurationSeconds", DEFAULT_SESSION_S)
    if duration_s < MIN_SESSION_S:
        raise broken_constraint("durationSeconds", duration_s, f"have value greater than or equal to {MIN_SESSION_S}")
    if duration_s > MAX_SESSION_S:
        raise broken_constraint("durationSeconds", duration_s, f"have value less than or equal to {MAX_SESSION_S}")
    external_id = params.get("ExternalId")
    if external_id is not None and not _EXTERNAL_ID.fullmatch(external_id):
        raise broken_constraint(
            "externalId",
            external_id,
            r"satisfy regular expression pattern: [\w+=,.@:\/-]* and have 2 to 1224 characters",
        )
    if len(params.get("PolicyArns", ())) > MAX_SESSION_POLICY_ARNS:
        raise broken_constraint("policyArns", "…", f"have length less than or equal to {MAX_SESSION_POLICY_ARNS}")
    for name in _NOT_IMPLEMENTED:
        if params.get(name):
            raise ServiceError(
                "NotImplemented",
                f"Crossdock does not implement AssumeRole with {name}.",
                status=501,
                fault=Fault.RECEIVER,
            )


def _is_role_arn(text: str) -> bool:
    try:
        arn: Arn = parse_arn(text)
    except InvalidArn:
        return False
    return (
        arn.service == "iam"
        and not arn.region
        and arn.resource.startswith("role/")
        and _ACCOUNT_ID.fullmatch(arn.account_id) is not None
    )


def _check_duration(duration_s: int, role: LivingRole, *, is_chained: bool) -> None:
    if is_chained and duration_s > MAX_CHAINED_SESSION_S:
        raise validation_error(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        )
    if duration_s > role.max_session_s:
        raise validation_error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def _packed_percent(policy: str, policy_arns: Sequence[str], tags: Mapping[str, str]) -> int:
    """How full the session's policies and tags make the room for them. Raises PackedPolicyTooLarge."""
    packed = zlib.compress(json.dumps([policy, list(policy_arns), dict(tags)]).encode(), 9)
    percent = math.ceil(100 * len(packed) / PACKED_BYTES)
    if percent > 100:
        raise ServiceError(
            "PackedPolicyTooLarge",
            f"Packed policy consumes {percent}% of allotted space, please use smaller policy.",
        )
    return percent


def _access_key_id(entropy: Entropy) -> str:
    """`ASIA` and 16 letters and digits."""
    return iam_id(TEMPORARY_PREFIX, entropy)[:20]
