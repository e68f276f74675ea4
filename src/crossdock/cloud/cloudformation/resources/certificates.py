"""AWS::CertificateManager::Certificate."""

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.resources.kind import (
    CannotUpdate,
    Properties,
    ResourceKind,
    Workplace,
    changed_names,
    given,
    ignoring_absence,
    tag_changes,
)
from crossdock.cloud.cloudformation.resources.shapes import TAGS, TEXTS, text


async def _create(at: Workplace, properties: Properties) -> Made:
    names = ("DomainName", "KeyAlgorithm", "SubjectAlternativeNames", "Tags", "ValidationMethod")
    arn: str = (await at.do("acm", "RequestCertificate", given(properties, *names)))["CertificateArn"]
    await at.claim(arn)
    return Made(physical_id=arn, ref=arn)


async def _update(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    if changed_names(old, new) - {"Tags"}:
        raise CannotUpdate
    tags, removed = tag_changes(old, new)
    arn = {"CertificateArn": physical_id}
    if removed:
        await at.do("acm", "RemoveTagsFromCertificate", {**arn, "Tags": [{"Key": key} for key in removed]})
    if tags:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        await at.do("acm", "AddTagsToCertificate", {**arn, "Tags": listed})
    return Made(physical_id=physical_id, ref=physical_id)


async def _delete(at: Workplace, physical_id: str, _properties: Properties) -> None:
    await ignoring_absence(at.do("acm", "DeleteCertificate", {"CertificateArn": physical_id}))


CERTIFICATE = ResourceKind(
    create=_create,
    update=_update,
    delete=_delete,
    properties={
        "DomainName": text,
        "KeyAlgorithm": text,
        "SubjectAlternativeNames": TEXTS,
        "Tags": TAGS,
        "ValidationMethod": text,
    },
    required=frozenset({"DomainName"}),
    # The house issues without asking who owns the domain, and tells no log of it.
    ignored=frozenset({"CertificateTransparencyLoggingPreference", "DomainValidationOptions"}),
)
