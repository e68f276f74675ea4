"""What ACM's operations need, decided on the certificate that is meant.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Certificate Manager".
"""

from collections.abc import Callable, Mapping, Sequence

from crossdock.cloud.acm.finding import certificate_at
from crossdock.cloud.acm.records import certificate_arn
from crossdock.cloud.acm.requesting import DEFAULT_KEY, DEFAULT_VALIDATION
from crossdock.operations.call import Call
from crossdock.operations.operation import Permission, Permissions

Keys = Mapping[str, tuple[str, ...]]


def _no_keys(_call: Call) -> Keys:
    return {}


def on_certificate(action: str, keys: Callable[[Call], Keys] = _no_keys) -> Permissions:
    async def permissions(call: Call) -> Sequence[Permission]:
        return await _on_present(call, action, keys(call))

    return permissions


async def on_import(call: Call) -> Sequence[Permission]:
    if "CertificateArn" in call.params:
        return await _on_present(call, "acm:ImportCertificate", {})
    return _on_new(call, "acm:ImportCertificate", {})


def on_request(call: Call) -> Sequence[Permission]:
    params = call.params
    return _on_new(
        call,
        "acm:RequestCertificate",
        {
            "acm:DomainNames": (params["DomainName"], *params.get("SubjectAlternativeNames", ())),
            "acm:KeyAlgorithm": (params.get("KeyAlgorithm", DEFAULT_KEY),),
            "acm:ValidationMethod": (params.get("ValidationMethod", DEFAULT_VALIDATION),),
        },
    )


def tag_keys(call: Call) -> Keys:
    tags = {tag["Key"]: tag.get("Value", "") for tag in call.params.get("Tags", ())}
    keys: dict[str, tuple[str, ...]] = {f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}
    return {**keys, "aws:TagKeys": tuple(tags)} if tags else keys


async def _on_present(call: Call, action: str, keys: Keys) -> Sequence[Permission]:
    arn: str = call.params["CertificateArn"]
    async with call.reading() as tx:
        record = await certificate_at(tx, arn)
    tags = record.tags if record is not None else {}
    context = {**{f"aws:ResourceTag/{key}": (value,) for key, value in tags.items()}, **keys}
    return [Permission(action=action, resource=arn, context=context)]


def _on_new(call: Call, action: str, keys: Keys) -> Sequence[Permission]:
    """The id is not known before, so the policy must allow certificates whatever their id."""
    arn = certificate_arn(call.region, call.account_id, "*")
    context = {**keys, **tag_keys(call)}
    actions = (action, "acm:AddTagsToCertificate") if call.params.get("Tags") else (action,)
    return [Permission(action=one, resource=arn, context=context) for one in actions]
