"""How S3 says no, in its own codes, statuses and sentences.

Source: Amazon S3 API Reference, "Error responses", and the sentences that S3 answers.
"""

from crossdock.core.errors import Fault, ServiceError


def access_denied(message: str = "Access Denied") -> ServiceError:
    return ServiceError("AccessDenied", message, status=403)


def no_such_bucket(bucket: str) -> ServiceError:
    return ServiceError(
        "NoSuchBucket", "The specified bucket does not exist", status=404, members={"BucketName": bucket}
    )


def no_such_key(key: str) -> ServiceError:
    return ServiceError("NoSuchKey", "The specified key does not exist.", status=404, members={"Key": key})


def no_such_version(key: str, version_id: str) -> ServiceError:
    return ServiceError(
        "NoSuchVersion",
        "The specified version does not exist.",
        status=404,
        members={"Key": key, "VersionId": version_id},
    )


def no_such_upload(upload_id: str) -> ServiceError:
    return ServiceError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
        "completed.",
        status=404,
        members={"UploadId": upload_id},
    )


def no_such_bucket_policy(bucket: str) -> ServiceError:
    return ServiceError(
        "NoSuchBucketPolicy", "The bucket policy does not exist", status=404, members={"BucketName": bucket}
    )


def bucket_already_exists(bucket: str) -> ServiceError:
    return ServiceError(
        "BucketAlreadyExists",
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
        "Please select a different name and try again.",
        status=409,
        members={"BucketName": bucket},
    )


def invalid_bucket_name(bucket: str) -> ServiceError:
    return ServiceError("InvalidBucketName", "The specified bucket is not valid.", members={"BucketName": bucket})


def invalid_argument(message: str, name: str, value: object) -> ServiceError:
    return ServiceError("InvalidArgument", message, members={"ArgumentName": name, "ArgumentValue": str(value)[:1024]})


def invalid_request(message: str) -> ServiceError:
    return ServiceError("InvalidRequest", message)


def malformed_xml() -> ServiceError:
    return ServiceError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def not_implemented(header: str, sentence: str = "") -> ServiceError:
    """For a request that asks, by a header or parameter, for something Crossdock does not do."""
    message = "A header you provided implies functionality that is not implemented"
    return ServiceError(
        "NotImplemented",
        f"{message}. {sentence}" if sentence else message,
        status=501,
        fault=Fault.RECEIVER,
        members={"Header": header},
    )


def service_unavailable() -> ServiceError:
    """For one of many things that were asked for; when it is all, `operations.call` says so."""
    return ServiceError("ServiceUnavailable", "Service is unable to handle request.", status=503, fault=Fault.RECEIVER)


def acl_not_supported() -> ServiceError:
    return ServiceError("AccessControlListNotSupported", "The bucket does not allow ACLs")


def missing_header(header: str) -> ServiceError:
    return ServiceError(
        "MissingSecurityHeader",
        "Your request was missing a required header",
        members={"MissingHeaderName": header},
    )


def method_not_allowed(resource_type: str, method: str) -> ServiceError:
    return ServiceError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        status=405,
        members={"Method": method, "ResourceType": resource_type},
    )


def precondition_failed(condition: str) -> ServiceError:
    """`condition` is the header that did not hold."""
    return ServiceError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        status=412,
        members={"Condition": condition},
    )


def not_modified(headers: dict[str, str]) -> ServiceError:
    """304 is no error, but it is the one answer that has headers and no body: the edge sends just these."""
    return ServiceError("NotModified", "Not Modified", status=304, headers=headers)


def invalid_range(text: str, size: int) -> ServiceError:
    return ServiceError(
        "InvalidRange",
        "The requested range is not satisfiable",
        status=416,
        members={"RangeRequested": text, "ActualObjectSize": str(size)},
        headers={"Content-Range": f"bytes */{size}"},
    )


def entity_too_large(proposed: int, limit: int) -> ServiceError:
    return ServiceError(
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
        members={"ProposedSize": str(proposed), "MaxSizeAllowed": str(limit)},
    )


def entity_too_small(*, number: int, etag: str, proposed: int, limit: int) -> ServiceError:
    return ServiceError(
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
        members={
            "ProposedSize": str(proposed),
            "MinSizeAllowed": str(limit),
            "PartNumber": str(number),
            "ETag": etag,
        },
    )


def invalid_part(*, upload_id: str, number: int, etag: str) -> ServiceError:
    return ServiceError(
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified "
        "entity tag may not match the part's entity tag.",
        members={"UploadId": upload_id, "PartNumber": str(number), "ETag": etag},
    )


def invalid_part_order(upload_id: str) -> ServiceError:
    return ServiceError(
        "InvalidPartOrder",
        "The list of parts was not in ascending order. Parts must be ordered by part number.",
        members={"UploadId": upload_id},
    )
