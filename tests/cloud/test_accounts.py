"""Accounts, their administrators and the administrators' keys."""

import re

import pytest
from tests.fakes.cloud import HUB, PARTNER, make_parts
from tests.fakes.cloud import CloudParts as Parts

from crossdock.cloud.accounts import ACCOUNTS as ACCOUNTS_TABLE
from crossdock.cloud.accounts import (
    ADMIN,
    MANAGEMENT,
    AccountCredentials,
    Accounts,
    GivenKey,
    UnknownAccount,
    credentials_of,
    ensure_accounts,
    parse_given_keys,
)
from crossdock.cloud.iam.records import ACCESS_KEYS, USERS, find_user
from crossdock.settings import DEFAULT_ACCOUNTS, BadSetting

ACCOUNTS = Accounts(DEFAULT_ACCOUNTS)
SECRET = "s" * 40


def test_names_and_ids_lead_to_each_other() -> None:
    assert ACCOUNTS.ids == (HUB, PARTNER, MANAGEMENT)
    assert ACCOUNTS.members == (HUB, PARTNER)
    assert ACCOUNTS.id_of("hub") == ACCOUNTS.id_of(HUB) == HUB
    assert ACCOUNTS.name_of(PARTNER) == ACCOUNTS.name_of("partner") == "partner"


def test_an_unknown_account_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownAccount) as refused:
        ACCOUNTS.id_of("hubb")

    assert str(refused.value) == (
        "there is no account 'hubb' (accounts: hub=111111111111, partner=222222222222, management=000000000000)"
    )


def test_the_management_account_is_always_there_and_may_have_another_name() -> None:
    assert ACCOUNTS.id_of("management") == MANAGEMENT
    assert ACCOUNTS.name_of(MANAGEMENT) == "management"
    renamed = Accounts({"boss": MANAGEMENT, "management": HUB})
    assert (renamed.name_of(MANAGEMENT), renamed.id_of("management")) == ("boss", HUB)
    assert renamed.ids == (MANAGEMENT, HUB)
    assert renamed.members == (HUB,)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ({"hub": "123"}, "account hub: the id must be twelve digits, not '123'"),
        ({"hub": "１１１１１１１１１１１１"}, "must be twelve digits"),
        ({"1hub": HUB}, "account name '1hub'"),
        ({"": HUB}, "account name ''"),
        ({"a b": HUB}, "account name 'a b'"),
        (
            {"management": HUB},
            "account management: that is the name of the management account, 000000000000; give 111111111111 another "
            "name, or the management account one with NAME=000000000000",
        ),
        ({"a": MANAGEMENT, "b": MANAGEMENT}, "two accounts have the same id: a=000000000000, b=000000000000"),
        ({"a": HUB, "b": HUB}, "two accounts have the same id: a=111111111111, b=111111111111"),
    ],
)
def test_accounts_that_cannot_be_are_refused(names: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadSetting) as refused:
        Accounts(names)

    assert sentence in str(refused.value)


def test_given_keys_are_read_by_name_or_id() -> None:
    text = f"hub=AKIAHUB0000000000000:{SECRET}, {PARTNER}=AKIAPARTNER000000000:a/b+c=:{SECRET},"

    assert parse_given_keys(text, ACCOUNTS) == {
        HUB: GivenKey(access_key_id="AKIAHUB0000000000000", secret=SECRET),
        PARTNER: GivenKey(access_key_id="AKIAPARTNER000000000", secret=f"a/b+c=:{SECRET}"),
    }
    assert parse_given_keys("", ACCOUNTS) == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (SECRET, "entry 1 must be ACCOUNT=ACCESS_KEY_ID:SECRET"),
        (f"hub=AKIAHUB0000000000000:{SECRET},partner={SECRET}", "entry 2 must be ACCOUNT=ACCESS_KEY_ID:SECRET"),
        (f"nobody=AKIAHUB0000000000000:{SECRET}", "there is no account 'nobody'"),
        (f"hub=AKIAHUB0000000000000:{SECRET},{HUB}=AKIAHUB0000000000001:{SECRET}", "is given twice"),
        (f"hub=short:{SECRET}", "access key id of hub must be 16 to 128 letters and digits"),
        (f"hub=AKIA/HUB/000000000000:{SECRET}", "access key id of hub must be 16 to 128 letters and digits"),
        (f"hub=ASIAHUB0000000000000:{SECRET}", "must not begin with ASIA"),
        ("hub=AKIAHUB0000000000000:sssss", "the secret of hub must be 16 to 128 printable characters"),
        (
            f"hub=AKIAHUB0000000000000:{SECRET},partner=AKIAHUB0000000000000:{SECRET}",
            "two accounts are given the access key id AKIAHUB0000000000000",
        ),
    ],
)
def test_keys_that_cannot_be_are_refused_without_telling_a_secret(text: str, sentence: str) -> None:
    with pytest.raises(BadSetting) as refused:
        parse_given_keys(text, ACCOUNTS)

    assert sentence in str(refused.value)
    assert "sssss" not in str(refused.value)


