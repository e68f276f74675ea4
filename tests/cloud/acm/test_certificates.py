"""Certificates that are there: found, listed, tagged, deleted, and by whom."""

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.fakes.acm import PARTNER, REGION, Acm
from tests.fakes.clock import START
from tests.fakes.house import AllowOnly
from tests.fakes.x509 import rsa_key, self_signed

from crossdock.core.errors import ServiceError

ALL_KEYS = {"Includes": {"keyTypes": ["EC_prime256v1", "RSA_2048"]}}


@pytest.fixture
def acm():
    return Acm()


async def listed(acm: Acm, **params) -> list[str]:
    """ARNs, page by page."""
    found, token = [], None
    while True:
        page = await acm("ListCertificates", **params, **({"NextToken": token} if token else {}))
        found += [one["CertificateArn"] for one in page["CertificateSummaryList"]]
        token = page.get("NextToken")
        if token is None:
            return found


@pytest.mark.parametrize(
    "operation", ["DescribeCertificate", "GetCertificate", "DeleteCertificate", "ListTagsForCertificate"]
)
async def test_a_certificate_is_found_in_its_region_only(acm, operation):
    arn = await acm.imported()
    for absent in (arn[:-1] + "x", arn.replace(REGION, "eu-west-1"), arn.replace("111111111111", PARTNER)):
        assert await acm.refusal(operation, CertificateArn=absent) == (
            "ResourceNotFoundException",
            f"Could not find certificate {absent}.",
        )
    assert (await acm.refusal(operation, CertificateArn=arn, region="eu-west-1"))[0] == "ResourceNotFoundException"
    assert (await acm.refusal(operation, CertificateArn=arn, account=PARTNER))[0] == "ResourceNotFoundException"


async def test_an_arn_of_something_else_is_invalid(acm):
    code, _ = await acm.refusal(
        "DescribeCertificate", CertificateArn="arn:aws:acm:us-east-1:111111111111:acme-account/x"
    )
    assert code == "InvalidArnException"
    code, _ = await acm.refusal("DescribeCertificate", CertificateArn="arn:aws:s3:::certificate/of-nothing")
    assert code == "ValidationException"


async def test_a_deleted_certificate_is_gone_and_the_epoch_rises(acm):
    arn = await acm.imported()
    epoch = acm.epoch.current()
    await acm("DeleteCertificate", CertificateArn=arn)
    assert acm.epoch.current() > epoch
    assert (await acm.refusal("DescribeCertificate", CertificateArn=arn))[0] == "ResourceNotFoundException"


async def test_a_certificate_in_use_stays_and_says_by_whom(acm):
    arn = await acm.imported(self_signed(private=rsa_key()))
    server = "arn:aws:transfer:us-east-1:111111111111:server/s-0123456789abcdef0"
    acm.uses.by_arn[arn] = [server]
    code, message = await acm.refusal("DeleteCertificate", CertificateArn=arn)
    assert (code, message) == ("ResourceInUseException", f"Certificate {arn} is in use by {server}.")
    assert (await acm.described(arn))["InUseBy"] == [server]
    (summary,) = (await acm("ListCertificates"))["CertificateSummaryList"]
    assert summary["InUse"] is True


async def test_an_expired_certificate_says_so(acm):
    arn = await acm.imported(self_signed(private=rsa_key()))
    assert await listed(acm, CertificateStatuses=["EXPIRED"]) == []
    acm.clock.advance(90 * 24 * 3600)
    assert (await acm.described(arn))["Status"] == "EXPIRED"
    assert await listed(acm, CertificateStatuses=["EXPIRED"]) == [arn]
    assert await listed(acm, CertificateStatuses=["ISSUED"]) == []


async def test_certificates_are_listed_page_by_page_in_either_order(acm):
    made = []
    for _ in range(5):
        made.append(await acm.imported(self_signed(private=rsa_key())))
        acm.clock.advance(1)
    await acm.imported(self_signed(private=rsa_key()), region="eu-west-1")
    await acm.imported(self_signed(private=rsa_key()), account=PARTNER)
    assert await listed(acm, MaxItems=2) == made
    assert await listed(acm, MaxItems=2, SortBy="CREATED_AT", SortOrder="DESCENDING") == made[::-1]
    assert (await acm.refusal("ListCertificates", SortBy="CREATED_AT"))[0] == "ValidationException"
    for token in ("nonsense", "WyJhIl0="):
        assert (await acm.refusal("ListCertificates", NextToken=token))[0] == "InvalidArgsException"


