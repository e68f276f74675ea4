"""What requests say, and how answers are said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.sftp_talk import text, u32, u64

from crossdock.sftp import packets
from crossdock.sftp.packets import Action, Kind, MalformedPacket, OpenFlags, Request, SetAttributes, read_request

ALL_ATTRIBUTES = u32(0x8000000F) + u64(7) + u32(1) * 2 + u32(0o644) + u32(1) * 2 + u32(1) + text("a@b") + text("x")

REQUESTS = [
    (Kind.OPEN, text("a") + u32(0x1A) + ALL_ATTRIBUTES, Request(Action.OPEN, path="a", flags=OpenFlags(0x1A))),
    (Kind.CLOSE, text(u32(5)), Request(Action.CLOSE, handle=5)),
    (Kind.CLOSE, text(b"a longer one"), Request(Action.CLOSE, handle=0)),
    (Kind.LSTAT, text("ü"), Request(Action.STAT, path="ü")),
    (Kind.STAT, text(b"\xff"), Request(Action.STAT, path="\udcff")),
    (Kind.FSTAT, text(u32(5)), Request(Action.FSTAT, handle=5)),
    (
        Kind.SETSTAT,
        text("a") + ALL_ATTRIBUTES,
        Request(Action.SETSTAT, path="a", attributes=SetAttributes(size=7, has_others=True)),
    ),
    (
        Kind.FSETSTAT,
        text(u32(5)) + u32(1) + u64(7),
        Request(Action.FSETSTAT, handle=5, attributes=SetAttributes(size=7)),
    ),
    (Kind.OPENDIR, text("a"), Request(Action.OPENDIR, path="a")),
    (Kind.READDIR, text(u32(5)), Request(Action.READDIR, handle=5)),
    (Kind.REMOVE, text("a"), Request(Action.REMOVE, path="a")),
    (Kind.MKDIR, text("a") + u32(0), Request(Action.MKDIR, path="a")),
    (Kind.RMDIR, text("a"), Request(Action.RMDIR, path="a")),
    (Kind.REALPATH, text(""), Request(Action.REALPATH)),
    (Kind.RENAME, text("a") + text("b"), Request(Action.RENAME, path="a", target="b")),
    (Kind.READLINK, text("a"), Request(Action.UNSUPPORTED)),
    (Kind.SYMLINK, text("a") + text("b"), Request(Action.UNSUPPORTED)),
    (99, b"", Request(Action.UNSUPPORTED)),
    (
        Kind.EXTENDED,
        text("posix-rename@openssh.com") + text("a") + text("b"),
        Request(Action.POSIX_RENAME, path="a", target="b"),
    ),
    (Kind.EXTENDED, text("statvfs@openssh.com") + text("a"), Request(Action.STATVFS, path="a")),
    (Kind.EXTENDED, text("fstatvfs@openssh.com") + text(u32(5)), Request(Action.FSTATVFS, handle=5)),
    (Kind.EXTENDED, text("limits@openssh.com"), Request(Action.LIMITS)),
    (Kind.EXTENDED, text("hardlink@openssh.com") + text("a") + text("b"), Request(Action.UNSUPPORTED)),
]


@pytest.mark.parametrize(("kind", "body", "request_"), REQUESTS)
def test_a_request_is_read_also_with_bytes_behind_it(kind: int, body: bytes, request_: Request):
    assert read_request(kind, u32(9) + body) == (9, request_)
    assert read_request(kind, u32(9) + body + b"more") == (9, request_)


NOT_READ_TO_ITS_END = (Action.UNSUPPORTED, Action.MKDIR)


@pytest.mark.parametrize(
    ("kind", "body"), [(kind, body) for kind, body, meant in REQUESTS if meant.action not in NOT_READ_TO_ITS_END]
)
def test_a_request_that_is_cut_short_is_malformed(kind: int, body: bytes):
    with pytest.raises(MalformedPacket):
        read_request(kind, u32(9) + body[:-1])


@given(st.integers(0, 255), st.binary(max_size=100))
def test_any_bytes_are_a_request_or_malformed(kind: int, body: bytes):
    try:
        number, request = read_request(kind, body)
    except MalformedPacket:
        return
    assert number == int.from_bytes(body[:4], "big")
    assert isinstance(request, Request)


def test_answers_are_laid_out_as_the_draft_says():
    assert packets.status(7, 4, "no") == u32(1 + 4 + 4 + 6 + 6) + b"\x65" + u32(7) + u32(4) + text("no") + text("en")
    assert packets.handle(7, 9) == u32(13) + b"\x66" + u32(7) + text(u32(9))
    attributes = packets.attributes(size=5, permissions=0o100744, modified=6)
    assert attributes == u32(0xD) + u64(5) + u32(0o100744) + u32(6) + u32(6)
    assert packets.attributes(size=5, permissions=1, modified=None) == u32(5) + u64(5) + u32(1)
    assert packets.attrs(7, attributes) == u32(5 + len(attributes)) + b"\x69" + u32(7) + attributes
    name = packets.name("a\udcff", "long", packets.NO_ATTRIBUTES)
    assert name == text(b"a\xff") + text("long") + u32(0)
    assert packets.names(7, [name, name]) == u32(9 + 2 * len(name)) + b"\x68" + u32(7) + u32(2) + name * 2
    assert packets.extended_reply(7, [1, 2]) == u32(21) + b"\xc9" + u32(7) + u64(1) + u64(2)


def test_the_version_names_the_extensions_that_are_served():
    version = packets.version()
    assert version[4:9] == b"\x02" + u32(3)
    assert text("limits@openssh.com") + text("1") in version
    assert b"fsync" not in version
    assert int.from_bytes(version[:4], "big") == len(version) - 4
