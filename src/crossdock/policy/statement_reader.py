"""Reading one statement of a policy document, element by element."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from crossdock.policy.conditions import Condition, UnknownOperator, check_condition
from crossdock.policy.matching import ARN_SEGMENTS, split_arn
from crossdock.policy.operators import InvalidConditionValue
from crossdock.policy.principals import PolicyPrincipal, PrincipalType, is_valid
from crossdock.policy.refusals import MalformedPolicy, Problem
from crossdock.policy.statements import Effect, Statement
from crossdock.policy.variables import Variable, Wild

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Makes the refusal of a problem, in the words of one service."""

    words: Mapping[Problem, str]

    def __call__(self, problem: Problem, *, text: str = "", detail: str = "") -> MalformedPolicy:
        return MalformedPolicy(self.words[problem].format(text=text[:200]), detail)


_ELEMENTS = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)
_EXCLUSIVE = (("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource"))
_SID = re.compile(r"[0-9A-Za-z]*", re.ASCII)
_VENDOR = re.compile(r"[A-Za-z0-9.-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementReader:
    """Reads statements under the rules of one kind of policy."""

    refuse: Refuse
    has_principal: bool
    has_resource: bool
    has_free_sid: bool
    has_variables: bool

    def read(self, source: Mapping[str, Json], number: int) -> Statement:
        """Read the statement with this number, counted from 1.

        Raises:
            MalformedPolicy: what AWS refuses.
        """
        where = f"statement {number}"
        for name in source:
            if name not in _ELEMENTS:
                raise self.refuse(Problem.SYNTAX, detail=f"{where}: unknown element {name!r}")
        for one, other in _EXCLUSIVE:
            if one in source and other in source:
                raise self.refuse(Problem.SYNTAX, detail=f"{where}: both {one} and {other}")
        sid = self._sid(source, where)
        effect = self._effect(source, where)
        actions, not_actions = self._actions(source, where)
        resources, not_resources = self._resources(source, where)
        return Statement(
            sid=sid,
            effect=effect,
            principals=self._principals(source, "Principal", effect, where),
            not_principals=self._principals(source, "NotPrincipal", effect, where),
            actions=actions,
            not_actions=not_actions,
            resources=resources,
            not_resources=not_resources,
            conditions=self._conditions(source, effect, where),
            has_variables=self.has_variables,
        )

    def _sid(self, source: Mapping[str, Json], where: str) -> str:
        sid = source.get("Sid", "")
        if not isinstance(sid, str):
            raise self.refuse(Problem.SYNTAX, detail=f"{where}: Sid is no text")
        if not self.has_free_sid and _SID.fullmatch(sid) is None:
            raise self.refuse(Problem.SID_FORM, detail=where)
        return sid

    def _effect(self, source: Mapping[str, Json], where: str) -> Effect:
        if "Effect" not in source:
            raise self.refuse(Problem.EFFECT_MISSING, detail=f"{where}: no Effect")
        match source["Effect"]:
            case "Allow":
                return Effect.ALLOW
            case "Deny":
                return Effect.DENY
            case str(text) if text.lower() in ("allow", "deny"):
                raise self.refuse(Problem.EFFECT_CASE, detail=f"{where}: Effect is Allow or Deny, spelled so")
            case _:
                raise self.refuse(Problem.EFFECT_FORM, detail=f"{where}: Effect is neither Allow nor Deny")

    def _texts(self, value: Json, name: str, where: str) -> tuple[str, ...]:
        listed = value if isinstance(value, list) else [value]
        texts = tuple(one for one in listed if isinstance(one, str))
        if len(texts) < len(listed):
            raise self.refuse(Problem.SYNTAX, detail=f"{where}: {name} is neither a text nor a list of texts")
        return texts

    def _actions(self, source: Mapping[str, Json], where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        actions = self._texts(source.get("Action", []), "Action", where)
        not_actions = self._texts(source.get("NotAction", []), "NotAction", where)
        if not actions and not not_actions:
            raise self.refuse(Problem.ACTION_MISSING, detail=f"{where}: no Action")
        for action in (*actions, *not_actions):
            self._check_action(action, where)
        return actions, not_actions

    def _check_action(self, action: str, where: str) -> None:
        detail = f"{where}: action {action!r}"
        vendor, colon, name = action.partition(":")
        if not self.has_resource and vendor.lower() != "sts":
            raise self.refuse(Problem.ACTION_NOT_STS, detail=detail)
        if action == "*":
            return
        if not colon or not name:
            raise self.refuse(Problem.ACTION_NO_VENDOR, detail=detail)
        if ":" in name:
            raise self.refuse(Problem.ACTION_COLONS, detail=detail)
        if vendor != "*" and _VENDOR.fullmatch(vendor) is None:
            raise self.refuse(Problem.ACTION_VENDOR, text=vendor, detail=detail)

    def _resources(self, source: Mapping[str, Json], where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if not self.has_resource:
            for name in ("Resource", "NotResource"):
                if name in source:
                    raise self.refuse(Problem.FIELD_PROHIBITED, text=name, detail=where)
            return (), ()
        resources = self._texts(source.get("Resource", []), "Resource", where)
        not_resources = self._texts(source.get("NotResource", []), "NotResource", where)
        if not resources and not not_resources:
            raise self.refuse(Problem.RESOURCE_MISSING, detail=f"{where}: no Resource")
        for resource in (*resources, *not_resources):
            self._check_resource(resource, where)
        return resources, not_resources

    def _check_resource(self, resource: str, where: str) -> None:
        if resource == "*":
            return
        detail = f"{where}: resource {resource!r}"
        segments = split_arn(resource, has_variables=self.has_variables)
        if segments[0] != ("arn",):
            raise self.refuse(Problem.RESOURCE_FORM, text=resource, detail=detail)
        partition, vendor, region = (*segments[1:4], (), (), ())[:3]
        if partition != ("aws",) and not any(isinstance(part, Wild) for part in partition):
            named = resource.split(":", 2)[1]
            raise self.refuse(
                Problem.RESOURCE_PARTITION, text=f'"{named}" is not valid for resource "{resource}"', detail=detail
            )
        # "You can't use a wildcard in the service segment."
        if vendor in ((), ("",)) or any(isinstance(part, Wild | Variable) for part in vendor):
            raise self.refuse(Problem.RESOURCE_VENDOR, text=resource, detail=detail)
        if len(segments) < ARN_SEGMENTS and "::" in resource:
            raise self.refuse(Problem.RESOURCE_LEGACY, detail=detail)
        if vendor == ("iam",) and region not in ((), ("",)) and Wild.ANY not in region:
            raise self.refuse(Problem.RESOURCE_REGION, text=resource, detail=detail)

    def _principals(
        self, source: Mapping[str, Json], name: str, effect: Effect, where: str
    ) -> tuple[PolicyPrincipal, ...]:
        if not self.has_principal:
            if name in source:
                raise self.refuse(Problem.PRINCIPAL_PROHIBITED, detail=f"{where}: {name}")
            return ()
        if name not in source:
            if "Principal" not in source and "NotPrincipal" not in source:
                raise self.refuse(Problem.PRINCIPAL_MISSING, detail=f"{where}: no Principal")
            return ()
        # "NotPrincipal must be used with Deny. Using it with Allow is not supported", and not in trust policies at all.
        if name == "NotPrincipal" and not self.has_resource:
            raise self.refuse(Problem.FIELD_PROHIBITED, text=name, detail=where)
        if name == "NotPrincipal" and effect is Effect.ALLOW:
            raise self.refuse(Problem.ALLOW_NOT_PRINCIPAL, detail=where)
        principals = self._named_principals(source[name], where)
        for principal in principals:
            if not is_valid(principal) or (name == "NotPrincipal" and principal.value == "*"):
                raise self._bad_principal(principal.type, principal.value, where)
        return principals

    def _named_principals(self, value: Json, where: str) -> tuple[PolicyPrincipal, ...]:
        if value == "*":
            return (PolicyPrincipal(type=PrincipalType.EVERYONE, value="*"),)
        if not isinstance(value, dict):
            raise self.refuse(Problem.PRINCIPAL_SYNTAX, detail=f"{where}: a principal is '*' or a JSON object")
        principals: list[PolicyPrincipal] = []
        for key, listed in value.items():
            if key not in (PrincipalType.AWS, PrincipalType.SERVICE, PrincipalType.FEDERATED):
                # CanonicalUser too: no canonical user of S3 exists here.
                raise self._bad_principal(key, "", where)
            principals += (
                PolicyPrincipal(type=PrincipalType(key), value=text) for text in self._texts(listed, key, where)
            )
        if not principals:
            raise self.refuse(Problem.PRINCIPAL_SYNTAX, detail=f"{where}: an empty principal")
        return tuple(principals)

    def _bad_principal(self, key: str, value: str, where: str) -> MalformedPolicy:
        named = f'"{key}":"{value}"'
        return self.refuse(Problem.PRINCIPAL_FORM, text=named, detail=f"{where}: principal {named[:200]}")

    def _conditions(self, source: Mapping[str, Json], effect: Effect, where: str) -> tuple[Condition, ...]:
        block = source.get("Condition", {})
        if not isinstance(block, dict):
            raise self.refuse(Problem.SYNTAX, detail=f"{where}: Condition is no JSON object")
        conditions: list[Condition] = []
        for operator, keys in block.items():
            if not isinstance(keys, dict):
                raise self.refuse(Problem.SYNTAX, detail=f"{where}: {operator} is no JSON object")
            # An operator without keys asks for nothing, but an unknown one is refused all the same.
            self._check(Condition(operator=operator, key="aws:", values=(), is_deny=False), where)
            for key, values in keys.items():
                condition = Condition(
                    operator=operator,
                    key=key,
                    values=self._condition_values(values, key, where),
                    is_deny=effect is Effect.DENY,
                    has_variables=self.has_variables,
                )
                self._check(condition, where)
                conditions.append(condition)
        return tuple(conditions)

    def _condition_values(self, value: Json, key: str, where: str) -> tuple[str, ...]:
        vendor, _, name = key.partition(":")
        if not vendor or not name:
            raise self.refuse(Problem.CONDITION_KEY, detail=f"{where}: condition key {key!r}")
        texts: list[str] = []
        for one in value if isinstance(value, list) else [value]:
            match one:
                case str():
                    texts.append(one)
                case bool():
                    texts.append("true" if one else "false")
                case int():
                    texts.append(str(one))
                case _:
                    raise self.refuse(Problem.SYNTAX, detail=f"{where}: a value of {key} is neither text nor number")
        if not texts:
            raise self.refuse(Problem.SYNTAX, detail=f"{where}: {key} has no values")
        return tuple(texts)

    def _check(self, condition: Condition, where: str) -> None:
        operator = condition.operator
        try:
            check_condition(condition)
        except UnknownOperator as error:
            detail = f"{where}: the condition operator {operator[:200]} is not known"
            raise self.refuse(Problem.CONDITION_OPERATOR, text=operator, detail=detail) from error
        except InvalidConditionValue as error:
            problem = Problem.CONDITION_ADDRESS if "IpAddress" in operator else Problem.CONDITION_VALUE
            raise self.refuse(problem, detail=f"{where}: {operator} {condition.key}: {error}") from error
