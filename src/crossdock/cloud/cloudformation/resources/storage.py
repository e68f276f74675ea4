"""AWS::S3::Bucket, AWS::S3::BucketPolicy, AWS::SecretsManager::Secret, AWS::Logs::LogGroup."""

import json
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.resources.kind import (
    CannotUpdate,
    Properties,
    ResourceKind,
    Workplace,
    changed_names,
    given,
    ignoring_absence,
    tag_changes,
    tag_map,
)
from crossdock.cloud.cloudformation.resources.shapes import (
    TAGS,
    document,
    flag,
    listed,
    record,
    text,
    text_or_json,
    whole,
)
from crossdock.core.errors import ServiceError

_NEW_BUCKETS_OWNERSHIP = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


async def _create_bucket(at: Workplace, properties: Properties) -> Made:
    name = await at.name_or_new(properties.get("BucketName"), max_length=63, is_lower=True)
    region = at.call.region
    location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    if "BucketName" in properties and await _has_bucket(at, name):
        # In us-east-1 S3 lets an owner make a bucket again; a stack must not take it for its own.
        raise ServiceError("AlreadyExists", f"{name} already exists")
    await at.do("s3", "CreateBucket", {"Bucket": name, **location})
    await at.claim(name)
    if "OwnershipControls" in properties:
        await _set_ownership(at, name, properties)
    return _made_bucket(name, region)


async def _set_ownership(at: Workplace, name: str, properties: Properties) -> None:
    params = {"Bucket": name, "OwnershipControls": properties.get("OwnershipControls", _NEW_BUCKETS_OWNERSHIP)}
    await at.do("s3", "PutBucketOwnershipControls", params)


