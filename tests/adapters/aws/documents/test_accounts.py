"""Profiles opened, and how what they may not read is told."""

from itertools import count
from pathlib import Path

import pytest
from tests.fakes.aws_documents import HUB, PARTNER, ScriptedAws, accounts
from tests.fakes.aws_profiles import Profiles
from tests.fakes.http_cloud import serve_cloud
from tests.fakes.stub_s3 import ok, stub_s3

from crossdock.adapters.aws.documents.accounts import is_of_aws, open_accounts
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.adapters.aws.network_words import IS_IT_THE_ENDPOINT
from crossdock.adapters.aws.profiles import BadProfile


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profiles:
    return Profiles(tmp_path, monkeypatch)


async def test_sts_says_whose_a_profile_is(profiles: Profiles) -> None:
    async with serve_cloud() as cloud:
        profiles.add("one", await cloud.key_of("hub"), endpoint_url=cloud.url)
        profiles.add("two", await cloud.key_of("partner"), endpoint_url=cloud.url, region="eu-west-1")
        given = {"anything": "one", PARTNER: "two"}
        async with open_accounts(given, account_ids={}) as opened:
            assert [(one.account_id, one.profile, one.region) for one in opened.listed] == [
                (HUB, "one", "us-east-1"),
                (PARTNER, "two", "eu-west-1"),
            ]
            assert opened.listed[0].caller_arn == f"arn:aws:iam::{HUB}:user/crossdock-admin"
            assert await opened.listed[0].host("iam") == f"127.0.0.1:{cloud.port}"
            assert opened.of(PARTNER, "s3:GetBucketPolicy") is opened.listed[1]
        async with open_accounts({"hub": "one"}, account_ids={"hub": HUB}, region="eu-west-3") as opened:
            assert opened.listed[0].region == "eu-west-3"


async def test_a_profile_whose_endpoint_is_wrong_is_told_with_the_address_in_our_words(profiles: Profiles) -> None:
    numbers = count()

    async def refused(url: str) -> str:
        name = f"number-{next(numbers)}"
        profiles.add(name, aws_access_key_id="AKIA", aws_secret_access_key="x", endpoint_url=url)
        with pytest.raises(BadProfile) as refusal:
            async with open_accounts({"hub": name}, account_ids={}):
                pass
        return str(refusal.value).removeprefix(f"profile {name} cannot be used: ")

    async with stub_s3() as stub:
        speaks_none = f"127.0.0.1:{stub.port} speaks no TLS: is the endpoint http:// there, or TLS on another port?"
        https = stub.url.replace("http:", "https:")
        assert await refused(https) == f"{https} cannot be reached: {speaks_none}"
        stub.then(ok(b"<html>hello"))
        assert await refused(stub.url) == f"what answers is not AWS: {IS_IT_THE_ENDPOINT}"
        stub.then(ok(b"<html><body>hello</body></html>"))
        assert await refused(stub.url) == f"what answers is not AWS: {IS_IT_THE_ENDPOINT}"
        stub.then(ok(b"<html><GetCallerIdentityResult/></html>"))
        assert await refused(stub.url) == "what answers for STS is none"
        stub.then(ok(b"<a><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></a>"))
        assert await refused(stub.url) == "what answers for STS is none"
    assert (await refused("nonsense")).startswith("the endpoint's URL of sts is none: Invalid endpoint: nonsense")


async def test_a_profile_that_is_of_another_account_or_of_nobody_is_refused(profiles: Profiles) -> None:
    async with serve_cloud() as cloud:
        key = await cloud.key_of("hub")
        profiles.add("one", key, endpoint_url=cloud.url)
        profiles.add("again", key, endpoint_url=cloud.url)
        profiles.add("nowhere", key, endpoint_url=cloud.url, region="")
        profiles.add("stranger", endpoint_url=cloud.url, aws_access_key_id="AKIASTRANGER", aws_secret_access_key="x")
        profiles.add("blank", endpoint_url=cloud.url)

        async def refused(account_ids: dict[str, str] | None = None, **given: str) -> str:
            with pytest.raises(BadProfile) as refusal:
                async with open_accounts(given, account_ids=account_ids or {}):
                    pass
            return str(refusal.value)

        assert await refused(**{PARTNER: "one"}) == f"profile one is of account {HUB}, not of {PARTNER}"
        assert (
            await refused({"partner": PARTNER}, partner="one") == f"profile one is of account {HUB}, not of {PARTNER}"
        )
        assert await refused(a="one", b="again") == f"profiles one and again are both of account {HUB}"
        assert (await refused(a="absent")).startswith("there is no profile absent (those there are: one, again,")
        assert await refused(a="nowhere") == "profile nowhere has no region: set it there, or give --region"
        assert (await refused(a="stranger")).startswith("profile stranger cannot be used: InvalidClientTokenId: ")
        text = profiles.file.with_name("text.pem")
        text.write_text("no certificate")
        profiles.add("alone", key, endpoint_url=cloud.url, ca_bundle=str(text))
        assert await refused(a="alone") == (
            "profile alone cannot be used: ca_bundle of the profile alone: the file of certificate authorities "
            f"{text} holds no certificate in PEM"
        )
        assert await refused(a="blank") == "profile blank cannot be used: Unable to locate credentials"
        profiles.add("empty", endpoint_url=cloud.url, aws_access_key_id="", aws_secret_access_key="x")
        assert await refused(a="empty") == (
            "profile empty cannot be used: Partial credentials found in config-file, missing: aws_access_key_id"
        )
        profiles.file.write_text("no section\n")
        assert await refused(a="one") == (
            f"the profiles of the AWS tools cannot be read: Unable to parse config file: {profiles.file}"
        )


