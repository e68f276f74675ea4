"""boto3 and aiobotocore, unchanged, against the endpoint on a real socket."""

import asyncio
import io
import os
from datetime import UTC, datetime, timedelta
from functools import partial

import aiobotocore.session
import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.client import Config
from botocore.exceptions import ClientError
from tests.fakes.acm import ScriptedUses
from tests.fakes.ec2 import NamedGroups, server
from tests.fakes.house import CountedEpoch, PlainSealer
from tests.fakes.http_cloud import serve_cloud
from tests.fakes.s3 import document
from tests.fakes.x509 import self_signed

from crossdock.cloud.acm.table import acm_operations
from crossdock.cloud.ec2.ingress import SecurityGroupIngress
from crossdock.cloud.ec2.table import ec2_operations
from crossdock.cloud.organizations.founding import ensure_organization
from crossdock.core.servers import FileProtocol

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


async def test_boto3_manages_certificates():
    uses, pair = ScriptedUses(), self_signed(not_after=datetime.now(UTC) + timedelta(days=1))
    async with serve_cloud(acm_operations(sealer=PlainSealer(), epoch=CountedEpoch(), uses=uses)) as cloud:
        acm = await boto(cloud, "acm")
        imported = await call(
            acm.import_certificate, Certificate=pair.body, PrivateKey=pair.key, Tags=[{"Key": "team", "Value": "press"}]
        )
        arn = {"CertificateArn": imported["CertificateArn"]}
        requested = await call(acm.request_certificate, DomainName="www.example.com", ValidationMethod="DNS")
        shown = await call(acm.get_certificate, **arn)
        described = (await call(acm.describe_certificate, **arn))["Certificate"]
        tags = (await call(acm.list_tags_for_certificate, **arn))["Tags"]
        pages = acm.get_paginator("list_certificates").paginate(
            Includes={"keyTypes": ["RSA_2048", "EC_prime256v1"]}, PaginationConfig={"PageSize": 1}
        )
        listed = (await call(pages.build_full_result))["CertificateSummaryList"]
        with pytest.raises(ClientError, match=r"\(ValidationException\).*do not match"):
            await call(acm.import_certificate, Certificate=pair.body, PrivateKey=self_signed().key)
        uses.by_arn[imported["CertificateArn"]] = ["arn:aws:transfer:us-east-1:111111111111:server/s-1"]
        with pytest.raises(acm.exceptions.ResourceInUseException):
            await call(acm.delete_certificate, **arn)
        stranger = await boto(cloud, "acm", "partner")
        with pytest.raises(ClientError, match="AccessDenied"):
            await call(stranger.describe_certificate, **arn)
        await call(acm.delete_certificate, CertificateArn=requested["CertificateArn"])

    assert (shown["Certificate"].encode(), "CertificateChain" in shown) == (pair.body, False)
    assert described["NotAfter"] == pair.certificate.not_valid_after_utc
    assert tags == [{"Key": "team", "Value": "press"}]
    assert [one["DomainName"] for one in listed] == ["ftp.example.com", "www.example.com"]


async def test_boto3_simulates_policies():
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}'
    async with serve_cloud() as cloud:
        role = await cloud.role("reader", ["s3:GetObject"], ["arn:aws:s3:::box/*"])
        iam = await boto(cloud, "iam")
        pages = iam.get_paginator("simulate_custom_policy").paginate(
            PolicyInputList=[policy],
            ActionNames=["s3:GetObject", "s3:PutObject", "s3:GetBucketPolicy"],
            ResourceArns=["arn:aws:s3:::box/key"],
            PaginationConfig={"PageSize": 2},
        )
        results = (await call(pages.build_full_result))["EvaluationResults"]
        asked = {"PolicySourceArn": role, "ActionNames": ["s3:GetObject"]}
        found = await call(
            iam.simulate_principal_policy,
            **asked,
            ResourceArns=["arn:aws:s3:::box/key"],
            ResourceOwner="arn:aws:iam::222222222222:root",
        )
        keys = await call(iam.get_context_keys_for_custom_policy, PolicyInputList=[policy])
        with pytest.raises(ClientError, match=r"\(InvalidInput\).*: ResourceNames are not in a valid ARN format: box"):
            await call(iam.simulate_principal_policy, **asked, ResourceArns=["box"])

    assert [result["EvalDecision"] for result in results] == ["allowed", "implicitDeny", "allowed"]
    assert results[0]["MatchedStatements"] == [
        {
            "SourcePolicyId": "PolicyInputList.1",
            "SourcePolicyType": "IAM Policy",
            "StartPosition": {"Line": 1, "Column": 38},
            "EndPosition": {"Line": 1, "Column": 90},
        }
    ]
    assert results[0]["EvalDecisionDetails"] == {}
    (result,) = found["EvaluationResults"]
    assert result["EvalDecisionDetails"] == {"IAM Policy": "allowed", "Resource Policy": "implicitDeny"}
    assert result["ResourceSpecificResults"][0]["MatchedStatements"][0]["SourcePolicyId"] == "role_reader_what"
    assert keys["ContextKeyNames"] == []


