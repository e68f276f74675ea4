"""Every resource type that a template may use."""

from collections.abc import Mapping

from crossdock.cloud.cloudformation.resources.certificates import CERTIFICATE
from crossdock.cloud.cloudformation.resources.iam import MANAGED_POLICY, POLICY, ROLE
from crossdock.cloud.cloudformation.resources.kind import ResourceKind
from crossdock.cloud.cloudformation.resources.lambda_ import FUNCTION, PERMISSION
from crossdock.cloud.cloudformation.resources.storage import BUCKET, BUCKET_POLICY, LOG_GROUP, SECRET
from crossdock.cloud.cloudformation.resources.transfer import SERVER
from crossdock.cloud.cloudformation.resources.transfer_users import USER
from crossdock.core.errors import ServiceError

KINDS: Mapping[str, ResourceKind] = {
    "AWS::CertificateManager::Certificate": CERTIFICATE,
    "AWS::IAM::ManagedPolicy": MANAGED_POLICY,
    "AWS::IAM::Policy": POLICY,
    "AWS::IAM::Role": ROLE,
    "AWS::Lambda::Function": FUNCTION,
    "AWS::Lambda::Permission": PERMISSION,
    "AWS::Logs::LogGroup": LOG_GROUP,
    "AWS::S3::Bucket": BUCKET,
    "AWS::S3::BucketPolicy": BUCKET_POLICY,
    "AWS::SecretsManager::Secret": SECRET,
    "AWS::Transfer::Server": SERVER,
    "AWS::Transfer::User": USER,
}


def kind_of(resource_type: str) -> ResourceKind:
    """Raises ServiceError for a type that Crossdock cannot make; its sentence goes into the stack's events."""
    if resource_type not in KINDS:
        raise ServiceError(
            "ValidationError",
            f"Crossdock does not support the resource type {resource_type} (it supports: {', '.join(sorted(KINDS))})",
        )
    return KINDS[resource_type]
