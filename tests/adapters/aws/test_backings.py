"""Reaching the S3s behind buckets: their certificates, their credentials, and whose an error is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.aws_profiles import Profiles
from tests.fakes.certificates import self_signed, server_context
from tests.fakes.stub_s3 import Say, aws_session, breaks_after, error, ok, stub_s3
from tests.fakes.worker_lines import MemoryLedger

from crossdock.adapters.aws.backings import BackingConnections, LedgerOf, no_ledger, open_backings
from crossdock.adapters.aws.retrying import Patience
from crossdock.adapters.host.clock import SystemClock
from crossdock.core.backings import Backing
from crossdock.core.errors import CrossdockError, Denied, FileError, NotFound, ServiceError, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.operations.streams import ObjectBody
from crossdock.ports.backings import SentBody
from crossdock.ports.objects import ObjectReader
from crossdock.ports.upload_ledger import BegunUpload

PLACE = ObjectPlace(bucket="behind", key="k")


@asynccontextmanager
async def connections(
    *, has_environment: bool = True, ledger_of: LedgerOf = no_ledger
) -> AsyncIterator[BackingConnections]:
    opening = open_backings(
        clock=SystemClock(),
        has_environment=has_environment,
        ledger_of=ledger_of,
        patience=Patience(attempts=1),
        session=aws_session(),
    )
    async with opening as found:
        yield found


def backing_of(url: str, folder: Path, *, key: str = "ONE") -> Backing:
    path = folder / "keys"
    path.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n")
    return Backing(bucket="behind", endpoint_url=url, path_style=True, credentials_file=str(path))


async def test_its_own_certificate_authorities_are_trusted_and_no_others(tmp_path: Path):
    (tmp_path / "ca.pem").write_text(self_signed().chain_pem)
    async with stub_s3(tls=server_context(tmp_path)) as stub, connections() as reach:
        trusted = replace(
            backing_of(stub.url.replace("127.0.0.1", "localhost"), tmp_path), ca_file=str(tmp_path / "ca.pem")
        )
        stub.then(
            ok(headers={"ETag": '"x"'}), ok(b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        )
        store = await reach.store_of(trusted)
        assert (await store.put(PLACE, [b"x"], {})).etag == "x"
        assert (await store.list("behind", "")).objects == ()
        with pytest.raises(Unavailable, match="not trusted"):
            await (await reach.store_of(replace(trusted, ca_file=""))).put(PLACE, [b"x"], {})
        assert len(stub.seen) == 2


async def test_certificate_authorities_that_are_not_there_are_told(tmp_path: Path):
    backing = replace(backing_of("https://localhost:1", tmp_path), ca_file=str(tmp_path / "none.pem"))
    async with connections() as reach:
        with pytest.raises(Unavailable, match=r"no connection to s3://behind/ .*ca_file: .*none\.pem does not exist"):
            await reach.store_of(backing)
        (tmp_path / "none.pem").write_text("no certificate")
        with pytest.raises(Unavailable, match=r"ca_file: .*none\.pem holds no certificate in PEM"):
            await reach.store_of(replace(backing, endpoint_url="http://localhost:1"))


@pytest.mark.parametrize("named_by", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "profile"])
async def test_without_any_of_its_own_they_are_those_that_the_aws_tools_would_believe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named_by: str
):
    bundle, profiles = tmp_path / "bundle.pem", Profiles(tmp_path, monkeypatch)
    profiles.add("dock", ca_bundle=str(bundle), aws_access_key_id="KEY", aws_secret_access_key="secret")
    if named_by != "profile":
        monkeypatch.setenv(named_by, str(bundle))
    async with stub_s3(tls=server_context(tmp_path)) as stub, connections() as reach:
        backing = backing_of(stub.url.replace("127.0.0.1", "localhost"), tmp_path)
        if named_by == "profile":
            backing = replace(backing, credentials_file="", profile="dock")
        with pytest.raises(Unavailable, match=rf"{named_by}.*bundle\.pem does not exist"):
            await reach.store_of(backing)
        assert await reach.store_of(replace(backing, endpoint_url="http://localhost:1"))
        bundle.write_text(self_signed().chain_pem)
        stub.then(
            ok(headers={"ETag": '"x"'}), ok(b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        )
        store = await reach.store_of(backing)
        assert (await store.put(PLACE, [b"x"], {})).etag == "x"
        assert (await store.list("behind", "")).objects == ()


async def test_what_is_under_way_goes_on_with_changed_credentials(tmp_path: Path):
    async with stub_s3() as stub, connections() as reach:
        backing = backing_of(stub.url, tmp_path)
        before = await reach.store_of(backing)
        stub.then(*[ok(headers={"ETag": '"x"'})] * 2)
        await before.put(PLACE, [b"x"], {})
        backing_of(stub.url, tmp_path, key="ANOTHER")
        assert await reach.store_of(backing) is before
        await before.put(PLACE, [b"x"], {})
        assert ["=ONE/" in one.headers["Authorization"] for one in stub.seen] == [True, False]
        assert "=ANOTHER/" in stub.seen[1].headers["Authorization"]


async def test_without_an_environment_only_files_have_credentials(tmp_path: Path):
    async with connections(has_environment=False) as reach:
        assert await reach.store_of(backing_of("http://localhost:1", tmp_path))
        for backing in (Backing(bucket="b"), Backing(bucket="b", profile="p")):
            with pytest.raises(Unavailable, match="--credentials-file"):
                await reach.store_of(backing)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", Unavailable),
        (403, "InvalidAccessKeyId", Unavailable),
        (404, "NoSuchBucket", Unavailable),
        (404, "NoSuchKey", NotFound),
        (503, "SlowDown", Unavailable),
    ],
)
async def test_a_refusal_of_crossdock_is_no_denial_of_its_user(
    tmp_path: Path, status: int, code: str, kind: type[FileError]
):
    async with stub_s3() as stub, connections() as reach:
        stub.then(error(status, code))
        store = await reach.store_of(backing_of(stub.url, tmp_path))
        with pytest.raises(FileError) as raised:
            await store.read(PLACE)
        assert reach.kind_of(raised.value) is kind
    assert reach.kind_of(Denied("whoever says so")) is Unavailable


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (403, "AccessDenied", ("ServiceUnavailable", 503)),
        (404, "NoSuchBucket", ("ServiceUnavailable", 503)),
        (400, "RequestTimeTooSkewed", ("ServiceUnavailable", 503)),
        (404, "NoSuchKey", ("NoSuchKey", 404)),
        (412, "PreconditionFailed", ("PreconditionFailed", 412)),
        (503, "SlowDown", ("SlowDown", 503)),
        (501, "NotImplemented", ("NotImplemented", 501)),
        (400, "InvalidArgument", ("InvalidArgument", 400)),
    ],
)
async def test_an_error_is_told_as_s3_tells_it_unless_it_is_our_own(
    tmp_path: Path, status: int, code: str, told: tuple[str, int]
):
    async with stub_s3() as stub, connections() as reach:
        backing = backing_of(stub.url, tmp_path)
        stub.then(*[error(status, code)] * 2)
        for call in (
            reach.call(backing, "ListObjectsV2", {"Prefix": ""}),
            reach.send(backing, SentBody(key="k", body=[memoryview(b"x")], headers={})),
        ):
            with pytest.raises(ServiceError) as raised:
                await call
            assert (raised.value.code, raised.value.status) == told


async def test_an_s3_that_does_not_answer_is_unavailable(tmp_path: Path):
    async with connections() as reach:
        with pytest.raises(ServiceError) as raised:
            await reach.call(backing_of("http://127.0.0.1:1", tmp_path), "ListObjectsV2", {"Prefix": ""})
    assert (raised.value.code, raised.value.status) == ("ServiceUnavailable", 503)
    assert "127.0.0.1" not in raised.value.message


async def test_a_part_is_sent_with_its_number_and_what_was_said_of_it(tmp_path: Path):
    async with stub_s3() as stub, connections() as reach:
        stub.then(ok(headers={"ETag": '"tag"'}))
        sent = SentBody(
            key="a b", body=[memoryview(b"xy")], headers={"x-amz-checksum-crc32": "c"}, upload_id="u/1", part_number=7
        )
        answered = await reach.send(backing_of(stub.url, tmp_path), sent)
        assert answered["etag"] == '"tag"'
        [seen] = stub.seen
        assert (seen.method, seen.target) == ("PUT", "/behind/a%20b?partNumber=7&uploadId=u%2F1")
        assert (seen.body, seen.headers["x-amz-checksum-crc32"]) == (b"xy", "c")


async def test_a_body_that_breaks_off_is_no_end(tmp_path: Path):
    async with stub_s3() as stub, connections() as reach:
        stub.then(breaks_after(b"some", size=10))
        answer = await reach.call(backing_of(stub.url, tmp_path), "GetObject", {"Key": "k"})
        reader: ObjectReader = answer["Body"]
        assert (reader.info.place, reader.info.size, await reader.region()) == (PLACE, 10, None)
        body = ObjectBody(reader=reader, offset=0, size=10)
        with pytest.raises(CrossdockError, match="broke off"):
            assert [chunk async for chunk in body.reader.chunks()] != []
        await reader.close()


@pytest.mark.parametrize("page", [ok(b"<html>closed</html>"), ok(b"<html><br></html>"), ok(b"closed")])
@pytest.mark.parametrize("operation", ["AbortMultipartUpload", "GetObject", "HeadObject"])
async def test_a_page_in_place_of_an_s3_ends_no_upload_and_is_no_object(tmp_path: Path, operation: str, page: Say):
    ledger = MemoryLedger("behind")
    upload = BegunUpload(place=PLACE, upload_id="u1", role_arn="")
    await ledger.note(upload)
    asked = {"UploadId": "u1"} if operation == "AbortMultipartUpload" else {}
    async with stub_s3() as stub, connections(ledger_of=lambda _: ledger) as reach:
        stub.then(page)
        with pytest.raises(ServiceError) as raised:
            await reach.call(backing_of(stub.url, tmp_path), operation, {"Key": PLACE.key, **asked})
    # What is no XML at all, botocore takes for an error of S3's.
    assert (raised.value.code, raised.value.status) in (("ServiceUnavailable", 503), ("500", 500))
    assert ledger.noted == [upload]


@pytest.mark.parametrize("answer", [ok(status=204), ok(), error(404, "NoSuchUpload")])
async def test_an_upload_that_is_aborted_through_the_bucket_is_forgotten(tmp_path: Path, answer: Say):
    ledger = MemoryLedger("behind")
    begins = b"<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"
    async with stub_s3() as stub, connections(ledger_of=lambda _: ledger) as reach:
        backing = backing_of(stub.url, tmp_path)
        stub.then(ok(begins), answer)
        await (await reach.store_of(backing)).start_multipart(PLACE, {})
        assert [upload.upload_id for upload in ledger.noted] == ["u1"]
        with suppress(ServiceError):
            await reach.call(backing, "AbortMultipartUpload", {"Key": PLACE.key, "UploadId": "u1"})
        assert stub.is_done
        assert ledger.noted == []
