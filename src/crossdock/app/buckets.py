"""Buckets whose bytes lie in another S3, attached and detached on an operator's word: a command's, or the settings'."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from crossdock.app.backing_sweeps import BackingSweeps, Parting
from crossdock.app.cloud import Cloud
from crossdock.app.late_backings import LateBackings, open_connections
from crossdock.app.upload_ledgers import LedgerOf
from crossdock.cloud.accounts import admin_caller
from crossdock.cloud.organizations.management import keep_management_empty
from crossdock.cloud.s3.attachments import all_buckets, attach_bucket, has_object
from crossdock.cloud.s3.backing_probe import ProbeFailed, probe
from crossdock.cloud.s3.bucket_directory import BucketRecord
from crossdock.core.backings import Backing, read_backing
from crossdock.core.errors import CrossdockError, FileError, ServiceError
from crossdock.operations.call import House
from crossdock.operations.caller import Origin
from crossdock.settings import AwsSettings
from crossdock.settings.buckets_file import DeclaredBucket

_log = logging.getLogger(__name__)


class CannotAttach(CrossdockError):
    """A bucket that cannot be attached or detached; the message says which, and why."""


@asynccontextmanager
async def open_service_backings(aws: AwsSettings, house: House, ledger_of: LedgerOf) -> AsyncIterator[LateBackings]:
    """What the service reaches, opened and imported as soon as, and only where, a bucket is attached."""

    async def open_for_attached() -> None:
        if any(record.backing is not None for record in await all_buckets(house.state)):
            await backings.open()

    async with AsyncExitStack() as stack:
        backings = LateBackings(stack, partial(open_connections, aws, house.clock, ledger_of, has_environment=True))
        house.tasks.start(open_for_attached(), name="S3s of attached buckets")
        yield backings


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketKeeper:
    """`own_url` is where this service itself is an S3. `region` is that of new buckets."""

    cloud: Cloud
    house: House
    sweeps: BackingSweeps
    own_url: str
    region: str

    async def answer(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the command asks. Raises CrossdockError."""
        match question.get("do"):
            case "list":
                return {"buckets": [_described(record) for record in await all_buckets(self.house.state)]}
            case "attach":
                options = question.get("backing")
                backing = read_backing(options if isinstance(options, dict) else {})
                await self.attach(str(question.get("account")), str(question.get("name")), backing)
                return {"name": question.get("name"), **_where(backing)}
            case "detach":
                backing, parting = await self.detach(str(question.get("name")))
                return {**_where(backing), **asdict(parting)}
            case _:
                raise CannotAttach("the question is none that this version of Crossdock knows")

    async def attach(self, account: str, name: str, backing: Backing) -> None:
        """Raises CrossdockError: ProbeFailed, or why the bucket cannot be attached."""
        account_id = self.cloud.accounts.id_of(account)
        if backing.endpoint_url == self.own_url:
            raise CannotAttach(f"{self.own_url} is this very service: a bucket cannot be backed by itself")
        try:
            region = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
            call = self.cloud.operations.begin(
                "s3",
                "CreateBucket",
                {"Bucket": name, **({"CreateBucketConfiguration": region} if region else {})},
                caller=await admin_caller(self.house.state, account_id),
                account_id=account_id,
                region=self.region,
                origin=_origin(),
            )
            await self.cloud.operations.authorise(call)
            keep_management_empty(call)
            tried = await self._probe(backing)
            await attach_bucket(self.cloud.assumer.storage, call, tried)
        except ServiceError as error:
            raise CannotAttach(f"{name} cannot be attached: {error.reason or error.message}") from error
        _log.info("attached a bucket", extra={"bucket": name, "account": account_id, "backing": backing.where})

    async def detach(self, name: str) -> tuple[Backing, Parting]:
        """Delete the bucket here; its objects stay where they are, and its unfinished uploads end.

        Raises CannotAttach.
        """
        bucket = await self.cloud.assumer.storage.buckets.find(name)
        if bucket is None or bucket.backing is None:
            what = f"there is no bucket {name}" if bucket is None else f"{name} is not attached: its objects lie here"
            raise CannotAttach(f"{what}; `crossdock bucket list` shows all buckets")
        try:
            await self.cloud.operations.call(
                "s3",
                "DeleteBucket",
                {"Bucket": name},
                caller=await admin_caller(self.house.state, bucket.account_id),
                account_id=bucket.account_id,
                region=self.region,
                origin=_origin(),
            )
        except ServiceError as error:
            raise CannotAttach(f"{name} cannot be detached: {error.reason or error.message}") from error
        _log.info("detached a bucket", extra={"bucket": name, "backing": bucket.backing.where})
        try:
            parting = await self.sweeps.part_from(bucket.backing)
        except FileError as error:
            # The bucket is gone all the same, and what is noted is looked at again.
            parting = Parting(reason=str(error))
        parting.log(bucket.backing.where)
        return bucket.backing, parting

    async def apply_all(self, declared: Sequence[DeclaredBucket], file: Path) -> None:
        """Raises CannotAttach, with the file's name and the bucket's."""
        for bucket in declared:
            try:
                await self.apply(bucket)
            except CrossdockError as error:
                raise CannotAttach(f"{file}: bucket {bucket.name!r}: {error}") from error

    async def apply(self, declared: DeclaredBucket) -> None:
        """What the settings say of a bucket. One that was attached just so before is tried while the service starts.

        Raises CrossdockError for others that cannot be attached. A known S3 that is away must not keep the service from
        all its other buckets.
        """
        bucket = await self.cloud.assumer.storage.buckets.find(declared.name)
        account_id = self.cloud.accounts.id_of(declared.account)
        known = None if bucket is None or bucket.backing is None else replace(bucket.backing, keeps_keys=True)
        if bucket is not None and (bucket.account_id, known) == (account_id, declared.backing):
            self.house.tasks.start(self._try(declared.name, declared.backing), name=f"probe of {declared.name}")
        else:
            await self.attach(declared.account, declared.name, declared.backing)

    async def _try(self, name: str, backing: Backing) -> None:
        try:
            await self._probe(backing)
        except ProbeFailed as error:
            _log.warning("an attached bucket does not work", extra={"bucket": name, "reason": str(error)})

    async def _probe(self, backing: Backing) -> Backing:
        lies_here = partial(has_object, self.cloud.assumer.storage, self.house.state)
        return await probe(self.cloud.backings, backing, entropy=self.house.entropy, lies_here=lies_here)


async def keep_nothing(_question: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where the authority is AWS."""
    raise CannotAttach("the buckets are AWS's (authority = aws): only the embedded cloud's are attached to other S3s")


def _origin() -> Origin:
    return Origin(source_ip="127.0.0.1", is_secure=True, user_agent="crossdock", via="control")


def _described(record: BucketRecord) -> Mapping[str, Any]:
    here = {"to": "", "endpointUrl": "", "credentials": ""}
    return {
        "name": record.name,
        "accountId": record.account_id,
        "region": record.region,
        **(here if record.backing is None else _where(record.backing)),
    }


def _where(backing: Backing) -> Mapping[str, Any]:
    return {"to": backing.target, "endpointUrl": backing.endpoint_url, "credentials": backing.credentials_from}
