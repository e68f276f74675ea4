"""Why a policy document is refused, and how AWS words it: IAM and S3 have their own sentences."""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from crossdock.core.errors import CrossdockError


class MalformedPolicy(CrossdockError):
    """A policy document that AWS would not take.

    The message is AWS's sentence, for the error that a caller gets; `detail` says where and what, as far as that
    sentence does not.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class PolicyTooLong(MalformedPolicy):
    """A policy over its quota: IAM answers LimitExceeded rather than MalformedPolicyDocument."""


class Problem(Enum):
    """Everything that can be wrong with a document."""

    JSON = auto()
    SYNTAX = auto()
    STATEMENT_MISSING = auto()
    STATEMENT_EMPTY = auto()
    VERSION_FORM = auto()
    VERSION_TOO_OLD = auto()
    FIELD_PROHIBITED = auto()
    SID_FORM = auto()
    SID_REPEATED = auto()
    EFFECT_MISSING = auto()
    EFFECT_FORM = auto()
    EFFECT_CASE = auto()
    PRINCIPAL_PROHIBITED = auto()
    PRINCIPAL_MISSING = auto()
    PRINCIPAL_SYNTAX = auto()
    PRINCIPAL_FORM = auto()
    ALLOW_NOT_PRINCIPAL = auto()
    ACTION_MISSING = auto()
    ACTION_NO_VENDOR = auto()
    ACTION_COLONS = auto()
    ACTION_VENDOR = auto()
    ACTION_NOT_STS = auto()
    RESOURCE_MISSING = auto()
    RESOURCE_FORM = auto()
    RESOURCE_PARTITION = auto()
    RESOURCE_VENDOR = auto()
    RESOURCE_REGION = auto()
    RESOURCE_LEGACY = auto()
    CONDITION_OPERATOR = auto()
    CONDITION_KEY = auto()
    CONDITION_VALUE = auto()
    CONDITION_ADDRESS = auto()


_IAM_SYNTAX = "Syntax errors in policy."
_IAM_LEGACY = "The policy failed legacy parsing"
_IAM_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."

IAM_WORDS: Mapping[Problem, str] = MappingProxyType(
    {
        Problem.JSON: _IAM_SYNTAX,
        Problem.SYNTAX: _IAM_SYNTAX,
        Problem.STATEMENT_MISSING: _IAM_SYNTAX,
        Problem.STATEMENT_EMPTY: _IAM_SYNTAX,
        Problem.VERSION_FORM: _IAM_SYNTAX,
        Problem.VERSION_TOO_OLD: "Policy document must be version 2012-10-17 or greater.",
        Problem.FIELD_PROHIBITED: "Has prohibited field {text}",
        Problem.SID_FORM: "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular "
        "expression [0-9A-Za-z]*",
        Problem.SID_REPEATED: "Statement IDs (SID) in a single policy must be unique.",
        Problem.EFFECT_MISSING: _IAM_SYNTAX,
        Problem.EFFECT_FORM: _IAM_SYNTAX,
        Problem.EFFECT_CASE: _IAM_LEGACY,
        Problem.PRINCIPAL_PROHIBITED: "Policy document should not specify a principal.",
        Problem.PRINCIPAL_MISSING: "Missing required field Principal",
        Problem.PRINCIPAL_SYNTAX: _IAM_SYNTAX,
        Problem.PRINCIPAL_FORM: "Invalid principal in policy: {text}",
        Problem.ALLOW_NOT_PRINCIPAL: "Has prohibited field NotPrincipal",
        Problem.ACTION_MISSING: "Policy statement must contain actions.",
        Problem.ACTION_NO_VENDOR: _IAM_VENDOR,
        Problem.ACTION_COLONS: "Actions/Condition can contain only one colon.",
        Problem.ACTION_VENDOR: "Vendor {text} is not valid",
        Problem.ACTION_NOT_STS: "AssumeRole policy may only specify STS AssumeRole actions.",
        Problem.RESOURCE_MISSING: "Policy statement must contain resources.",
        Problem.RESOURCE_FORM: 'Resource {text} must be in ARN format or "*".',
        Problem.RESOURCE_PARTITION: "Partition {text}.",
        Problem.RESOURCE_VENDOR: "Resource vendor must be fully qualified and cannot contain regexes.",
        Problem.RESOURCE_REGION: "IAM resource {text} cannot contain region information.",
        Problem.RESOURCE_LEGACY: _IAM_LEGACY,
        Problem.CONDITION_OPERATOR: _IAM_SYNTAX,
        Problem.CONDITION_KEY: _IAM_VENDOR,
        Problem.CONDITION_VALUE: _IAM_LEGACY,
        Problem.CONDITION_ADDRESS: _IAM_LEGACY,
    }
)

_S3_SYNTAX = "Invalid policy syntax."
_S3_ACTION = "Policy has invalid action"
_S3_RESOURCE = "Policy has invalid resource"

S3_WORDS: Mapping[Problem, str] = MappingProxyType(
    {
        Problem.JSON: "Policies must be valid JSON and the first byte must be '{{'",
        Problem.SYNTAX: _S3_SYNTAX,
        Problem.STATEMENT_MISSING: "Missing required field Statement",
        Problem.STATEMENT_EMPTY: "Could not parse the policy: Statement is empty!",
        Problem.VERSION_FORM: "The policy must contain a valid version string",
        Problem.VERSION_TOO_OLD: "The policy must contain a valid version string",
        Problem.FIELD_PROHIBITED: _S3_SYNTAX,
        Problem.SID_FORM: _S3_SYNTAX,
        Problem.SID_REPEATED: _S3_SYNTAX,
        Problem.EFFECT_MISSING: "Missing required field Effect",
        Problem.EFFECT_FORM: _S3_SYNTAX,
        Problem.EFFECT_CASE: _S3_SYNTAX,
        Problem.PRINCIPAL_PROHIBITED: _S3_SYNTAX,
        Problem.PRINCIPAL_MISSING: "Missing required field Principal",
        Problem.PRINCIPAL_SYNTAX: _S3_SYNTAX,
        Problem.PRINCIPAL_FORM: "Invalid principal in policy",
        Problem.ALLOW_NOT_PRINCIPAL: "Allow with NotPrincipal is not allowed.",
        Problem.ACTION_MISSING: "Missing required field Action",
        Problem.ACTION_NO_VENDOR: _S3_ACTION,
        Problem.ACTION_COLONS: _S3_ACTION,
        Problem.ACTION_VENDOR: _S3_ACTION,
        Problem.ACTION_NOT_STS: _S3_ACTION,
        Problem.RESOURCE_MISSING: "Missing required field Resource",
        Problem.RESOURCE_FORM: _S3_RESOURCE,
        Problem.RESOURCE_PARTITION: _S3_RESOURCE,
        Problem.RESOURCE_VENDOR: _S3_RESOURCE,
        Problem.RESOURCE_REGION: _S3_RESOURCE,
        Problem.RESOURCE_LEGACY: _S3_RESOURCE,
        Problem.CONDITION_OPERATOR: "Invalid Condition type : {text}",
        Problem.CONDITION_KEY: "Policy has an invalid condition key",
        Problem.CONDITION_VALUE: _S3_SYNTAX,
        Problem.CONDITION_ADDRESS: "Invalid IP address in Conditions",
    }
)
