"""KMS and S3 of the moto server: what somebody else takes AWS's answers about keys to be."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiobotocore.session import AioSession
from tests.fakes.s3 import document

from crossdock.adapters.aws.clients import open_clients
from crossdock.adapters.aws.documents.accounts import Account, Accounts
from crossdock.adapters.aws.documents.buckets import BucketReader
from crossdock.adapters.aws.documents.keys import KeyName, KeyReader
from crossdock.adapters.aws.documents.keys_in_use import key_in_use
from crossdock.core.errors import NotFound, Unsupported
from crossdock.core.object_writing import ObjectWriting

pytestmark = pytest.mark.s3
ACCOUNT, REGION = "123456789012", "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/files"


@pytest.fixture
async def account(moto_server_url: str) -> AsyncIterator[Account]:
    session = AioSession()
    session.set_credentials("AKIAREADER", "a secret of the tests")
    async with open_clients(read_timeout_s=20, endpoint_url=moto_server_url, attempts=1, session=session) as clients:
        yield Account(
            account_id=ACCOUNT, profile="reads", region="us-east-1", caller_arn="arn", caller_id="id", clients=clients
        )


async def new_key(kms: Any) -> str:
    policy = document({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"})
    return str((await kms.create_key(Policy=policy))["KeyMetadata"]["Arn"])


async def test_a_key_is_found_by_arn_and_alias_in_its_own_region_with_its_policy_and_grants(account: Account) -> None:
    kms = await account.clients.client("kms", REGION)
    arn = await new_key(kms)
    await kms.create_alias(AliasName="alias/files", TargetKeyId=arn)
    keys = KeyReader(Accounts((account,)))
    for text in (arn, "alias/files"):
        found = await keys.find(KeyName(text=text, account_id=ACCOUNT, region=REGION))
        assert (str(found.arn), found.is_of_aws, found.unread) == (arn, False, ())
        assert found.policy is not None
    assert await keys.grants(found.arn, [ROLE], "Decrypt") == ()
    granted = await kms.create_grant(KeyId=arn, GranteePrincipal=ROLE, Operations=["Decrypt"])
    fresh = KeyReader(Accounts((account.in_region(REGION),)))
    assert await fresh.grants(found.arn, [ROLE], "Decrypt") == (granted["GrantId"],)


async def test_a_key_that_is_not_there_or_is_disabled_is_told(account: Account) -> None:
    kms = await account.clients.client("kms", REGION)
    arn = await new_key(kms)
    await kms.disable_key(KeyId=arn.rpartition("/")[2])  # an ARN breaks moto here
    keys = KeyReader(Accounts((account,)))
    with pytest.raises(Unsupported, match="is not in use but Disabled"):
        await keys.find(KeyName(text=arn, account_id=ACCOUNT, region=REGION))
    for text in ("alias/none", f"{arn[:-4]}0000"):
        with pytest.raises(NotFound, match="there is no KMS key"):
            await keys.find(KeyName(text=text, account_id=ACCOUNT, region=REGION))


async def test_the_default_encryption_of_a_bucket_leads_to_its_key(account: Account) -> None:
    s3, kms = [await account.clients.client(service, REGION) for service in ("s3", "kms")]
    arn = await new_key(kms)
    await s3.create_bucket(Bucket="by-key", CreateBucketConfiguration={"LocationConstraint": REGION})
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn},
        "BucketKeyEnabled": True,
    }
    await s3.put_bucket_encryption(Bucket="by-key", ServerSideEncryptionConfiguration={"Rules": [rule]})
    admits = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "s3:*", "Resource": "arn:aws:s3:::by-key"}
    await s3.put_bucket_policy(Bucket="by-key", Policy=json.dumps({"Version": "2012-10-17", "Statement": [admits]}))
    bucket = await BucketReader(Accounts((account,))).find("by-key")
    assert bucket.encryption == ObjectWriting(sse="aws:kms", kms_key_id=arn, bucket_key=True)
    assert key_in_use(ObjectWriting(), bucket, ACCOUNT) == KeyName(text=arn, account_id=ACCOUNT, region=REGION)