async def key_of(parts: Parts, account: str) -> AccountCredentials:
    return await credentials_of(parts.state, parts.sealer, parts.accounts, account)


async def start(parts: Parts, **keys: str) -> None:
    """What the service does at every start, with these keys given."""
    text = ",".join(f"{account}={key}" for account, key in keys.items())
    await ensure_accounts(parts.house, parts.sealer, parts.accounts, parse_given_keys(text, parts.accounts))


async def test_every_account_gets_an_administrator_with_a_key_of_aws_s_form() -> None:
    parts = make_parts()

    await start(parts)

    hub, partner = await key_of(parts, "hub"), await key_of(parts, PARTNER)
    assert (hub.account_id, hub.name, partner.account_id, partner.name) == (HUB, "hub", PARTNER, "partner")
    for key in (hub, partner):
        assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key.access_key_id)
        assert re.fullmatch(r"[A-Za-z0-9+/]{40}", key.secret_access_key)
    assert hub.access_key_id != partner.access_key_id
    assert hub.secret_access_key != partner.secret_access_key
    async with parts.state.reading() as tx:
        admin = await find_user(tx, HUB, ADMIN)
    assert admin is not None
    assert admin.attached == ("arn:aws:iam::aws:policy/AdministratorAccess",)


async def test_the_management_account_has_its_administrator_and_takes_a_given_key() -> None:
    parts = make_parts()

    await start(parts)
    made = await key_of(parts, "management")
    await start(parts, management=f"AKIAMANAGEMENT000000:{SECRET}")

    assert (made.account_id, made.name) == (MANAGEMENT, "management")
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", made.access_key_id)
    assert (await key_of(parts, MANAGEMENT)).access_key_id == "AKIAMANAGEMENT000000"


async def test_a_directory_that_was_made_without_a_management_account_gets_one() -> None:
    parts = make_parts()
    await start(parts)
    hub = await key_of(parts, "hub")
    async with parts.state.transaction() as tx:
        await ACCOUNTS_TABLE.delete(tx, MANAGEMENT)
        await USERS.delete(tx, MANAGEMENT, ADMIN)

    await start(parts)

    assert (await key_of(parts, "management")).account_id == MANAGEMENT
    assert await key_of(parts, "hub") == hub


async def test_a_later_start_changes_nothing_and_writes_nothing() -> None:
    parts = make_parts()
    await start(parts)
    before, writes = await key_of(parts, "hub"), parts.state.writes

    await start(parts)

    assert await key_of(parts, "hub") == before
    assert parts.state.writes == writes


async def test_a_given_key_is_used_and_kept_when_it_is_not_given_again() -> None:
    parts = make_parts()
    await start(parts, hub=f"AKIAHUB0000000000000:{SECRET}")
    await start(parts)

    key = await key_of(parts, "hub")

    assert (key.access_key_id, key.secret_access_key) == ("AKIAHUB0000000000000", SECRET)


