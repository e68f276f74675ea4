import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.ftp import replies
from crossdock.ftp.commands import VERBS, Argument, BadCommand, Command, Service, parse_line, strip_telnet
from crossdock.ftp.obey import OBEY

RFC_VERBS = """
USER PASS ACCT CWD CDUP SMNT REIN QUIT PORT PASV TYPE STRU MODE RETR STOR STOU APPE ALLO REST RNFR RNTO ABOR DELE RMD
MKD PWD LIST NLST SITE SYST STAT HELP NOOP
AUTH ADAT PBSZ PROT CCC MIC CONF ENC FEAT OPTS EPRT EPSV LANG SIZE MDTM MLST MLSD HOST
"""
"""RFC 959 §5.3.1, then those of RFC 2228 to RFC 7151."""

AWS_VERBS = """
ABOR AUTH CDUP CWD DELE EPSV FEAT LANG LIST MDTM MFMT MKD MLSD MLST MODE NLST NOOP OPTS PASS PASV PBSZ PROT PWD QUIT
RETR RMD RNFR RNTO SIZE STAT STOR STOU STRU SYST TYPE USER
"""
"""AWS Transfer Family User Guide, "Transferring files over a server endpoint using a client"."""

MORE_VERBS = "ALLO APPE CCC CLNT HELP HOST REIN REST SITE"


def test_every_verb_of_the_rfcs_is_known() -> None:
    assert set(RFC_VERBS.split()) <= set(VERBS)


def test_the_verbs_that_aws_offers_are_served_and_few_besides() -> None:
    served = {name for name, verb in VERBS.items() if verb.service is Service.SERVED}
    assert served == {*AWS_VERBS.split(), *MORE_VERBS.split()}


def test_every_served_verb_is_obeyed_but_those_that_end_what_is_there() -> None:
    assert set(OBEY) == {name for name, verb in VERBS.items() if verb.service is Service.SERVED} - {"QUIT", "REIN"}


def test_every_verb_names_its_rule_and_whom_it_follows_is_known() -> None:
    for name, verb in VERBS.items():
        assert verb.name == name
        assert verb.rule
        assert not verb.follows or verb.follows in VERBS


def test_one_space_parts_verb_and_argument() -> None:
    assert parse_line(b"STOR  two  spaces ") == Command(VERBS["STOR"], " two  spaces ")


@pytest.mark.parametrize("line", [b"DELE caf\xe9", b"DELE \xc3", b"DELE \xed\xa0\x80", b"DELE a\xff\xffb\xff"])
def test_names_that_are_not_utf_8_are_refused(line: bytes) -> None:
    parsed = parse_line(line)
    if b"\xff" in line:  # Telnet's bytes are taken out first
        assert parsed == Command(VERBS["DELE"], "ab")
    else:
        assert parsed == BadCommand(replies.NOT_UTF8, VERBS["DELE"])


@pytest.mark.parametrize("line", ["DELE a\rDELE b", "DELE a\0", "DELE \r", "USER a\r", "DELE a\nb"])
def test_an_argument_cannot_smuggle_a_second_line(line: str) -> None:
    assert parse_line(line.encode()) == BadCommand(replies.CONTROL_CHARACTER, VERBS[line[:4]])


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (b"\xff\xf4\xff\xf2ABOR", b"ABOR"),
        (b"\xff\xf4\xffABOR", b"ABOR"),
        (b"\xff\xfb\x01NOOP", b"NOOP"),
        (b"NO\xff\xfd\x06OP", b"NOOP"),
        (b"NOOP\xff", b"NOOP"),
        (b"NOOP\xff\xfb", b"NOOP"),
        (b"NOOP", b"NOOP"),
    ],
)
def test_telnets_own_commands_are_taken_out(line: bytes, rest: bytes) -> None:
    assert strip_telnet(line) == rest


def test_a_command_does_not_show_its_argument() -> None:
    assert "secret" not in repr(parse_line(b"PASS secret"))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_or_get_an_error_reply(line: bytes) -> None:
    parsed = parse_line(line)
    if isinstance(parsed, BadCommand):
        assert parsed.reply.code in (500, 501, 502)
    else:
        assert not set(parsed.argument) & {"\r", "\n", "\0"}
        assert parsed.argument or parsed.verb.argument is not Argument.REQUIRED


@given(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1))
def test_any_name_without_line_breaks_arrives_as_it_was_sent(name: str) -> None:
    assert parse_line(f"RETR {name}".encode()) == Command(VERBS["RETR"], name)