async def test_other_keys_than_short_rsa_are_listed_only_when_asked_for(acm):
    rsa = await acm.imported(self_signed(private=rsa_key()))
    curve = await acm.imported()
    assert await listed(acm) == [rsa]
    assert set(await listed(acm, **ALL_KEYS)) == {rsa, curve}


async def test_lists_are_filtered_by_what_certificates_are_for(acm):
    server = await acm.imported(self_signed(usages=["digital_signature"], extended=[ExtendedKeyUsageOID.SERVER_AUTH]))
    plain = await acm.imported()
    requested = (await acm("RequestCertificate", DomainName="a.example", KeyAlgorithm="EC_prime256v1"))[
        "CertificateArn"
    ]
    keys = {"keyTypes": ["EC_prime256v1"]}
    assert set(await listed(acm, Includes={**keys, "keyUsage": ["DIGITAL_SIGNATURE"]})) == {server, requested}
    assert await listed(acm, Includes={**keys, "extendedKeyUsage": ["NONE"]}) == [plain]
    assert await listed(acm, Includes={**keys, "exportOption": "ENABLED"}) == []
    assert await listed(acm, Includes=keys, CertificateKeyPairOrigins=["AWS_MANAGED"]) == [requested]


async def test_tags_are_added_and_taken_with_or_without_their_value(acm):
    arn = await acm.imported(Tags=[{"Key": "a", "Value": "1"}])
    await acm("AddTagsToCertificate", CertificateArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "c"}])
    await acm(
        "RemoveTagsFromCertificate",
        CertificateArn=arn,
        Tags=[{"Key": "a", "Value": "other"}, {"Key": "b", "Value": "2"}, {"Key": "c"}, {"Key": "absent"}],
    )
    assert (await acm("ListTagsForCertificate", CertificateArn=arn))["Tags"] == [{"Key": "a", "Value": "1"}]


async def test_tags_have_their_rules(acm):
    arn = await acm.imported(Tags=[{"Key": f"k{number}"} for number in range(50)])
    refusals = {
        "TooManyTagsException": [{"Key": "one more"}],
        "InvalidTagException": [{"Key": "aws:name"}],
        "InvalidParameterException": [{"Key": "twice"}, {"Key": "twice"}],
    }
    for code, tags in refusals.items():
        assert (await acm.refusal("AddTagsToCertificate", CertificateArn=arn, Tags=tags))[0] == code


async def test_permissions_are_asked_on_the_certificate_with_its_tags():
    acm = Acm(AllowOnly("acm:ImportCertificate", "acm:AddTagsToCertificate"))
    arn = await acm.imported(Tags=[{"Key": "team", "Value": "press"}])
    anew = f"arn:aws:acm:{REGION}:111111111111:certificate/*"
    assert [(one.action, one.resource) for one in acm.authorizer.asked] == [
        ("acm:ImportCertificate", anew),
        ("acm:AddTagsToCertificate", anew),
    ]
    assert acm.authorizer.asked[0].context["aws:RequestTag/team"] == ("press",)
    with pytest.raises(ServiceError) as refusal:
        await acm("DeleteCertificate", CertificateArn=arn)
    assert refusal.value.code == "AccessDeniedException"
    assert acm.authorizer.asked[-1].resource == arn
    assert acm.authorizer.asked[-1].context == {"aws:ResourceTag/team": ("press",)}
    with pytest.raises(ServiceError):
        await acm("RequestCertificate", DomainName="a.example", SubjectAlternativeNames=["b.example"])
    assert acm.authorizer.asked[-1].context["acm:DomainNames"] == ("a.example", "b.example")


async def test_a_summary_says_when_it_came(acm):
    arn = await acm.imported(self_signed(private=rsa_key()))
    (summary,) = (await acm("ListCertificates"))["CertificateSummaryList"]
    assert (summary["CertificateArn"], summary["CreatedAt"], summary["ImportedAt"]) == (arn, START, START)
    assert (summary["InUse"], summary["HasAdditionalSubjectAlternativeNames"]) == (False, False)
