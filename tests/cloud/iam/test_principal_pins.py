"""Policies mean users and roles by their ids."""

import json

import pytest
from tests.fakes.cloud import HUB
from tests.fakes.documents import document, statement, trusting
from tests.fakes.identity import Identities, make_identities

from crossdock.cloud.iam.principal_pins import UnknownPrincipal, pins_of, stale_pins, with_pins
from crossdock.policy.document import MalformedPolicy, PolicyKind, parse_policy

TRUST = trusting({"Service": "transfer.amazonaws.com"})
UPLOAD = f"arn:aws:iam::{HUB}:role/Upload"
ADMIN = f"arn:aws:iam::{HUB}:user/crossdock-admin"


async def pins(house: Identities, *named: str) -> dict[str, str]:
    policy = parse_policy(
        document(
            statement("Allow", "s3:*", "arn:aws:s3:::b/*", principal={"AWS": list(named)}),
            statement("Allow", "s3:*", "arn:aws:s3:::b", principal="*"),
        ),
        PolicyKind.RESOURCE,
    )
    async with house.parts.state.reading() as tx:
        return await pins_of(tx, policy)


async def test_users_and_roles_are_pinned_and_nobody_else() -> None:
    house = await make_identities()
    role = await house.role("Upload", TRUST)
    user = (await house.iam("GetUser"))["User"]
    session = f"arn:aws:sts::{HUB}:assumed-role/Upload/alice"

    found = await pins(house, UPLOAD, ADMIN, HUB, f"arn:aws:iam::{HUB}:root", session, role["RoleId"])

    assert found == {UPLOAD: role["RoleId"], ADMIN: user["UserId"]}


@pytest.mark.parametrize(
    "named",
    [UPLOAD, f"arn:aws:iam::{HUB}:user/nobody", f"arn:aws:iam::{HUB}:user/staff/crossdock-admin"],
)
async def test_who_does_not_exist_cannot_be_named(named: str) -> None:
    house = await make_identities()

    with pytest.raises(UnknownPrincipal) as refused:
        await pins(house, named)

    assert str(refused.value) == f'Invalid principal in policy: "AWS":"{named}"'


async def test_a_pin_is_stale_once_its_arn_means_another() -> None:
    house = await make_identities()
    await house.role("Upload", TRUST)
    held = await pins(house, UPLOAD, ADMIN)

    async def stale() -> dict[str, str]:
        async with house.parts.state.reading() as tx:
            return await stale_pins(tx, held)

    assert await stale() == {}
    await house.iam("DeleteRole", RoleName="Upload")
    assert await stale() == {UPLOAD: held[UPLOAD]}
    await house.role("Upload", TRUST)
    assert await stale() == {UPLOAD: held[UPLOAD]}


def test_ids_stand_in_the_place_of_arns_and_nothing_else_changes() -> None:
    text = document(
        statement("Allow", "sts:AssumeRole", principal={"AWS": UPLOAD, "Service": "transfer.amazonaws.com"}),
        {"Effect": "Deny", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": [UPLOAD, HUB]}},
        statement("Allow", "sts:AssumeRole", principal="*"),
    )

    changed = json.loads(with_pins(text, {UPLOAD: "AROA1"}))

    assert changed["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": "AROA1", "Service": "transfer.amazonaws.com"},
        },
        {"Effect": "Deny", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": ["AROA1", HUB]}},
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"},
    ]
    assert with_pins(text, {}) == text


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", "{}", '{"Statement": 7}', '{"Statement": ["x"]}', '{"Statement": {"Principal": {"AWS": [["arn"]]}}}'],
)
def test_what_is_no_policy_is_left_to_whoever_reads_it(text: str) -> None:
    with pytest.raises(MalformedPolicy):
        parse_policy(with_pins(text, {"arn": "AROA"}), PolicyKind.RESOURCE)
