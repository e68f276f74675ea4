"""The accounts of this house: their names, their ids, and the administrator that each of them has."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from crossdock.cloud.iam.records import (
    ACCESS_KEYS,
    USERS,
    AccessKeyRecord,
    AttachmentKind,
    UserRecord,
    find_user,
    fold,
    note_attachment,
)
from crossdock.cloud.sts.access_keys import TEMPORARY_PREFIX, access_key_context, open_secret
from crossdock.core.errors import CrossdockError
from crossdock.core.ids import Entropy, iam_id
from crossdock.core.principals import IamUser
from crossdock.operations.call import House
from crossdock.operations.caller import Caller
from crossdock.operations.records import Records
from crossdock.ports.host import Clock, Sealer
from crossdock.ports.state import State, TableSpec, Transaction
from crossdock.settings import BadSetting

MANAGEMENT = "000000000000"
"""The organization's management account. It is always there, besides the accounts of the settings."""
MANAGEMENT_NAME = "management"
ADMIN = "crossdock-admin"
ADMIN_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"

_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_ACCOUNT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,49}")
# IAM API Reference, AccessKey: 16 to 128 word characters.
_ACCESS_KEY_ID = re.compile(r"[A-Za-z0-9_]{16,128}")
_SECRET = re.compile(r"[!-~]{16,128}")


class UnknownAccount(CrossdockError):
    """A name or id that is none of this house's accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenKey:
    """An access key that the operator chose for an account's administrator."""

    access_key_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCredentials:
    account_id: str
    name: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """The name under which an account was last served, kept also while the settings do not name it."""

    account_id: str
    name: str


ACCOUNTS = Records(TableSpec(name="accounts"), AccountRecord)