async def test_boto3_says_who_may_connect():
    async with serve_cloud() as cloud:
        house, use = cloud.s3.operations.house, NamedGroups()
        ingress = SecurityGroupIngress(state=house.state, tasks=house.tasks)
        cloud.s3.operations.add(ec2_operations(ingress=ingress, use=use))
        ec2 = await boto(cloud, "ec2")
        tags = [{"ResourceType": "security-group", "Tags": [{"Key": "team", "Value": "dock"}]}]
        made = await call(ec2.create_security_group, GroupName="ftp", Description="a & b", TagSpecifications=tags)
        group_id = made["GroupId"]
        rule = {
            "IpProtocol": "tcp",
            "FromPort": 21,
            "ToPort": 21,
            "IpRanges": [{"CidrIp": "192.0.2.0/24", "Description": "the office"}],
            "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}],
        }
        allowed = await call(ec2.authorize_security_group_ingress, GroupId=group_id, IpPermissions=[rule])
        assert [one["SecurityGroupRuleId"][:4] for one in allowed["SecurityGroupRules"]] == ["sgr-", "sgr-"]
        filters = [{"Name": "group-name", "Values": ["f*"]}, {"Name": "ip-permission.cidr", "Values": ["192.0.2.0/24"]}]
        pages = ec2.get_paginator("describe_security_groups").paginate(
            Filters=filters, PaginationConfig={"PageSize": 5}
        )
        (found,) = (await call(pages.build_full_result))["SecurityGroups"]
        assert (found["GroupId"], found["Description"]) == (group_id, "a & b")
        assert found["IpPermissions"] == [{**rule, "UserIdGroupPairs": [], "PrefixListIds": []}]
        assert found["Tags"] == tags[0]["Tags"]
        (vpc,) = (await call(ec2.describe_vpcs))["Vpcs"]
        assert found["VpcId"] == vpc["VpcId"]

        await call(ec2.revoke_security_group_ingress, GroupId=group_id, IpPermissions=[rule])
        short = {"IpProtocol": "tcp", "FromPort": 21, "ToPort": 21, "CidrIp": "198.51.100.0/24"}
        await call(ec2.authorize_security_group_ingress, GroupName="ftp", **short)
        (left,) = (await call(ec2.describe_security_group_rules))["SecurityGroupRules"]
        assert (left["CidrIpv4"], left["IsEgress"]) == ("198.51.100.0/24", False)
        for client, is_admitted in (("198.51.100.7", True), ("192.0.2.7", False)):
            assert ingress.admits(server(group_id), client, protocol=FileProtocol.FTP, port=2121) is is_admitted

        use.servers[group_id] = ["s-1"]
        with pytest.raises(ClientError, match="DependencyViolation"):
            await call(ec2.delete_security_group, GroupId=group_id)
        use.servers.clear()
        await call(ec2.delete_security_group, GroupId=group_id)
        with pytest.raises(ClientError) as caught:
            await call(ec2.describe_security_groups, GroupIds=[group_id])
        assert caught.value.response["Error"]["Code"] == "InvalidGroup.NotFound"
        stranger = await boto(cloud, "ec2", "partner")
        assert (await call(stranger.describe_security_groups))["SecurityGroups"] == []
        with pytest.raises(ClientError) as caught:
            await call(ec2.create_security_group, GroupName="x", Description="d", DryRun=True)
        assert caught.value.response["Error"]["Code"] == "DryRunOperation"
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


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


async def test_boto3_manages_the_organization():
    async with serve_cloud() as cloud:
        await ensure_organization(cloud.s3.parts.house)
        await cloud.s3.bucket("box")
        organizations = await boto(cloud, "organizations", "management")
        root = (await call(organizations.list_roots))["Roots"][0]
        pages = await asyncio.to_thread(
            lambda: list(organizations.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 1}))
        )
        assert [page["Accounts"][0]["Name"] for page in pages] == ["management", "hub", "partner"]
        deny = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}}'
        new = {"Name": "no-uploads", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": deny}
        policy = (await call(organizations.create_policy, **new))["Policy"]["PolicySummary"]
        s3 = await boto(cloud, "s3")
        await call(s3.put_object, Bucket="box", Key="before", Body=b"1")
        await call(organizations.attach_policy, PolicyId=policy["Id"], TargetId=root["Id"])
        with pytest.raises(ClientError, match="AccessDenied"):
            await call(s3.put_object, Bucket="box", Key="after", Body=b"1")
        with pytest.raises(organizations.exceptions.PolicyInUseException):
            await call(organizations.delete_policy, PolicyId=policy["Id"])
        await call(organizations.detach_policy, PolicyId=policy["Id"], TargetId=root["Id"])
        await call(s3.put_object, Bucket="box", Key="after", Body=b"1")
        with pytest.raises(organizations.exceptions.ConstraintViolationException) as refused:
            await call(organizations.detach_policy, PolicyId="p-FullAWSAccess", TargetId=root["Id"])
        assert refused.value.response["Reason"] == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
        member = await boto(cloud, "organizations", "hub")
        assert (await call(member.describe_organization))["Organization"]["MasterAccountId"] == "000000000000"
        with pytest.raises(member.exceptions.AccessDeniedException):
            await call(member.list_accounts)


async def test_boto3_reads_refusals_that_quote_what_xml_cannot_hold():
    async with serve_cloud() as cloud:
        iam = await boto(cloud, "iam", parameter_validation=False)
        with pytest.raises(ClientError) as refused:
            await call(iam.create_policy, PolicyName="p", PolicyDocument='{"\x01"')
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        policy = document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
        key = {"ContextKeyName": "aws:PrincipalTag/\x01", "ContextKeyType": "string", "ContextKeyValues": ["a", "b"]}
        with pytest.raises(ClientError, match="InvalidInput") as refused:
            await call(
                iam.simulate_custom_policy,
                PolicyInputList=[policy],
                ActionNames=["s3:GetObject"],
                ContextEntries=[key],
            )
        assert "aws:PrincipalTag/\ufffd" in str(refused.value)
        s3 = await boto(cloud, "s3")
        await cloud.s3.bucket("box")
        with pytest.raises(ClientError, match="NoSuchKey"):
            await call(s3.get_object, Bucket="box", Key="\x01")
