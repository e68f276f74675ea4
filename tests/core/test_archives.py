"""Which archives of function code are accepted."""

import io
import stat
import zipfile

import pytest

from crossdock.core.archives import ArchiveTooLarge, BadArchive, CodeArchive, Member


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as file:
        for name, body in members:
            file.writestr(name, body)
    return content.getvalue()


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def test_members_are_listed_with_the_directories_above_them():
    code = CodeArchive(zipped((special("bin/run", stat.S_IFREG | 0o755), b"#!"), ("./a//b.py", b"x = 1"), ("e/", b"")))
    code.verify()
    assert {member.path: (member.size, member.is_directory, member.is_executable) for member in code.members} == {
        "bin": (0, True, True),
        "bin/run": (2, False, True),
        "a": (0, True, True),
        "a/b.py": (5, False, False),
        "e": (0, True, True),
    }
    assert code.unzipped_size == 7
    assert b"".join(code.chunks(Member(path="a/b.py", size=5, is_directory=False, is_executable=False))) == b"x = 1"


@pytest.mark.parametrize(
    "name", ["../evil.py", "a/../../evil.py", "/etc/passwd", "a\\..\\b", "C:\\x", "n" * 300, "a/" * 600 + "b"]
)
def test_a_name_that_leads_outside_is_refused(name: str):
    with pytest.raises(BadArchive, match="unusable name"):
        CodeArchive(zipped((name, b"x")))


def test_a_name_that_hides_its_end_behind_a_nul_is_refused():
    with pytest.raises(BadArchive):
        CodeArchive(zipped(("abc.py", b"x")).replace(b"abc.py", b"abc\0py"))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(kind: int):
    with pytest.raises(BadArchive, match="link or a special file"):
        CodeArchive(zipped((special("link", kind | 0o777), b"/etc/passwd")))


def test_a_zip_bomb_is_refused_by_what_it_would_become():
    bomb = zipped(*((f"{n}.bin", b"\0" * (1 << 20)) for n in range(4)))
    assert len(bomb) < 10_000
    with pytest.raises(ArchiveTooLarge, match="smaller than 3145728 bytes"):
        CodeArchive(bomb, max_unzipped=3 << 20)


def test_a_member_that_lies_about_its_size_is_damaged():
    honest = zipped(("a.bin", b"\0" * 1000))
    lying = honest.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(BadArchive, match="damaged"):
        CodeArchive(lying).verify()


def test_a_damaged_member_is_found():
    body = bytearray(zipped(("a.bin", b"hello world"), method=zipfile.ZIP_STORED))
    body[body.index(b"hello")] ^= 1
    with pytest.raises(BadArchive, match="damaged"):
        CodeArchive(bytes(body)).verify()


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 100])
def test_what_is_no_archive_is_refused_in_awss_words(content: bytes):
    with pytest.raises(BadArchive, match="Could not unzip uploaded file"):
        CodeArchive(content)


def test_names_that_collide_are_refused():
    with pytest.raises(BadArchive, match="both a file and a directory"):
        CodeArchive(zipped(("a", b"file"), ("a/b", b"x")))
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = zipped(("a", b"1"), ("a", b"2"))
    with pytest.raises(BadArchive, match="twice"):
        CodeArchive(twice)


def test_other_compressions_are_refused():
    with pytest.raises(BadArchive, match="unsupported method"):
        CodeArchive(zipped(("a", b"x"), method=zipfile.ZIP_LZMA))


def test_encrypted_members_are_refused():
    plain = zipped(("a", b"x" * 20), method=zipfile.ZIP_STORED)
    directory = plain.index(b"PK\x01\x02")
    locked = plain[: directory + 8] + b"\x01\x00" + plain[directory + 10 :]
    with pytest.raises(BadArchive, match="encrypted"):
        CodeArchive(locked)


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("crossdock.core.archives.MAX_MEMBERS", 2)
    with pytest.raises(ArchiveTooLarge, match="more than 2 members"):
        CodeArchive(zipped(("a", b""), ("b", b""), ("c", b"")))