async def test_what_may_not_be_read_says_what_would_show_it() -> None:
    account = ScriptedAws({}).account()
    with pytest.raises(NotRead) as refusal:
        await account.read("s3", "GetBucketPolicy", Bucket="inbox")
    assert str(refusal.value) == f"profile reads-1 of account {HUB} may not s3:GetBucketPolicy on inbox"
    assert refusal.value.remedy == (
        f"allow s3:GetBucketPolicy to arn:aws:iam::{HUB}:user/reader, who profile reads-1 is"
    )
    assert refusal.value.code == "AccessDenied"
    with pytest.raises(NotRead, match=r"may not iam:ListRoles$"):
        await account.pages("iam", "ListRoles", "Roles")


async def test_what_fails_otherwise_has_awss_words_and_no_remedy() -> None:
    account = ScriptedAws({("s3", "GetBucketPolicy"): "SlowDown"}).account()
    with pytest.raises(NotRead) as refusal:
        await account.read("s3", "GetBucketPolicy", Bucket="inbox")
    assert str(refusal.value) == "s3:GetBucketPolicy on inbox failed with profile reads-1: SlowDown: in a test"
    assert (refusal.value.remedy, refusal.value.code) == ("", "SlowDown")


async def test_an_account_without_a_profile_says_which_is_wanted() -> None:
    with pytest.raises(NotRead) as refusal:
        accounts(ScriptedAws({}).account()).of(PARTNER, "iam:GetRole")
    assert str(refusal.value) == f"no profile is given for account {PARTNER}"
    assert refusal.value.remedy == f"give --profile {PARTNER}=PROFILE, of somebody in that account who may iam:GetRole"


def test_whether_a_host_is_awss() -> None:
    assert is_of_aws("transfer.eu-central-1.amazonaws.com")
    assert is_of_aws("iam.cn-north-1.amazonaws.com.cn:443")
    assert not is_of_aws("127.0.0.1:4566")
    assert not is_of_aws("amazonaws.com.example")


async def test_a_document_is_read_once_and_what_is_denied_asked_for_once() -> None:
    aws = ScriptedAws({("iam", "GetRole"): lambda asked: {"Role": {"RoleName": asked["RoleName"]}}})
    account = aws.account()
    for name in ("a", "b", "a", "b"):
        assert await account.read("iam", "GetRole", RoleName=name) == {"Role": {"RoleName": name}}
        with pytest.raises(NotRead, match="may not s3:GetBucketPolicy on box"):
            await account.read("s3", "GetBucketPolicy", Bucket="box")
    assert [(operation, asked) for _, operation, asked in aws.asked] == [
        ("GetRole", {"RoleName": "a"}),
        ("GetBucketPolicy", {"Bucket": "box"}),
        ("GetRole", {"RoleName": "b"}),
    ]


async def test_what_fails_otherwise_is_asked_for_again() -> None:
    answers = iter(["Throttling", {"Role": {}}])
    aws = ScriptedAws({("iam", "GetRole"): lambda _: next(answers)})
    account = aws.account()
    with pytest.raises(NotRead, match="Throttling"):
        await account.read("iam", "GetRole", RoleName="a")
    assert await account.read("iam", "GetRole", RoleName="a") == {"Role": {}}


async def test_accounts_share_nothing_that_they_have_read() -> None:
    aws = ScriptedAws({("iam", "GetRole"): {"Role": {}}})
    for account_id in (HUB, PARTNER):
        await aws.account(account_id).read("iam", "GetRole", RoleName="a")
    assert len(aws.asked) == 2
