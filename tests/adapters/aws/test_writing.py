"""What writes say of their objects: which calls carry which headers, and how another account's bucket is known."""

import pytest
from tests.fakes.stub_s3 import error, ok, stub_s3

from crossdock.adapters.aws.writing import MAX_KNOWN, ObjectWriter, Written
from crossdock.core.errors import Denied, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.core.object_writing import ObjectWritings, read_writings

ACCOUNT = "111111111111"
KEY = "arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PLACE = ObjectPlace(bucket="box", key="in/key")
SOURCE = ObjectPlace(bucket="box", key="old")
PUT = ok(headers={"ETag": '"x"'})
HEAD = ok(headers={"ETag": '"x"', "Content-Length": "25"})
BEGUN = ok(b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
COMPLETED = ok(b"<CompleteMultipartUploadResult><ETag>&quot;t-1&quot;</ETag></CompleteMultipartUploadResult>")
COPIED = ok(
    b"<CopyObjectResult><ETag>&quot;x&quot;</ETag><LastModified>2026-03-15T00:47:00Z</LastModified></CopyObjectResult>"
)
PART_COPIED = ok(b"<CopyPartResult><ETag>&quot;p&quot;</ETag></CopyPartResult>")
DENIED = error(403, "AccessDenied", "Access Denied")
SPOKEN_OF = ("x-amz-acl", "x-amz-server-side-encryption", "x-amz-expected-bucket-owner")
FULL = {"x-amz-acl": "bucket-owner-full-control"}
EXPECTING = {"x-amz-expected-bucket-owner": ACCOUNT}


def said(seen):
    return {name.lower(): value for name, value in seen.headers.items() if name.lower().startswith(SPOKEN_OF)}


def said_in(stub):
    return [said(seen) for seen in stub.seen]


async def test_the_calls_that_make_an_object_say_it_and_no_other():
    options = {"acl": "bucket-owner-full-control", "sse": "aws:kms", "kms_key_id": KEY, "bucket_key": True}
    told = {
        **FULL,
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": KEY,
        "x-amz-server-side-encryption-bucket-key-enabled": "true",
    }
    async with stub_s3() as stub, stub.store(writings=read_writings({"*": options})) as store:
        stub.then(PUT, HEAD, COPIED)
        await store.put(PLACE, [b"content"], {})
        await store.copy(SOURCE, PLACE)
        assert said_in(stub) == [told, {}, told]
        assert said(stub.seen[0]).keys() <= {*_signed(stub.seen[0])}
        assert said(stub.seen[2]).keys() <= {*_signed(stub.seen[2])}
        stub.seen.clear()
        stub.then(BEGUN, PUT, COMPLETED)
        upload = await store.start_multipart(PLACE, {})
        await upload.upload_part(1, [b"content"])
        await upload.complete()
        assert said_in(stub) == [told, {}, {}]
        assert said(stub.seen[0]).keys() <= {*_signed(stub.seen[0])}
        stub.then(ok(status=204))
        await upload.abort()
        assert said(stub.seen[-1]) == {}


async def test_a_copy_in_parts_says_it_where_it_begins():
    async with stub_s3() as stub, stub.store(writings=read_writings({"*": {"sse": "AES256"}}), max_copy=13) as store:
        stub.then(HEAD, BEGUN, PART_COPIED, PART_COPIED, COMPLETED)
        await store.copy(SOURCE, PLACE)
    assert said_in(stub) == [{}, {"x-amz-server-side-encryption": "AES256"}, {}, {}, {}]


async def test_nothing_is_said_at_another_s3_unless_it_is_set():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(PUT, HEAD, COPIED, BEGUN)
        await store.put(PLACE, [b"content"], {})
        await store.copy(SOURCE, PLACE)
        await store.start_multipart(PLACE, {})
    assert said_in(stub) == [{}, {}, {}, {}]


@pytest.mark.parametrize("acl", ["", "cross-account"])
async def test_a_bucket_of_the_roles_own_account_is_known_by_the_first_write(acl):
    writer = ObjectWriter(read_writings({"*": {"acl": acl}}), grants_across_accounts=True)
    tried = []

    async def attempt(written: Written):
        tried.append(written.headers)

    await writer.write(PLACE, ACCOUNT, attempt)
    await writer.write(PLACE, ACCOUNT, attempt)
    assert tried == [EXPECTING, {}]


async def test_a_bucket_of_another_account_is_known_by_its_refusal_and_its_owner_gets_full_control():
    writings = read_writings({"*": {"acl": "cross-account", "sse": "AES256"}})
    full = {**FULL, "x-amz-server-side-encryption": "AES256"}
    async with stub_s3() as stub, stub.store(writings=writings) as store:
        stub.then(DENIED, PUT)
        await store.put(PLACE, [b"con", memoryview(b"tent")], {})
        assert said_in(stub) == [{**EXPECTING, "x-amz-server-side-encryption": "AES256"}, full]
        assert stub.seen[-1].body == b"content"
        stub.seen.clear()
        stub.then(PUT, HEAD, COPIED, BEGUN)
        assert (await store.put(PLACE, [b"content"], {})).size == 7
        await store.copy(SOURCE, PLACE)
        await store.start_multipart(PLACE, {})
    assert said_in(stub) == [full, {}, full, full]


@pytest.mark.parametrize("answers", [[BEGUN], [DENIED, BEGUN]])
async def test_an_upload_in_parts_finds_out_when_it_begins(answers):
    async with stub_s3() as stub, stub.store(writings=read_writings({"box": {"acl": "cross-account"}})) as store:
        stub.then(*answers, PUT)
        upload = await store.start_multipart(PLACE, {})
        await upload.upload_part(1, [b"x"])
    assert said_in(stub) == [*[EXPECTING, FULL][: len(answers)], {}]


async def test_a_rename_finds_out_too():
    async with stub_s3() as stub, stub.store(writings=read_writings({"*": {"acl": "cross-account"}})) as store:
        stub.then(HEAD, DENIED, COPIED, HEAD, COPIED)
        await store.copy(SOURCE, PLACE)
        await store.copy(SOURCE, PLACE)
    assert said_in(stub) == [{}, EXPECTING, FULL, {}, FULL]


async def test_what_two_roles_know_of_a_bucket_is_each_ones_own():
    writer = ObjectWriter(ObjectWritings(), grants_across_accounts=True)
    tried = []

    async def attempt(written: Written):
        tried.append(written.headers)

    for account in (ACCOUNT, "222222222222", ACCOUNT):
        await writer.write(PLACE, account, attempt)
    await writer.write(PLACE, "", attempt)
    assert tried == [EXPECTING, {"x-amz-expected-bucket-owner": "222222222222"}, {}, {}]


async def test_what_is_known_is_bounded():
    writer = ObjectWriter(ObjectWritings(), grants_across_accounts=True)
    tried = []

    async def attempt(written: Written):
        tried.append(written.headers)

    for number in range(MAX_KNOWN + 1):
        await writer.write(ObjectPlace(bucket=f"b{number}", key="k"), ACCOUNT, attempt)
    await writer.write(ObjectPlace(bucket="b0", key="k"), ACCOUNT, attempt)
    assert tried[-1] == EXPECTING


async def test_a_denial_says_that_the_acl_takes_a_permission_and_how_to_turn_it_off():
    async with stub_s3() as stub, stub.store(writings=read_writings({"*": {"acl": "cross-account"}})) as store:
        stub.then(DENIED, DENIED)
        with pytest.raises(Denied) as caught:
            await store.put(PLACE, [b"content"], {})
        stub.then(DENIED, DENIED)
        with pytest.raises(Denied):
            await store.put(PLACE, [b"content"], {})
    assert str(caught.value) == (
        "s3:PutObject on box/in/key: AccessDenied: Access Denied (role files of account 111111111111, request R1); "
        "x-amz-acl: bucket-owner-full-control was sent, for the bucket did not pass for one of account 111111111111, "
        "which takes s3:PutObjectAcl beside s3:PutObject, of the role's policy and of the bucket's: allow it, or set "
        'acl = "off" under [aws.buckets."box"]'
    )
    # A denial tells nothing of the bucket: the next write asks again.
    assert said_in(stub) == [EXPECTING, FULL, EXPECTING, FULL]


async def test_a_denial_that_passed_makes_no_bucket_another_accounts_for_every_role():
    writings = read_writings({"*": {"acl": "cross-account"}})
    async with stub_s3() as stub, stub.store(writings=writings) as store:
        stub.then(DENIED, PUT, DENIED, PUT, PUT)
        # The first role's policy comes into force between the two attempts; the other role may not set ACLs.
        await store.put(PLACE, [b"content"], {})
        with pytest.raises(Denied, match="did not pass for one of account 111111111111"):
            await store.put(PLACE, [b"content"], {})
        await store.put(PLACE, [b"content"], {})
        await store.put(PLACE, [b"content"], {})
    assert said_in(stub) == [EXPECTING, FULL, FULL, EXPECTING, {}]


async def test_an_acl_that_is_set_is_told_of_in_the_denial_too():
    async with stub_s3() as stub, stub.store(writings=read_writings({"box": {"acl": "bucket-owner-read"}})) as store:
        stub.then(DENIED)
        with pytest.raises(Denied, match="bucket-owner-read was sent, which takes s3:PutObjectAcl"):
            await store.put(PLACE, [b"content"], {})


async def test_credentials_that_are_not_known_are_no_sign_of_another_account():
    async with stub_s3() as stub, stub.store(writings=read_writings({"*": {"acl": "cross-account"}})) as store:
        stub.then(error(400, "ExpiredToken"))
        with pytest.raises(Denied) as caught:
            await store.put(PLACE, [b"content"], {})
    assert "s3:PutObjectAcl" not in str(caught.value)
    assert len(stub.seen) == 1


KMS_WORDS = (
    "User: arn:aws:sts::111111111111:assumed-role/files/user1.x@s-1 is not authorized to perform: kms:GenerateDataKey "
    "on resource: " + KEY + " because no resource-based policy allows the kms:GenerateDataKey action"
)


@pytest.mark.parametrize("acl", ["off", "bucket-owner-full-control", "cross-account"])
async def test_a_key_that_withholds_itself_is_told_as_the_key_and_not_as_the_acl(acl):
    writings = read_writings({"*": {"acl": acl, "sse": "aws:kms", "kms_key_id": KEY}})
    async with stub_s3() as stub, stub.store(writings=writings) as store:
        stub.then(*[error(403, "AccessDenied", KMS_WORDS)] * 2)
        with pytest.raises(Denied) as caught:
            await store.put(PLACE, [b"content"], {})
    assert len(stub.seen) == 1  # the body is not sent again in vain
    assert str(caught.value) == (
        "s3:PutObject on box/in/key: the KMS key withholds kms:GenerateDataKey, which the role's policy and the key's "
        f"must both allow; AccessDenied: {KMS_WORDS} (role files of account 111111111111, request R1)"
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("KMS.NotFoundException", "no such KMS key in the bucket's region"),
        ("KMS.DisabledException", "the KMS key is disabled"),
        ("AccessControlListNotSupported", "change acl in aws.buckets"),
    ],
)
async def test_what_an_operator_has_to_mend_is_told_as_that(code, words):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(error(400, code))
        with pytest.raises(Unavailable, match=words):
            await store.put(PLACE, [b"content"], {})


@pytest.mark.parametrize("acl", ["off", "bucket-owner-full-control", "cross-account"])
async def test_an_s3_that_does_not_encrypt_is_told_with_the_line_that_asks_for_it(acl):
    writings = read_writings({"*": {"acl": acl, "sse": "AES256"}})
    async with stub_s3() as stub, stub.store(writings=writings, attempts=1) as store:
        for write in (lambda: store.put(PLACE, [b"content"], {}), lambda: store.start_multipart(PLACE, {})):
            stub.then(error(501, "NotImplemented", "no KMS"))
            with pytest.raises(Unavailable) as caught:
                await write()
            assert "NotImplemented: no KMS" in str(caught.value)
            assert str(caught.value).endswith(
                "; x-amz-server-side-encryption: AES256 was sent, which this S3 may not be able to do: set "
                'sse = "off" under [aws.buckets."box"]'
            )
    async with stub_s3() as stub, stub.store(attempts=1) as store:
        stub.then(error(501, "NotImplemented", "no"))
        with pytest.raises(Unavailable) as caught:
            await store.put(PLACE, [b"content"], {})
    assert "sse" not in str(caught.value)


def _signed(seen):
    authorization = next(value for name, value in seen.headers.items() if name.lower() == "authorization")
    return authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
