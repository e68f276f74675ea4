"""A function as answers show it.

Source: Lambda API Reference, FunctionConfiguration.
"""

from typing import Any

from crossdock.cloud.lambda_.functions import Functions
from crossdock.cloud.lambda_.names import LATEST
from crossdock.cloud.lambda_.records import FunctionRecord
from crossdock.ports.host import SealBroken

LOG_GROUP_PREFIX = "/aws/lambda/"


def described(functions: Functions, record: FunctionRecord, qualifier: str = "") -> dict[str, Any]:
    """The configuration; the ARN carries the qualifier under which the function was asked for."""
    moment = record.modified_at
    configuration: dict[str, Any] = {
        "FunctionName": record.name,
        "FunctionArn": f"{record.arn}:{qualifier}" if qualifier else record.arn,
        "Runtime": record.runtime,
        "Role": record.role,
        "Handler": record.handler,
        "CodeSize": record.code_size,
        "Description": record.description,
        "Timeout": record.timeout_s,
        "MemorySize": record.memory_mib,
        "LastModified": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}+0000",
        "CodeSha256": record.code_sha256,
        "Version": LATEST,
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": record.revision_id,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [record.architecture],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": LOG_GROUP_PREFIX + record.name},
    }
    if record.sealed_environment:
        configuration["Environment"] = _environment(functions, record)
    return configuration


def _environment(functions: Functions, record: FunctionRecord) -> dict[str, Any]:
    try:
        return {"Variables": functions.variables(record)}
    except SealBroken:
        message = "The environment variables were encrypted with another key than the service's present one."
        return {"Error": {"ErrorCode": "KMSAccessDeniedException", "Message": message}}
