"""A function's code on its way in: from the request or from a bucket, checked before anything of it is kept."""

import asyncio
import logging
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from crossdock.cloud.lambda_.configuration import check_supported
from crossdock.cloud.lambda_.faults import invalid_parameter
from crossdock.cloud.lambda_.records import FUNCTIONS
from crossdock.core.archives import MAX_ZIPPED, BadArchive, CodeArchive
from crossdock.core.errors import FileError, ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Params
from crossdock.operations.streams import ObjectBody
from crossdock.ports.functions import FunctionCode
from crossdock.ports.state import State

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An archive that may be unpacked."""

    archive: bytes = field(repr=False)
    sha256: str

    @property
    def size(self) -> int:
        return len(self.archive)


async def received_package(call: Call, code: Params) -> Package:
    """The archive that a request brings or names; a bucket is read as the caller, whose permissions decide.

    Raises:
        ServiceError: InvalidParameterValueException, AccessDeniedException.
    """
    check_supported(code)
    if code.get("ImageUri"):
        raise invalid_parameter("Crossdock runs no container images: give ZipFile, or S3Bucket and S3Key.")
    archive, bucket, key = code.get("ZipFile"), code.get("S3Bucket"), code.get("S3Key")
    if archive is not None and (bucket or key):
        raise invalid_parameter("Please do not provide other FunctionCode parameters when providing a ZipFile.")
    if archive is None:
        if not bucket or not key:
            raise invalid_parameter("Please provide a source for function code.")
        archive = await _fetched(call, bucket, key, code.get("S3ObjectVersion"))
    if len(archive) > MAX_ZIPPED:
        raise _too_large()
    if not archive:
        raise invalid_parameter("Uploaded file must be a non-empty zip")
    content = bytes(archive)
    try:
        digest = await asyncio.to_thread(_checked, content)
    except BadArchive as error:
        raise invalid_parameter(str(error)) from error
    return Package(archive=content, sha256=digest)


def _checked(archive: bytes) -> str:
    """The archive's digest. Takes a second for the largest that is allowed, so it runs in a thread."""
    opened = CodeArchive(archive)
    if not any(not member.is_directory for member in opened.members):
        raise BadArchive("Uploaded file must be a non-empty zip")
    opened.verify()
    return b64encode(sha256(archive).digest()).decode()


async def _fetched(call: Call, bucket: str, key: str, version_id: str | None) -> bytes:
    params: dict[str, Any] = {"Bucket": bucket, "Key": key}
    if version_id is not None:
        params["VersionId"] = version_id
    try:
        found = await call.invoke("s3", "GetObject", params)
    except ServiceError as error:
        raise _not_fetched(error, bucket, key) from error
    body = found["Body"]
    if not isinstance(body, ObjectBody):
        raise TypeError("GetObject answers with an ObjectBody")
    try:
        if body.size > MAX_ZIPPED:
            raise _too_large()
        return b"".join([piece async for piece in body.reader.chunks()])
    finally:
        await body.reader.close()


def _not_fetched(error: ServiceError, bucket: str, key: str) -> ServiceError:
    if error.status >= 500:
        return error
    told = f"S3 Error Code: {error.code}. S3 Error Message: {error.message}"
    if error.status == 403:
        return ServiceError(
            "AccessDeniedException",
            "Your access has been denied by S3, please make sure your request credentials have permission to "
            f"GetObject for {bucket}/{key}. {told}",
            status=403,
            reason=error.reason,
        )
    return invalid_parameter(f"Error occurred while GetObject. {told}")


def _too_large() -> ServiceError:
    return invalid_parameter(f"The zip file is too large: at most {MAX_ZIPPED} bytes are taken.")


@asynccontextmanager
async def kept_package(code: FunctionCode, package: Package) -> AsyncIterator[str]:
    """Keep an archive and give its id; when the block fails, the archive goes again."""
    archive_id = await code.put(package.archive)
    try:
        yield archive_id
    except BaseException:
        await forget_package(code, archive_id)
        raise


async def forget_package(code: FunctionCode, archive_id: str) -> None:
    """Remove an archive that nothing refers to any more; what the disk refuses is swept at the next start."""
    try:
        await code.delete(archive_id)
    except FileError as error:
        _log.warning("a function's code cannot be removed yet", extra={"archive": archive_id, "reason": str(error)})


async def sweep_packages(state: State, code: FunctionCode) -> int:
    """Remove the archives that no function refers to; returns how many. For start-up, before anybody may call."""
    async with state.reading() as tx:
        in_use = {record.code_id for record in await FUNCTIONS.everything(tx)}
    return await code.sweep(in_use)
