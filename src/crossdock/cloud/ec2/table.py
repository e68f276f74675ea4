"""EC2 as one table."""

from crossdock.cloud.ec2.describing import describe_security_group_rules, describe_security_groups
from crossdock.cloud.ec2.faults import dry_run
from crossdock.cloud.ec2.finding import on_group
from crossdock.cloud.ec2.groups import Groups, on_new_group
from crossdock.cloud.ec2.ingress import SecurityGroupIngress
from crossdock.cloud.ec2.rules import GroupRules
from crossdock.cloud.ec2.tags import create_tags, delete_tags, on_resources
from crossdock.cloud.ec2.vpcs import describe_subnets, describe_vpcs
from crossdock.operations.call import Call
from crossdock.operations.operation import Handler, Operation, Permissions, Result, ServiceOperations, needs
from crossdock.ports.ingress import SecurityGroupUse


def ec2_operations(*, ingress: SecurityGroupIngress, use: SecurityGroupUse) -> ServiceOperations:
    groups, rules = Groups(ingress, use), GroupRules(ingress)
    return ServiceOperations(
        service="ec2",
        operations={
            "CreateSecurityGroup": _row(groups.create, on_new_group),
            "DeleteSecurityGroup": _row(groups.delete, on_group("ec2:DeleteSecurityGroup")),
            "AuthorizeSecurityGroupIngress": _row(rules.authorize, on_group("ec2:AuthorizeSecurityGroupIngress")),
            "RevokeSecurityGroupIngress": _row(rules.revoke, on_group("ec2:RevokeSecurityGroupIngress")),
            "DescribeSecurityGroups": _row(describe_security_groups, needs("ec2:DescribeSecurityGroups")),
            "DescribeSecurityGroupRules": _row(describe_security_group_rules, needs("ec2:DescribeSecurityGroupRules")),
            "CreateTags": _row(create_tags, on_resources("ec2:CreateTags")),
            "DeleteTags": _row(delete_tags, on_resources("ec2:DeleteTags")),
            "DescribeVpcs": _row(describe_vpcs, needs("ec2:DescribeVpcs")),
            "DescribeSubnets": _row(describe_subnets, needs("ec2:DescribeSubnets")),
        },
        denied_code="UnauthorizedOperation",
        denied_status=403,
    )


def _row(handler: Handler, permissions: Permissions) -> Operation:
    """With `DryRun` the caller only learns that the call is allowed."""

    async def unless_dry(call: Call) -> Result:
        if call.params.get("DryRun"):
            raise dry_run()
        return await handler(call)

    return Operation(handler=unless_dry, permissions=permissions)
