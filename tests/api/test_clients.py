"""boto3 and aiobotocore, unchanged, against the endpoint on a real socket."""

import asyncio
import io
import os
from functools import partial

import aiobotocore.session
import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.client import Config
from botocore.exceptions import ClientError
from tests.fakes.http_cloud import serve_cloud

MIB = 1 << 20


async def boto(cloud, service, account="hub", token=None, key=None, **config):
    """A client of boto3; call its methods through `asyncio.to_thread`."""
    key = key or await cloud.key_of(account)
    make = partial(
        boto3.Session(key.access_key_id, key.secret_access_key, token, region_name="us-east-1").client,
        service,
        endpoint_url=cloud.url,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )
    return await asyncio.to_thread(make)


async def call(method, **params):
    return await asyncio.to_thread(partial(method, **params))


@pytest.mark.parametrize("checksums", ["when_supported", "when_required"])
async def test_boto3_puts_and_gets(checksums):
    async with serve_cloud() as cloud:
        s3 = await boto(cloud, "s3", request_checksum_calculation=checksums)
        await call(s3.create_bucket, Bucket="box")
        content = os.urandom(3 * MIB)
        put = await call(s3.put_object, Bucket="box", Key="a/ü key", Body=content, Metadata={"owner": "tests"})
        got = await call(s3.get_object, Bucket="box", Key="a/ü key")
        assert await asyncio.to_thread(got["Body"].read) == content
        assert (got["ETag"], got["Metadata"], got["ContentLength"]) == (put["ETag"], {"owner": "tests"}, 3 * MIB)
        listed = await call(s3.list_objects_v2, Bucket="box")
        assert [item["Key"] for item in listed["Contents"]] == ["a/ü key"]
        await call(s3.delete_objects, Bucket="box", Delete={"Objects": [{"Key": "a/ü key"}]})
        await call(s3.delete_bucket, Bucket="box")
        assert (await call(s3.list_buckets))["Buckets"] == []


@pytest.mark.parametrize(
    "body", [b"", b"content", io.BytesIO(b"a file"), bytearray(b"array")], ids=["nothing", "bytes", "file", "array"]
)
async def test_boto3_sends_every_kind_of_body(body):
    async with serve_cloud() as cloud:
        s3 = await boto(cloud, "s3")
        await cloud.s3.bucket("box")
        await call(s3.put_object, Bucket="box", Key="key", Body=body)
        content = body.getvalue() if isinstance(body, io.BytesIO) else bytes(body)
        assert await cloud.s3.read("box", "key") == content


async def test_boto3_uploads_and_downloads_in_parts():
    async with serve_cloud() as cloud:
        s3 = await boto(cloud, "s3")
        await cloud.s3.bucket("box")
        content = os.urandom(17 * MIB)
        config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
        await call(s3.upload_fileobj, Fileobj=io.BytesIO(content), Bucket="box", Key="big", Config=config)
        target = io.BytesIO()
        await call(s3.download_fileobj, Bucket="box", Key="big", Fileobj=target, Config=config)
        assert target.getvalue() == content
        head = await call(s3.head_object, Bucket="box", Key="big")
        assert (head["ContentLength"], head["ETag"][-3:]) == (17 * MIB, '-4"')


async def test_boto3_reads_our_errors():
    async with serve_cloud() as cloud:
        s3 = await boto(cloud, "s3")
        await cloud.s3.bucket("box")
        for method, code, status in (
            (partial(s3.get_object, Bucket="box", Key="nothing"), "NoSuchKey", 404),
            (partial(s3.head_object, Bucket="box", Key="nothing"), "404", 404),
            (partial(s3.head_bucket, Bucket="nothing-here"), "404", 404),
            (partial(s3.put_object, Bucket="box", Key="key", Body=b"x", IfMatch='"x"'), "NoSuchKey", 404),
        ):
            with pytest.raises(ClientError) as caught:
                await asyncio.to_thread(method)
            response = caught.value.response
            assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
            assert response["ResponseMetadata"]["RequestId"]


