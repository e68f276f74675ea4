"""Uploads that their users may go on with: who keeps account of them, and who ends those that nobody went on with."""

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from crossdock.app.administrators import AsAdministrator, as_administrator
from crossdock.app.cloud import Cloud
from crossdock.core.errors import FileError, ServiceError
from crossdock.files.resumable_uploads import Abort, StateResumableUploads
from crossdock.operations.call import House
from crossdock.operations.pauses import LEAST_S
from crossdock.ports.resumable_uploads import ResumableUpload
from crossdock.ports.state import Key
from crossdock.settings import UploadSettings

SWEEP_EVERY_S = 1800.0

_log = logging.getLogger(__name__)


def build_resumable_uploads(settings: UploadSettings, house: House, end_upload: Abort) -> StateResumableUploads:
    """Swept from now on."""
    uploads = StateResumableUploads(
        house.state,
        run=house.entropy(8).hex(),
        clock=house.clock,
        per_user=settings.resumable_per_user,
        keep_for=timedelta(hours=settings.resumable_hours),
    )
    house.tasks.start(sweep_forever(uploads, end_upload), name="sweep of resumable uploads")
    return uploads


async def sweep_forever(uploads: StateResumableUploads, end_upload: Abort, *, every_s: float = SWEEP_EVERY_S) -> None:
    """All of them now and every half an hour; what was given up, at once, whatever other sweeps wait for."""
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as sweeps:
        while True:
            sweeps.create_task(_sweep(uploads, end_upload, None))
            all_again_at = loop.time() + max(every_s, LEAST_S)
            with suppress(TimeoutError):
                while loop.time() < all_again_at:
                    async with asyncio.timeout_at(all_again_at):
                        keys = await uploads.given_up()
                    sweeps.create_task(_sweep(uploads, end_upload, keys))


async def _sweep(uploads: StateResumableUploads, end_upload: Abort, keys: Collection[Key] | None) -> None:
    try:
        await uploads.sweep(end_upload, keys)
    except FileError as error:
        _log.error("interrupted uploads cannot be swept", extra={"reason": str(error)})


@dataclass(frozen=True, slots=True)
class EmbeddedUploadEnd:
    """Ends an upload as the administrator of the account that has the bucket; one that is gone has ended."""

    cloud: Cloud
    call: AsAdministrator

    async def __call__(self, upload: ResumableUpload) -> None:
        place = upload.place
        bucket = await self.cloud.assumer.storage.buckets.find(place.bucket)
        if bucket is None:
            return
        params = {"Bucket": place.bucket, "Key": place.key, "UploadId": upload.upload_id}
        try:
            await self.call(bucket.account_id, bucket.region, "s3", "AbortMultipartUpload", params)
        except ServiceError as error:
            if error.code != "NoSuchUpload":
                raise


def embedded_upload_end(cloud: Cloud, house: House) -> EmbeddedUploadEnd:
    return EmbeddedUploadEnd(cloud, as_administrator(cloud, house, via="sweep"))
