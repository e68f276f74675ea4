"""What crosses between processes comes out as it went in, and nothing else comes out."""

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.logins import IDENTITY, SERVER, answer, make_attempt

from crossdock.adapters.host.workers import calls
from crossdock.adapters.host.workers.calls import Call
from crossdock.adapters.host.workers.codec import from_bytes, plain, structured, to_bytes
from crossdock.adapters.host.workers.frames import BadMessage
from crossdock.core.homes import HomeDirectory, HomeMapping, LogicalHome, PathHome
from crossdock.core.logins import Credential, PosixProfile, PublicKey
from crossdock.core.servers import IdentityProviderType, Server
from crossdock.ports.authority import IdentityAnswer, RoleHolder
from crossdock.ports.storage import ObjectEntry, Segment


def crossed(value: Any, declared: Any) -> Any:
    return structured(from_bytes(to_bytes(plain(value, declared))), declared)


def test_a_server_keeps_its_kinds_and_not_only_their_texts():
    server = replace(SERVER, tags={"a": "ü\U0001f600"}, security_group_ids=("sg-1",))
    found = crossed(server, Server)
    assert found == server
    assert found.identity_provider.kind is IdentityProviderType.AWS_LAMBDA
    assert [type(one) for one in found.protocols] == [type(one) for one in server.protocols]


@pytest.mark.parametrize("attempt", [make_attempt(), make_attempt(credential=PublicKey("ssh-ed25519 AAAA"))])
def test_a_credential_stays_of_its_kind(attempt):
    found = crossed(calls.Identify(server=SERVER, attempt=attempt), calls.Identify)
    assert found.attempt == attempt
    assert type(found.attempt.credential) is type(attempt.credential)


@pytest.mark.parametrize(
    "identity",
    [
        None,
        IDENTITY,
        replace(
            IDENTITY, home=PathHome(), session_policy="{}", public_keys=("a", "b"), posix=PosixProfile(uid=1, gid=2)
        ),
        replace(IDENTITY, home=LogicalHome(mappings=(HomeMapping(entry="/a", target="/bucket"),), start="/a")),
    ],
)
def test_an_identity_keeps_its_home(identity):
    said = answer(identity, "why")
    found = crossed(said, IdentityAnswer)
    assert found == said
    if identity is not None:
        assert type(found.identity.home) is type(identity.home)


@given(
    content=st.binary(max_size=200),
    metadata=st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=3),
    names=st.lists(st.text(max_size=10), max_size=3),
    moment=st.datetimes(timezones=st.just(UTC)),
)
def test_an_entry_comes_out_as_it_went_in(content: bytes, metadata: dict[str, str], names: list[str], moment: datetime):
    entry = ObjectEntry(
        size=len(content),
        etag="e",
        modified_at=moment,
        segments=tuple(Segment(blob_id=name, size=1) for name in names),
        metadata=metadata,
        content=content,
    )
    assert crossed(entry, ObjectEntry) == entry


@pytest.mark.parametrize(
    ("document", "declared"),
    [
        ({"blob_id": "x", "size": "2"}, Segment),
        ({"blob_id": 1, "size": 2}, Segment),
        ({"blob_id": "x", "size": True}, Segment),
        ({"blob_id": "x", "size": 2, "more": 1}, Segment),
        ({"blob_id": "x"}, Segment),
        ([], Segment),
        (None, Segment),
        (5, str),
        ([1], tuple[Segment, ...]),
        ("WINDOWS", IdentityProviderType),
        ({"number": 1, "segments": [{"blob_id": "x"}]}, calls.PinBlobs),
    ],
)
def test_what_is_not_of_the_type_is_refused(document: Any, declared: Any):
    with pytest.raises(BadMessage):
        structured(document, declared)


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(payload: bytes):
    with pytest.raises(BadMessage):
        from_bytes(payload)


def declared_calls() -> list[Call[Any, Any]]:
    return [value for value in vars(calls).values() if isinstance(value, Call)]


def test_every_call_has_a_name_of_its_own_and_parameters_that_can_cross():
    names = [call.name for call in declared_calls()]
    assert len(set(names)) == len(names) == 32
    for call in declared_calls():
        with pytest.raises(BadMessage):
            structured({"no such field": 1}, call.params)


def test_a_holder_of_a_role_has_no_secret():
    """Of all that STS hands out, a worker is told none that signs or opens anything."""
    assert {field.name for field in fields(RoleHolder)} == {
        "principal",
        "access_key_id",
        "issued_at",
        "expires_at",
        "tags",
    }


def test_what_is_logged_of_a_call_shows_no_password():
    assert "open sesame" not in repr(calls.Identify(server=SERVER, attempt=make_attempt()))


def unions_in(declared: Any, seen: set[Any]) -> set[Any]:
    """The unions of more than one class in a type and all that is in it."""
    if declared in seen:
        return set()
    seen.add(declared)
    parts = list(get_args(declared))
    found = set()
    if get_origin(declared) in (Union, UnionType) and len(set(parts) - {type(None)}) > 1:
        found.add(declared)
    if is_dataclass(declared):
        hints = get_type_hints(declared)
        parts += [hints[field.name] for field in fields(declared) if field.init]
    return found.union(*(unions_in(part, seen) for part in parts))


def test_only_unions_that_are_told_apart_by_name_cross():
    types = [kind for call in declared_calls() for kind in (call.params, call.result)]
    assert set().union(*(unions_in(kind, set()) for kind in types)) == {Credential, HomeDirectory}
