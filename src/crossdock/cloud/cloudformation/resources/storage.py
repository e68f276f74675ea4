"""AWS::S3::Bucket, AWS::S3::BucketPolicy, AWS::SecretsManager::Secret, AWS::Logs::LogGroup."""

import json
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.resources.kind import (
    CannotUpdate,
    Properties,
    ResourceKind,
    Workplace,
    given,
    ignoring_absence,
    tag_list,
    whole_number,
)
from crossdock.core.errors import ServiceError


async def _create_bucket(at: Workplace, properties: Properties) -> Made:
    name = properties.get("BucketName") or at.generated_name(max_length=63, is_lower=True)
    region = at.call.region
    location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    await at.do("s3", "CreateBucket", {"Bucket": name, **location})
    return Made(
        physical_id=name,
        ref=name,
        attributes={
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        },
    )


async def _delete_bucket(at: Workplace, physical_id: str, _properties: Properties) -> None:
    await ignoring_absence(at.do("s3", "DeleteBucket", {"Bucket": physical_id}))


async def _put_bucket_policy(at: Workplace, properties: Properties) -> Made:
    document = properties["PolicyDocument"]
    text = document if isinstance(document, str) else json.dumps(document)
    await at.do("s3", "PutBucketPolicy", {"Bucket": properties["Bucket"], "Policy": text})
    return Made(physical_id=properties["Bucket"], ref=properties["Bucket"])


async def _update_bucket_policy(at: Workplace, _physical_id: str, old: Properties, new: Properties) -> Made:
    if old["Bucket"] != new["Bucket"]:
        raise CannotUpdate
    return await _put_bucket_policy(at, new)


async def _delete_bucket_policy(at: Workplace, physical_id: str, _properties: Properties) -> None:
    await ignoring_absence(at.do("s3", "DeleteBucketPolicy", {"Bucket": physical_id}))


async def _create_secret(at: Workplace, properties: Properties) -> Made:
    name = properties.get("Name") or at.generated_name(max_length=200)
    made = await at.do(
        "secretsmanager",
        "CreateSecret",
        {
            "Name": name,
            **given(properties, "Description"),
            **await _secret_value(at, properties),
            **tag_list(properties),
        },
    )
    return Made(physical_id=made["ARN"], ref=made["ARN"], attributes={"Id": made["ARN"]})


async def _secret_value(at: Workplace, properties: Properties) -> dict[str, str]:
    if "SecretString" in properties:
        value = properties["SecretString"]
        return {"SecretString": value if isinstance(value, str) else json.dumps(value)}
    rules: dict[str, Any] | None = properties.get("GenerateSecretString")
    if rules is None:
        return {}
    asked = {name: rules[name] for name in rules if name not in ("SecretStringTemplate", "GenerateStringKey")}
    password = (await at.do("secretsmanager", "GetRandomPassword", asked))["RandomPassword"]
    if "GenerateStringKey" not in rules:
        return {"SecretString": password}
    try:
        document = json.loads(rules.get("SecretStringTemplate", "{}"))
    except ValueError as error:
        raise ServiceError("ValidationError", "SecretStringTemplate must be a JSON object.") from error
    if not isinstance(document, dict):
        raise ServiceError("ValidationError", "SecretStringTemplate must be a JSON object.")
    return {"SecretString": json.dumps({**document, rules["GenerateStringKey"]: password})}


async def _update_secret(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    if not changed <= {"Description", "SecretString"}:
        raise CannotUpdate
    params = {"SecretId": physical_id, **given(new, "Description")}
    await at.do("secretsmanager", "UpdateSecret", {**params, **await _secret_value(at, given(new, "SecretString"))})
    return Made(physical_id=physical_id, ref=physical_id, attributes={"Id": physical_id})


async def _delete_secret(at: Workplace, physical_id: str, _properties: Properties) -> None:
    # CloudFormation deletes secrets without the waiting time that a person gets.
    params = {"SecretId": physical_id, "ForceDeleteWithoutRecovery": True}
    await ignoring_absence(at.do("secretsmanager", "DeleteSecret", params))


async def _create_log_group(at: Workplace, properties: Properties) -> Made:
    name = properties.get("LogGroupName") or at.generated_name(max_length=512)
    await at.do("logs", "CreateLogGroup", {"logGroupName": name})
    await _set_retention(at, name, properties)
    return Made(physical_id=name, ref=name, attributes={"Arn": _log_group_arn(at, name)})


def _log_group_arn(at: Workplace, name: str) -> str:
    return f"arn:aws:logs:{at.call.region}:{at.call.account_id}:log-group:{name}:*"


async def _set_retention(at: Workplace, name: str, properties: Properties) -> None:
    days = whole_number(properties, "RetentionInDays")
    if days:
        await at.do("logs", "PutRetentionPolicy", {"logGroupName": name, "retentionInDays": days["RetentionInDays"]})


async def _update_log_group(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    if changed != {"RetentionInDays"}:
        raise CannotUpdate
    if "RetentionInDays" in new:
        await _set_retention(at, physical_id, new)
    else:
        await at.do("logs", "DeleteRetentionPolicy", {"logGroupName": physical_id})
    return Made(physical_id=physical_id, ref=physical_id, attributes={"Arn": _log_group_arn(at, physical_id)})


async def _delete_log_group(at: Workplace, physical_id: str, _properties: Properties) -> None:
    await ignoring_absence(at.do("logs", "DeleteLogGroup", {"logGroupName": physical_id}))


BUCKET = ResourceKind(
    create=_create_bucket,
    delete=_delete_bucket,
    properties=frozenset({"BucketName"}),
    # What embedded buckets are anyway: private, owner-enforced. Tags stay with the stack.
    ignored=frozenset(
        {"AccessControl", "BucketEncryption", "OwnershipControls", "PublicAccessBlockConfiguration", "Tags"}
    ),
)
BUCKET_POLICY = ResourceKind(
    create=_put_bucket_policy,
    update=_update_bucket_policy,
    delete=_delete_bucket_policy,
    properties=frozenset({"Bucket", "PolicyDocument"}),
    required=frozenset({"Bucket", "PolicyDocument"}),
)
SECRET = ResourceKind(
    create=_create_secret,
    update=_update_secret,
    delete=_delete_secret,
    properties=frozenset({"Description", "GenerateSecretString", "Name", "SecretString", "Tags"}),
)
LOG_GROUP = ResourceKind(
    create=_create_log_group,
    update=_update_log_group,
    delete=_delete_log_group,
    properties=frozenset({"LogGroupName", "RetentionInDays"}),
    ignored=frozenset({"Tags"}),
)
