"""Multipart uploads that were begun unheard: S3 began one, and the answer that names it got lost.

It would stay for ever, so what S3 lists under the key is looked at, and what this very session began and does not know
is aborted. S3 tells who began an upload by the session's ARN, and a session's name is its own (`files/login.py`). A
store that tells less, or a caller who may not list uploads, is left to the bucket's lifecycle rules.
"""

import logging
import re

from crossdock.adapters.aws.connection import BoundS3
from crossdock.adapters.aws.known_uploads import KnownUploads
from crossdock.adapters.aws.requests import abort_upload
from crossdock.core.errors import FileError
from crossdock.core.homes import ObjectPlace

_log = logging.getLogger(__name__)


async def abort_lost_uploads(s3: BoundS3, known: KnownUploads, place: ObjectPlace) -> None:
    """Abort what the session of these credentials began at the key and nobody knows of. Raises nothing."""
    if not s3.session_name or not known.is_alone(place):
        return
    try:
        # The key itself comes before all that begin with it.
        listed = await s3.call("ListMultipartUploads", Bucket=place.bucket, Prefix=place.key)
        for upload in listed.get("Uploads", ()):
            initiator = str(upload.get("Initiator", {}).get("ID", ""))
            is_own = re.split("[/:]", initiator)[-1] == s3.session_name
            if upload["Key"] == place.key and is_own and upload["UploadId"] not in known:
                await s3.send(abort_upload(place, upload["UploadId"]))
    except FileError as error:
        _log.warning("an upload may have been begun unheard", extra={"place": str(place), "reason": str(error)})
