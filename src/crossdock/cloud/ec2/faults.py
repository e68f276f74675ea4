"""How EC2 says no, in AWS's words.

Source: Amazon EC2 API Reference, "Error codes for the Amazon EC2 API".
"""

from collections.abc import Sequence

from crossdock.core.errors import ServiceError


def invalid_value(sentence: str) -> ServiceError:
    return ServiceError("InvalidParameterValue", sentence)


def missing(name: str) -> ServiceError:
    return ServiceError("MissingParameter", f"The request must contain the parameter {name}")


def dry_run() -> ServiceError:
    return ServiceError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412)


def no_such_groups(ids: Sequence[str]) -> ServiceError:
    if len(ids) == 1:
        return ServiceError("InvalidGroup.NotFound", f"The security group '{ids[0]}' does not exist")
    return ServiceError("InvalidGroup.NotFound", f"The security groups '{', '.join(ids)}' do not exist")


def no_such_name(name: str, vpc_id: str) -> ServiceError:
    return ServiceError(
        "InvalidGroup.NotFound", f"The security group '{name}' does not exist in default VPC '{vpc_id}'"
    )


def malformed_group_id(text: str) -> ServiceError:
    return ServiceError("InvalidGroupId.Malformed", f'Invalid id: "{text}" (expecting "sg-...")')


def name_taken(name: str, vpc_id: str) -> ServiceError:
    return ServiceError("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc_id}'")


def group_in_use(group_id: str, servers: Sequence[str]) -> ServiceError:
    return ServiceError(
        "DependencyViolation", f"resource {group_id} has a dependent object: {', '.join(sorted(servers))}"
    )


def too_many_groups(vpc_id: str) -> ServiceError:
    return ServiceError(
        "SecurityGroupLimitExceeded", f"The maximum number of security groups for VPC '{vpc_id}' has been reached."
    )


def too_many_rules() -> ServiceError:
    return ServiceError(
        "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."
    )


def rule_exists(rule: str) -> ServiceError:
    return ServiceError("InvalidPermission.Duplicate", f'the specified rule "{rule}" already exists')


def no_such_rule() -> ServiceError:
    return ServiceError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")


def no_such_rule_id(rule_id: str) -> ServiceError:
    return ServiceError("InvalidSecurityGroupRuleId.NotFound", f"The security group rule ID '{rule_id}' does not exist")


def malformed_permission(sentence: str) -> ServiceError:
    return ServiceError("InvalidPermission.Malformed", sentence)