class Accounts:
    """Account names and ids, both ways; the management account is among them, under another name if it is given one."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """`names` maps names to ids. Raises BadSetting for a name or an id that cannot be, or that two share."""
        for name, account_id in names.items():
            if not _ACCOUNT_NAME.fullmatch(name):
                raise BadSetting(
                    f"account name {name!r}: a letter, then letters, digits, - and _, 50 characters at most"
                )
            if not _ACCOUNT_ID.fullmatch(account_id):
                raise BadSetting(f"account {name}: the id must be twelve digits, not {account_id!r}")
        self._ids = _with_management(names)
        self._names = {account_id: name for name, account_id in self._ids.items()}
        if len(self._names) < len(self._ids):
            raise BadSetting("two accounts have the same id: " + ", ".join(f"{n}={i}" for n, i in names.items()))

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._names)

    @property
    def members(self) -> tuple[str, ...]:
        """The ids of all accounts but the management account."""
        return tuple(account_id for account_id in self._names if account_id != MANAGEMENT)

    def id_of(self, name_or_id: str) -> str:
        """Raises UnknownAccount."""
        if name_or_id in self._names:
            return name_or_id
        if (account_id := self._ids.get(name_or_id)) is None:
            known = ", ".join(f"{name}={account_id}" for name, account_id in self._ids.items())
            raise UnknownAccount(f"there is no account {name_or_id!r} (accounts: {known})")
        return account_id

    def name_of(self, account_id: str) -> str:
        """Raises UnknownAccount."""
        return self._names[self.id_of(account_id)]


def _with_management(names: Mapping[str, str]) -> dict[str, str]:
    if MANAGEMENT in names.values():
        return dict(names)
    if (account_id := names.get(MANAGEMENT_NAME)) is not None:
        raise BadSetting(
            f"account {MANAGEMENT_NAME}: that is the name of the management account, {MANAGEMENT}; give {account_id} "
            f"another name, or the management account one with NAME={MANAGEMENT}"
        )
    return {**names, MANAGEMENT_NAME: MANAGEMENT}


def parse_given_keys(text: str, accounts: Accounts) -> dict[str, GivenKey]:
    """Read `hub=AKID:SECRET,…` into keys by account id; an account may be written as its name or its id.

    Raises:
        BadSetting: with what is wrong, and never with a secret.
    """
    given: dict[str, GivenKey] = {}
    for position, part in enumerate((part.strip() for part in text.split(",")), start=1):
        if not part:
            continue
        account, has_key, key = part.partition("=")
        access_key_id, has_secret, secret = key.partition(":")
        if not has_key or not has_secret:
            raise BadSetting(f"keys: entry {position} must be ACCOUNT=ACCESS_KEY_ID:SECRET")
        try:
            account_id = accounts.id_of(account.strip())
        except UnknownAccount as error:
            raise BadSetting(f"keys: {error}") from error
        if account_id in given:
            raise BadSetting(f"keys: account {account} is given twice")
        if not _ACCESS_KEY_ID.fullmatch(access_key_id):
            raise BadSetting(f"keys: the access key id of {account} must be 16 to 128 letters and digits")
        if access_key_id.startswith(TEMPORARY_PREFIX):
            raise BadSetting(f"keys: the access key id of {account} must not begin with ASIA, as temporary ones do")
        if not _SECRET.fullmatch(secret):
            raise BadSetting(f"keys: the secret of {account} must be 16 to 128 printable characters without commas")
        if any(other.access_key_id == access_key_id for other in given.values()):
            raise BadSetting(f"keys: two accounts are given the access key id {access_key_id}")
        given[account_id] = GivenKey(access_key_id=access_key_id, secret=secret)
    return given


async def ensure_accounts(house: House, sealer: Sealer, accounts: Accounts, keys: Mapping[str, GivenKey]) -> None:
    """See that every account has its administrator with a key: the given one, else the one it has, else a new one.

    Called at every start, before anything is served; writes only what is missing or was given differently.

    Args:
        keys: given keys by account id; one replaces the administrator's other keys.

    Raises:
        BadSetting: a given key id belongs to another account already, or a name to an account of another id.
    """
    async with house.state.reading() as tx:
        named = await _newly_named(tx, accounts)
        wanting = [account_id for account_id in accounts.ids if not await _is_complete(tx, sealer, account_id, keys)]
    if not wanting and not named:
        return
    async with house.state.transaction() as tx:
        for record in named:
            await ACCOUNTS.put(tx, record, record.account_id)
        admins = [await _ensure_admin(tx, account_id, house.clock, house.entropy) for account_id in wanting]
        # All old keys go before a new one comes, so that two accounts can exchange theirs.
        for admin in admins:
            for access_key_id in admin.access_key_ids:
                await ACCESS_KEYS.delete(tx, access_key_id)
        for admin in admins:
            await _give_key(tx, sealer, admin, keys.get(admin.account_id) or _new_key(house.entropy), house.clock)


async def credentials_of(state: State, sealer: Sealer, accounts: Accounts, name_or_id: str) -> AccountCredentials:
    """The administrator's key of an account, for `crossdock env`.

    Raises:
        UnknownAccount: no account of that name or id, or one whose administrator was not made yet.
    """
    account_id = accounts.id_of(name_or_id)
    async with state.reading() as tx:
        admin = await find_user(tx, account_id, ADMIN)
        key = await ACCESS_KEYS.get(tx, admin.access_key_ids[0]) if admin and admin.access_key_ids else None
    if key is None:
        raise UnknownAccount(f"account {name_or_id!r} has no administrator: was the service ever started with it?")
    return AccountCredentials(
        account_id=account_id,
        name=accounts.name_of(account_id),
        access_key_id=key.access_key_id,
        secret_access_key=open_secret(sealer, key),
    )


async def _newly_named(tx: Transaction, accounts: Accounts) -> list[AccountRecord]:
    """Accounts that are new, or have another name than before: everything of an account hangs on its id.

    Raises:
        BadSetting: a name would lead to another account than before, and the account that had it to nobody.
    """
    kept = await ACCOUNTS.everything(tx)
    ids = {record.name: record.account_id for record in kept}
    given = [AccountRecord(account_id=account_id, name=accounts.name_of(account_id)) for account_id in accounts.ids]
    for account in given:
        if (account_id := ids.get(account.name, account.account_id)) != account.account_id:
            raise BadSetting(
                f"the account {account.name} is {account_id} in this data directory, not {account.account_id}: write "
                f"{account.name}={account_id} to keep what it has, and give {account.account_id} a name of its own"
            )
    return [account for account in given if account not in kept]


async def _is_complete(tx: Transaction, sealer: Sealer, account_id: str, keys: Mapping[str, GivenKey]) -> bool:
    admin = await find_user(tx, account_id, ADMIN)
    if admin is None or not admin.access_key_ids:
        return False
    if (given := keys.get(account_id)) is None:
        return True
    if admin.access_key_ids != (given.access_key_id,):
        return False
    record = await ACCESS_KEYS.get(tx, given.access_key_id)
    return record is not None and open_secret(sealer, record) == given.secret


async def _ensure_admin(tx: Transaction, account_id: str, clock: Clock, entropy: Entropy) -> UserRecord:
    admin = await find_user(tx, account_id, ADMIN)
    if admin is not None:
        return admin
    admin = UserRecord(
        account_id=account_id,
        name=ADMIN,
        user_id=iam_id("AIDA", entropy),
        created_at=clock.now().replace(microsecond=0),
        attached=(ADMIN_POLICY,),
    )
    await note_attachment(tx, account_id, ADMIN_POLICY, AttachmentKind.USER, name=ADMIN, entity_id=admin.user_id)
    return admin


async def _give_key(tx: Transaction, sealer: Sealer, admin: UserRecord, key: GivenKey, clock: Clock) -> None:
    """Write the administrator with this key and no other."""
    taken = await ACCESS_KEYS.get(tx, key.access_key_id)
    if taken is not None:
        raise BadSetting(f"keys: {key.access_key_id} is the access key id of account {taken.account_id} already")
    record = AccessKeyRecord(
        access_key_id=key.access_key_id,
        account_id=admin.account_id,
        user_name=admin.name,
        created_at=clock.now().replace(microsecond=0),
        sealed_secret=sealer.seal(key.secret.encode(), context=access_key_context(key.access_key_id)),
    )
    await ACCESS_KEYS.put(tx, record, key.access_key_id)
    await USERS.put(tx, replace(admin, access_key_ids=(key.access_key_id,)), admin.account_id, fold(admin.name))


def _new_key(entropy: Entropy) -> GivenKey:
    """`AKIA` and 16 letters and digits, and a secret of 40 characters, which are the base64 of 30 bytes."""
    return GivenKey(access_key_id=iam_id("AKIA", entropy)[:20], secret=b64encode(entropy(30)).decode())


async def admin_caller(state: State, account_id: str) -> Caller:
    """The administrator as a caller, for what the service itself does on an operator's word.

    Raises:
        UnknownAccount: the account's administrator was not made yet.
    """
    async with state.reading() as tx:
        admin = await find_user(tx, account_id, ADMIN)
    if admin is None:
        raise UnknownAccount(f"account {account_id!r} has no administrator")
    principal = IamUser(account_id=admin.account_id, user_name=admin.name, user_id=admin.user_id, path=admin.path)
    return Caller(principal=principal)
