"""Templates, short to write.

body({"Box": bucket("mine", DeletionPolicy="Retain"), "Log": log_group(days=7)}, Outputs=outputs(Name=ref("Box")))
"""

import json
from collections.abc import Mapping
from typing import Any

LAMBDA = {"Service": "lambda.amazonaws.com"}
Resources = Mapping[str, Mapping[str, Any]]


def resource(kind: str, /, *, attributes: Mapping[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    """`resource("S3::Bucket", BucketName="b", attributes={"DeletionPolicy": "Retain"})`."""
    return {"Type": f"AWS::{kind}", "Properties": properties, **(attributes or {})}


def bucket(name: str = "", **attributes: Any) -> dict[str, Any]:
    return resource("S3::Bucket", attributes=attributes, **({"BucketName": name} if name else {}))


def log_group(name: str = "", days: int | None = None, **attributes: Any) -> dict[str, Any]:
    properties = {**({"LogGroupName": name} if name else {}), **({"RetentionInDays": days} if days else {})}
    return resource("Logs::LogGroup", attributes=attributes, **properties)


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trusting(principal: Any) -> dict[str, Any]:
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def allowing(*actions: str, on: str = "*") -> dict[str, Any]:
    return policy({"Effect": "Allow", "Action": list(actions), "Resource": on})


def role(**properties: Any) -> dict[str, Any]:
    return resource("IAM::Role", **{"AssumeRolePolicyDocument": trusting(LAMBDA), **properties})


def ref(name: str) -> dict[str, Any]:
    return {"Ref": name}


def get_att(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def body(resources: Resources, **sections: Any) -> str:
    """A template's text."""
    return json.dumps({"Resources": resources, **sections})


def outputs(*, exports: Mapping[str, str] | None = None, **values: Any) -> dict[str, Any]:
    """Outputs by their keys; `exports` gives some of them a name for other stacks."""
    names = exports or {}
    return {
        key: {"Value": value, **({"Export": {"Name": names[key]}} if key in names else {})}
        for key, value in values.items()
    }