@pytest.mark.parametrize("given", [f"AKIAHUB0000000000001:{SECRET}", f"AKIAHUB0000000000000:other-{SECRET}"])
async def test_another_given_key_replaces_the_old_one(given: str) -> None:
    parts = make_parts()
    await start(parts, hub=f"AKIAHUB0000000000000:{SECRET}")
    async with parts.state.reading() as tx:
        admin = await find_user(tx, HUB, ADMIN)

    await start(parts, hub=given)

    key = await key_of(parts, "hub")
    assert f"{key.access_key_id}:{key.secret_access_key}" == given
    found = await parts.access_keys.find("AKIAHUB0000000000000")
    assert (found is not None) is (key.access_key_id == "AKIAHUB0000000000000")
    async with parts.state.reading() as tx:
        again = await find_user(tx, HUB, ADMIN)
    assert admin is not None
    assert again is not None
    assert admin.user_id == again.user_id


async def test_two_accounts_can_exchange_their_keys() -> None:
    parts = make_parts()
    one, other = f"AKIAONE0000000000000:{SECRET}", f"AKIAOTHER00000000000:{SECRET}"
    await start(parts, hub=one, partner=other)

    await start(parts, hub=other, partner=one)

    assert (await key_of(parts, "hub")).access_key_id == "AKIAOTHER00000000000"
    key = await parts.access_keys.find("AKIAONE0000000000000")
    assert key is not None
    assert key.caller.principal.account_id == PARTNER


async def test_a_key_id_of_another_account_cannot_be_given() -> None:
    parts = make_parts()
    await start(parts, hub=f"AKIAHUB0000000000000:{SECRET}")

    with pytest.raises(BadSetting, match="is the access key id of account 111111111111 already"):
        await start(parts, partner=f"AKIAHUB0000000000000:{SECRET}")

    assert (await key_of(parts, "partner")).access_key_id != "AKIAHUB0000000000000"


async def serve(parts: Parts, **names: str) -> None:
    """A start with other accounts than the last one's."""
    await ensure_accounts(parts.house, parts.sealer, Accounts(names), {})


async def test_a_name_that_has_another_id_is_refused_and_changes_nothing() -> None:
    parts = make_parts()
    await start(parts)
    writes = parts.state.writes

    with pytest.raises(BadSetting) as refused:
        await serve(parts, hub="444444444444", partner=PARTNER)

    assert str(refused.value) == (
        "the account hub is 111111111111 in this data directory, not 444444444444: write hub=111111111111 to keep "
        "what it has, and give 444444444444 a name of its own"
    )
    assert parts.state.writes == writes


async def test_two_accounts_cannot_exchange_their_names_at_once() -> None:
    parts = make_parts()
    await start(parts)

    with pytest.raises(BadSetting, match="the account hub is 111111111111"):
        await serve(parts, hub=PARTNER, partner=HUB)


async def test_an_account_may_be_renamed_and_then_leaves_its_name_to_another() -> None:
    parts = make_parts()
    await start(parts)
    before = await key_of(parts, HUB)

    await serve(parts, main=HUB, partner=PARTNER)
    await serve(parts, main=HUB, hub="444444444444")

    assert await key_of(parts, HUB) == before
    with pytest.raises(BadSetting, match="the account hub is 444444444444"):
        await start(parts)


async def test_an_account_that_is_left_out_for_a_while_keeps_its_name() -> None:
    parts = make_parts()
    await start(parts)
    await serve(parts, press="333333333333")

    with pytest.raises(BadSetting, match="the account hub is 111111111111"):
        await serve(parts, press="333333333333", hub="444444444444")
    await start(parts)


async def test_a_key_whose_record_is_lost_is_given_again() -> None:
    parts = make_parts()
    await start(parts, hub=f"AKIAHUB0000000000000:{SECRET}")
    async with parts.state.transaction() as tx:
        await ACCESS_KEYS.delete(tx, "AKIAHUB0000000000000")
    with pytest.raises(UnknownAccount):
        await key_of(parts, "hub")

    await start(parts, hub=f"AKIAHUB0000000000000:{SECRET}")

    assert (await key_of(parts, "hub")).secret_access_key == SECRET


async def test_an_account_that_was_never_started_has_no_administrator() -> None:
    with pytest.raises(UnknownAccount, match="has no administrator"):
        await key_of(make_parts(), "hub")
