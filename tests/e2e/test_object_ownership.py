"""What a role of the hub writes into the partner's bucket on authority `aws`, read back as the bucket's owner.

"AWS" is an embedded cloud in a process of its own, under each of the three settings of Object Ownership.
"""

import io
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ftplib import error_perm
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from paramiko.sftp import CMD_CLOSE
from tests.e2e.aws_cloud import BUCKET, HUB, PASSWORD, SERVER_ID, USER, Cloud, configuration, document, open_cloud
from tests.e2e.halfway_clients import log_in, open_sftp, told
from tests.e2e.harness import Service, lftp, start_service
from tests.e2e.s3_fronts import embedded_front
from tests.fakes.s3_fault_proxy import REQUEST_ID, Deed, Fault, answer

KEY = "arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SMALL, LARGE = b"small", os.urandom(20 << 20)
ENFORCED, PREFERRED, OBJECT_WRITER = "BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    variables = {"CROSSDOCK_API_PRETEND_ENCRYPTION": "true"}
    with open_cloud(tmp_path_factory.mktemp("aws"), variables=variables) as cloud:
        yield cloud


@contextmanager
def gateway_writing(cloud: Cloud, folder: Path, **options: object) -> Iterator[Service]:
    variables = {**cloud.variables(), "CROSSDOCK_AWS_BUCKETS": json.dumps({"*": options} if options else {})}
    config = configuration(cloud, folder)
    with start_service(folder / "data", "--config", str(config), variables=variables) as service:
        yield service


