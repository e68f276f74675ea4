"""Which function a FunctionName means: a name, a partial ARN or an ARN, each with or without a qualifier.

Source: Lambda API Reference, Invoke, FunctionName and Qualifier.
"""

import re
from dataclasses import dataclass, replace

from crossdock.cloud.lambda_.faults import invalid_parameter, not_found, validation
from crossdock.core.arns import Arn
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call

LATEST = "$LATEST"
MAX_NAME = 64

_FORM = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?"
    r"(?:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):)?"
    r"(?:(?P<account>\d{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9_-]+)"
    r"(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]+))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRef:
    """A function as a request names it. `qualifier` is empty, `$LATEST`, or a version or alias that cannot exist."""

    account_id: str
    region: str
    name: str
    qualifier: str = ""

    @property
    def arn(self) -> str:
        """As it was named, with its qualifier."""
        plain = function_arn(self.region, self.account_id, self.name)
        return f"{plain}:{self.qualifier}" if self.qualifier else plain

    @property
    def unqualified(self) -> "FunctionRef":
        return replace(self, qualifier="")

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.account_id, self.region, self.name)


def function_arn(region: str, account_id: str, name: str) -> str:
    return str(Arn(service="lambda", region=region, account_id=account_id, resource=f"function:{name}"))


def function_ref(call: Call) -> FunctionRef:
    """The function that the call's FunctionName and Qualifier mean.

    Raises:
        ServiceError: ValidationException, ResourceNotFoundException for one of another region,
            InvalidParameterValueException for two qualifiers.
    """
    ref = _parsed(call, "functionName", call.params["FunctionName"])
    given = call.params.get("Qualifier") or ""
    if given and ref.qualifier and given != ref.qualifier:
        raise invalid_parameter("The derived qualifier from the function name does not match the specified qualifier.")
    return replace(ref, qualifier=ref.qualifier or given)


def tagged_ref(call: Call) -> FunctionRef:
    """The function whose ARN is the call's Resource; tags belong to the function, not to a version of it."""
    ref = _parsed(call, "resource", call.params["Resource"])
    if ref.qualifier:
        raise invalid_parameter(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return ref


def require_latest(ref: FunctionRef) -> None:
    """There are no versions and no aliases. Raises ServiceError ResourceNotFoundException."""
    if ref.qualifier not in ("", LATEST):
        raise not_found(ref.arn)


def _parsed(call: Call, member: str, text: str) -> FunctionRef:
    found = _FORM.fullmatch(text)
    if found is None:
        raise validation(member, text[:200], f"satisfy regular expression pattern: {_FORM.pattern}")
    name = found["name"]
    if len(name) > MAX_NAME:
        raise validation(member, text[:200], f"have length less than or equal to {MAX_NAME}")
    region = found["region"] or call.region
    if region != call.region:
        raise ServiceError(
            "ResourceNotFoundException",
            f"Functions from '{region}' are not reachable in this region ('{call.region}')",
            status=404,
        )
    return FunctionRef(
        account_id=found["account"] or call.account_id,
        region=region,
        name=name,
        qualifier=found["qualifier"] or "",
    )
