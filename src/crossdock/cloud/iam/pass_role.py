"""iam:PassRole: who hands a role to a service must be allowed to.

Source: IAM User Guide, "Granting a user permissions to pass a role to an AWS service".
"""

from crossdock.operations.operation import Permission


def pass_role(role_arn: str, service: str) -> Permission:
    """What an operation that takes a role for a service needs besides its own action.

    Args:
        role_arn: the role that is handed over, as the caller wrote it.
        service: the principal that will assume it, `lambda.amazonaws.com` for instance.
    """
    return Permission(action="iam:PassRole", resource=role_arn, context={"iam:PassedToService": (service,)})