@pytest.fixture(scope="module")
def gateway(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """It does as by default at AWS's own addresses."""
    with gateway_writing(cloud, tmp_path_factory.mktemp("gateway"), acl="cross-account") as service:
        yield service


def prepare(cloud: Cloud, ownership: str) -> None:
    cloud.admit()
    rules = {"Rules": [{"ObjectOwnership": ownership}]}
    cloud.partner_s3.put_bucket_ownership_controls(Bucket=BUCKET, OwnershipControls=rules)
    for item in cloud.partner_s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        cloud.partner_s3.delete_object(Bucket=BUCKET, Key=item["Key"])


def upload(gateway: Service, folder: Path):
    """A small file, one in parts, and a rename."""
    (folder / "small.bin").write_bytes(SMALL)
    (folder / "large.bin").write_bytes(LARGE)
    script = "put small.bin; put large.bin; put small.bin -o first.bin; mv first.bin renamed.bin"
    return lftp(*gateway.ftp_endpoint(SERVER_ID), USER, PASSWORD, script, cwd=folder)


def owner_id(cloud: Cloud, account: str) -> str:
    return str(cloud.service.client(account, "s3").list_buckets()["Owner"]["ID"])


@pytest.mark.parametrize(
    ("ownership", "owner"), [(ENFORCED, "partner"), (PREFERRED, "partner"), (OBJECT_WRITER, "hub")]
)
def test_the_owner_of_the_bucket_reads_whatever_the_other_account_wrote(
    cloud: Cloud, gateway: Service, tmp_path: Path, ownership, owner
):
    prepare(cloud, ownership)
    done = upload(gateway, tmp_path)
    assert done.returncode == 0, done.stderr
    assert cloud.partner_objects() == {"small.bin": SMALL, "large.bin": LARGE, "renamed.bin": SMALL}
    for key in ("small.bin", "large.bin", "renamed.bin"):
        acl = cloud.partner_s3.get_object_acl(Bucket=BUCKET, Key=key)
        assert acl["Owner"]["ID"] == owner_id(cloud, owner)
        granted = {grant["Grantee"]["ID"]: grant["Permission"] for grant in acl["Grants"]}
        assert granted[owner_id(cloud, "partner")] == "FULL_CONTROL"


@pytest.mark.parametrize("ownership", [PREFERRED, OBJECT_WRITER])
def test_without_the_acl_it_would_be_out_of_its_reach(cloud: Cloud, tmp_path: Path, ownership):
    prepare(cloud, ownership)
    with gateway_writing(cloud, tmp_path, acl="off") as gateway:
        assert upload(gateway, tmp_path).returncode == 0
    for key in ("small.bin", "large.bin", "renamed.bin"):
        with pytest.raises(ClientError, match="AccessDenied"):
            cloud.partner_s3.get_object(Bucket=BUCKET, Key=key)


def test_another_s3_than_awss_is_told_nothing_unless_it_is_set(cloud: Cloud, tmp_path: Path):
    """As with ACLs off: the endpoint is none of AWS's."""
    prepare(cloud, OBJECT_WRITER)
    with gateway_writing(cloud, tmp_path) as gateway:
        assert upload(gateway, tmp_path).returncode == 0
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.partner_s3.get_object(Bucket=BUCKET, Key="small.bin")


def test_a_role_that_may_put_no_acl_is_refused_and_the_log_says_what_to_do(
    cloud: Cloud, gateway: Service, tmp_path: Path
):
    prepare(cloud, OBJECT_WRITER)
    (tmp_path / "denied.bin").write_bytes(SMALL)
    policy = cloud.partner_s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    less = json.dumps(json.loads(policy)).replace('"s3:PutObjectAcl", ', "")
    assert less != json.dumps(json.loads(policy))
    cloud.partner_s3.put_bucket_policy(Bucket=BUCKET, Policy=less)
    done = lftp(*gateway.ftp_endpoint(SERVER_ID), USER, PASSWORD, "put denied.bin", cwd=tmp_path)
    assert "550" in done.stderr
    line = cloud.logged("ERROR", "denied.bin", "s3:PutObjectAcl")
    for words in (f"{BUCKET}/denied.bin", "transfer-role", HUB, "request ", "acl = ", "aws.buckets.", "off"):
        assert words in line
    with gateway_writing(cloud, tmp_path, acl="off") as other:
        done = lftp(*other.ftp_endpoint(SERVER_ID), USER, PASSWORD, "put denied.bin", cwd=tmp_path)
        assert done.returncode == 0, done.stderr


def test_in_its_own_account_a_role_says_no_acl(cloud: Cloud, gateway: Service, tmp_path: Path):
    s3 = cloud.service.client("hub", "s3")
    s3.create_bucket(Bucket="hub-data", ObjectOwnership=OBJECT_WRITER)
    denial = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObjectAcl", "Resource": "arn:aws:s3:::hub-data/*"}
    s3.put_bucket_policy(Bucket="hub-data", Policy=document(denial))
    role = f"arn:aws:iam::{HUB}:role/transfer-role"
    cloud.say_of_user(Role=role, HomeDirectory="/hub-data")
    try:
        done = upload(gateway, tmp_path)
        assert done.returncode == 0, done.stderr
    finally:
        cloud.say_of_user(Role=role, HomeDirectory=f"/{BUCKET}")
    assert s3.get_object(Bucket="hub-data", Key="renamed.bin")["Body"].read() == SMALL


@pytest.mark.parametrize("acl", ["off", "cross-account"])
def test_a_key_that_withholds_itself_is_a_denial_and_the_log_names_the_key(cloud: Cloud, tmp_path: Path, acl):
    prepare(cloud, ENFORCED)
    cloud.partner_s3.put_object(Bucket=BUCKET, Key="get.bin", Body=SMALL)
    buckets = json.dumps({BUCKET: {"acl": acl, "sse": "aws:kms", "kms_key_id": KEY}})
    with embedded_front(cloud, tmp_path, variables={"CROSSDOCK_AWS_BUCKETS": buckets}) as front, ExitStack() as stack:
        ftp, sftp = stack.enter_context(log_in(front)), open_sftp(front, stack)

        def store() -> None:
            ftp.storbinary("STOR put.bin", io.BytesIO(SMALL))

        def retrieve() -> None:
            ftp.retrbinary("RETR get.bin", lambda _: None)

        def write() -> None:
            file = sftp.open("put.bin", "wb")
            file.write(SMALL)
            # paramiko's own close() overlooks what the server answers.
            sftp._request(CMD_CLOSE, file.handle)

        def read() -> None:
            with sftp.open("get.bin", "rb") as file:
                file.read()

        for operation, action, by_ftp, by_sftp in (
            ("PutObject", "kms:GenerateDataKey", store, write),
            ("GetObject", "kms:Decrypt", retrieve, read),
        ):
            name = f"{operation[:3].lower()}.bin"
            words = (
                f"User: arn:aws:sts::{HUB}:assumed-role/transfer-role/{USER} is not authorized to perform: {action} on "
                f"resource: {KEY} because no resource-based policy allows the {action} action"
            )
            front.proxy.begin(Fault(Deed.ANSWER, kind=operation, answer=answer(403, "AccessDenied", message=words)))
            with pytest.raises(error_perm, match=r"^550 Permission denied\.$"):
                by_ftp()
            assert told(by_sftp)[1] == "Permission denied"
            front.proxy.begin(None)
            line = cloud.logged("ERROR", f"s3:{operation} on {BUCKET}/{name}: the KMS key withholds {action}")
            assert words in line
            assert f"(role transfer-role of account {HUB}, request {REQUEST_ID})" in line
            assert "s3:PutObjectAcl" not in line


def test_objects_are_encrypted_as_it_is_set(cloud: Cloud, tmp_path: Path):
    prepare(cloud, ENFORCED)
    with gateway_writing(cloud, tmp_path, sse="aws:kms", kms_key_id=KEY, bucket_key=True) as gateway:
        done = upload(gateway, tmp_path)
        assert done.returncode == 0, done.stderr
    for key in ("small.bin", "large.bin", "renamed.bin"):
        head = cloud.partner_s3.head_object(Bucket=BUCKET, Key=key)
        told = (head["ServerSideEncryption"], head["SSEKMSKeyId"], head["BucketKeyEnabled"])
        assert told == ("aws:kms", KEY, True)
    assert cloud.partner_objects()["large.bin"] == LARGE