async def _update_bucket(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    if changed_names(old, new) != {"OwnershipControls"}:
        raise CannotUpdate
    await _set_ownership(at, physical_id, new)
    return _made_bucket(physical_id, at.call.region)


def _made_bucket(name: str, region: str) -> Made:
    return Made(
        physical_id=name,
        ref=name,
        attributes={
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        },
    )


async def _has_bucket(at: Workplace, name: str) -> bool:
    """Whether the account has it; of others' buckets CreateBucket itself will tell."""
    try:
        buckets = (await at.do("s3", "ListBuckets", {}))["Buckets"]
    except ServiceError as error:
        if error.code == "AccessDenied":
            return False
        raise
    return any(bucket["Name"] == name for bucket in buckets)


async def _delete_bucket(at: Workplace, physical_id: str, _properties: Properties) -> None:
    await ignoring_absence(at.do("s3", "DeleteBucket", {"Bucket": physical_id}))


async def _create_bucket_policy(at: Workplace, properties: Properties) -> Made:
    bucket = properties["Bucket"]
    try:
        await at.do("s3", "GetBucketPolicy", {"Bucket": bucket})
    except ServiceError as error:
        if error.code != "NoSuchBucketPolicy":
            raise
    else:
        raise ServiceError("AlreadyExists", f"The bucket policy already exists on bucket {bucket}.")
    await at.claim(bucket)
    return await _put_bucket_policy(at, properties)


async def _put_bucket_policy(at: Workplace, properties: Properties) -> Made:
    bucket = properties["Bucket"]
    await at.do("s3", "PutBucketPolicy", {"Bucket": bucket, "Policy": properties["PolicyDocument"]})
    return Made(physical_id=bucket, ref=bucket)


async def _update_bucket_policy(at: Workplace, _physical_id: str, old: Properties, new: Properties) -> Made:
    if old["Bucket"] != new["Bucket"]:
        raise CannotUpdate
    return await _put_bucket_policy(at, new)


async def _delete_bucket_policy(at: Workplace, physical_id: str, _properties: Properties) -> None:
    await ignoring_absence(at.do("s3", "DeleteBucketPolicy", {"Bucket": physical_id}))


async def _create_secret(at: Workplace, properties: Properties) -> Made:
    name = await at.name_or_new(properties.get("Name"), max_length=200)
    value = await _secret_value(at, properties)
    made = await at.do(
        "secretsmanager", "CreateSecret", {"Name": name, **given(properties, "Description", "Tags"), **value}
    )
    await at.claim(made["ARN"])
    return _made_secret(made["ARN"])


def _made_secret(arn: str) -> Made:
    return Made(physical_id=arn, ref=arn, attributes={"Id": arn})


async def _secret_value(at: Workplace, properties: Properties) -> dict[str, str]:
    rules: dict[str, Any] | None = properties.get("GenerateSecretString")
    if "SecretString" in properties:
        if rules is not None:
            raise invalid("You can't specify both SecretString and GenerateSecretString.")
        return {"SecretString": properties["SecretString"]}
    if rules is None:
        return {}
    asked = {name: rules[name] for name in rules if name not in ("SecretStringTemplate", "GenerateStringKey")}
    template = _secret_template(rules)
    password = (await at.do("secretsmanager", "GetRandomPassword", asked))["RandomPassword"]
    if template is None:
        return {"SecretString": password}
    return {"SecretString": json.dumps({**template, rules["GenerateStringKey"]: password})}


def _secret_template(rules: Properties) -> dict[str, Any] | None:
    """Source: CloudFormation Template Reference, AWS::SecretsManager::Secret GenerateSecretString."""
    if ("SecretStringTemplate" in rules) != ("GenerateStringKey" in rules):
        raise invalid("You must specify both SecretStringTemplate and GenerateStringKey, or neither.")
    if "SecretStringTemplate" not in rules:
        return None
    try:
        found = json.loads(rules["SecretStringTemplate"])
    except (ValueError, RecursionError) as error:
        raise invalid("SecretStringTemplate must be a JSON object.") from error
    if not isinstance(found, dict):
        raise invalid("SecretStringTemplate must be a JSON object.")
    return found


async def _update_secret(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = changed_names(old, new)
    if "Name" in changed:
        raise CannotUpdate
    if "GenerateSecretString" in changed and "GenerateSecretString" in new:
        raise invalid("Crossdock does not generate the value of a secret anew; give the resource another logical name.")
    secret = {"SecretId": physical_id}
    if changed & {"Description", "SecretString"}:
        params = {**secret, "Description": "", **given(new, "Description")}
        if "SecretString" in changed:
            params |= given(new, "SecretString")
        await at.do("secretsmanager", "UpdateSecret", params)
    tags, removed = tag_changes(old, new)
    if removed:
        await at.do("secretsmanager", "UntagResource", {**secret, "TagKeys": removed})
    if tags:
        listed_tags = [{"Key": key, "Value": value} for key, value in tags.items()]
        await at.do("secretsmanager", "TagResource", {**secret, "Tags": listed_tags})
    return _made_secret(physical_id)


async def _delete_secret(at: Workplace, physical_id: str, _properties: Properties) -> None:
    # CloudFormation deletes secrets without the waiting time that a person gets.
    params = {"SecretId": physical_id, "ForceDeleteWithoutRecovery": True}
    await ignoring_absence(at.do("secretsmanager", "DeleteSecret", params))


async def _create_log_group(at: Workplace, properties: Properties) -> Made:
    name = await at.name_or_new(properties.get("LogGroupName"), max_length=512)
    tags = tag_map(properties)
    await at.do("logs", "CreateLogGroup", {"logGroupName": name, **({"tags": tags} if tags else {})})
    await at.claim(name)
    if "RetentionInDays" in properties:
        await _set_retention(at, name, properties)
    return _made_log_group(at, name)


def _made_log_group(at: Workplace, name: str) -> Made:
    return Made(physical_id=name, ref=name, attributes={"Arn": f"{_log_group_arn(at, name)}:*"})


def _log_group_arn(at: Workplace, name: str) -> str:
    return f"arn:aws:logs:{at.call.region}:{at.call.account_id}:log-group:{name}"


async def _set_retention(at: Workplace, name: str, properties: Properties) -> None:
    params = {"logGroupName": name, "retentionInDays": properties["RetentionInDays"]}
    await at.do("logs", "PutRetentionPolicy", params)


async def _update_log_group(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = changed_names(old, new)
    if "LogGroupName" in changed:
        raise CannotUpdate
    if "RetentionInDays" in new:
        await _set_retention(at, physical_id, new)
    elif "RetentionInDays" in changed:
        await at.do("logs", "DeleteRetentionPolicy", {"logGroupName": physical_id})
    tags, removed = tag_changes(old, new)
    arn = {"resourceArn": _log_group_arn(at, physical_id)}
    if removed:
        await at.do("logs", "UntagResource", {**arn, "tagKeys": removed})
    if tags:
        await at.do("logs", "TagResource", {**arn, "tags": tags})
    return _made_log_group(at, physical_id)


async def _delete_log_group(at: Workplace, physical_id: str, _properties: Properties) -> None:
    await ignoring_absence(at.do("logs", "DeleteLogGroup", {"logGroupName": physical_id}))


_GENERATED = record(
    {
        "ExcludeCharacters": text,
        "ExcludeLowercase": flag,
        "ExcludeNumbers": flag,
        "ExcludePunctuation": flag,
        "ExcludeUppercase": flag,
        "GenerateStringKey": text,
        "IncludeSpace": flag,
        "PasswordLength": whole,
        "RequireEachIncludedType": flag,
        "SecretStringTemplate": text,
    }
)
BUCKET = ResourceKind(
    create=_create_bucket,
    update=_update_bucket,
    delete=_delete_bucket,
    properties={
        "BucketName": text,
        "OwnershipControls": record({"Rules": listed(record({"ObjectOwnership": text}, "ObjectOwnership"))}, "Rules"),
    },
    # What embedded buckets are anyway: private. Tags stay with the stack.
    ignored=frozenset({"AccessControl", "BucketEncryption", "PublicAccessBlockConfiguration", "Tags"}),
    attributes=frozenset({"Arn", "DomainName", "RegionalDomainName"}),
    name_property="BucketName",
)
BUCKET_POLICY = ResourceKind(
    create=_create_bucket_policy,
    update=_update_bucket_policy,
    delete=_delete_bucket_policy,
    properties={"Bucket": text, "PolicyDocument": document},
    required=frozenset({"Bucket", "PolicyDocument"}),
)
SECRET = ResourceKind(
    create=_create_secret,
    update=_update_secret,
    delete=_delete_secret,
    properties={
        "Description": text,
        "GenerateSecretString": _GENERATED,
        "Name": text,
        "SecretString": text_or_json,
        "Tags": TAGS,
    },
    attributes=frozenset({"Id"}),
    name_property="Name",
)
LOG_GROUP = ResourceKind(
    create=_create_log_group,
    update=_update_log_group,
    delete=_delete_log_group,
    properties={"LogGroupName": text, "RetentionInDays": whole, "Tags": TAGS},
    attributes=frozenset({"Arn"}),
    name_property="LogGroupName",
)