async def test_a_denied_upload_of_boto3_ends_at_once():
    """botocore waits for an invitation (Expect: 100-continue) that never comes."""
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        stranger = await boto(cloud, "s3", "partner")
        for _ in range(2):
            with pytest.raises(ClientError, match="AccessDenied"):
                await call(stranger.put_object, Bucket="box", Key="key", Body=bytes(20 * MIB))
        assert await cloud.s3.keys("box") == []


async def test_presigned_urls_are_of_version_four():
    """boto3 presigns with the old version for some regions and custom endpoints unless told otherwise."""
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        s3 = await boto(cloud, "s3", signature_version="s3v4")
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "box", "Key": "key"})
        assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
        async with aiobotocore.httpsession.aiohttp.ClientSession() as http, http.get(url) as response:
            assert await response.read() == b"content"


async def test_other_services_speak_their_own_protocols():
    async with serve_cloud() as cloud:
        iam = await boto(cloud, "iam")
        with pytest.raises(ClientError, match="NoSuchEntity"):
            await call(iam.get_role, RoleName="nobody")
        sts = await boto(cloud, "sts", "partner")
        assert (await call(sts.get_caller_identity))["Account"] == "222222222222"
        for service, method in (("lambda", "list_functions"), ("transfer", "list_servers"), ("ec2", "describe_vpcs")):
            client = await boto(cloud, service)
            with pytest.raises(ClientError) as caught:
                await asyncio.to_thread(getattr(client, method))
            assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.mark.parametrize(
    ("service", "method", "config"),
    [
        ("dynamodb", "list_tables", {}),
        ("dynamodb", "list_tables", {"signature_version": UNSIGNED}),
        ("sqs", "list_queues", {}),
        ("sns", "list_topics", {}),
        ("ec2", "describe_vpcs", {}),
        ("ec2", "describe_vpcs", {"signature_version": UNSIGNED}),
    ],
)
async def test_boto3_reads_that_a_service_is_not_here(service, method, config):
    async with serve_cloud(absent=["ec2"]) as cloud:
        client = await boto(cloud, service, **config)
        with pytest.raises(ClientError) as caught:
            await asyncio.to_thread(getattr(client, method))
        response = caught.value.response
        assert response["Error"]["Code"] == "UnknownOperationException"
        assert response["Error"]["Message"].startswith("Crossdock does not have the service ")
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 501
        assert response["ResponseMetadata"]["RequestId"]


async def test_a_role_is_assumed_and_its_session_used():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        arn = await cloud.role("reader", ["s3:GetObject"], ["arn:aws:s3:::box/*"])
        sts = await boto(cloud, "sts")
        issued = (await call(sts.assume_role, RoleArn=arn, RoleSessionName="visit"))["Credentials"]
        session = boto3.Session(
            issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"], region_name="us-east-1"
        )
        s3 = session.client("s3", endpoint_url=cloud.url)
        got = await call(s3.get_object, Bucket="box", Key="key")
        assert await asyncio.to_thread(got["Body"].read) == b"content"
        with pytest.raises(ClientError, match="AccessDenied"):
            await call(s3.delete_object, Bucket="box", Key="key")


async def test_many_clients_at_once_each_get_their_own():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        key = await cloud.key_of("hub")
        contents = {f"key{number}": os.urandom(300_000) for number in range(24)}
        creation = aiobotocore.session.get_session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=cloud.url,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            config=Config(max_pool_connections=24, retries={"total_max_attempts": 1}),
        )
        async with creation as s3:

            async def round_trip(name, content):
                await s3.put_object(Bucket="box", Key=name, Body=content)
                async with (await s3.get_object(Bucket="box", Key=name))["Body"] as body:
                    return await body.read()

            found = await asyncio.gather(*(round_trip(name, content) for name, content in contents.items()))
        assert found == list(contents.values())
