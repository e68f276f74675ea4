"""REST, ALLO, APPE, wildcards, MFMT and what else needs no answer but a word, played: events in, effects out."""

from dataclasses import replace

import pytest
from tests.fakes.playbook import BOTH, DIRECTORY, EVERYTHING, FILE, line, ready, stranger, user

from crossdock.core.errors import BeyondEnd, NotFound
from crossdock.ftp import replies
from crossdock.ftp.commands import ALIASES, VERBS, Service
from crossdock.ftp.listing import FACT_NAMES
from crossdock.ftp.words import (
    AskFile,
    Effect,
    FileAnswered,
    FileFailed,
    FileOperation,
    Offer,
    OpenPassive,
    Options,
    PassiveReady,
    SendReply,
    SendText,
    StartTransfer,
    TransferCompleted,
    TransferFailed,
    TransferKind,
    TransferOpened,
)

APPENDING = Options(allows_append=True)
NO_OP = Offer(setstat_is_no_op=True)


def retrieve(offset: int = 0) -> StartTransfer:
    return StartTransfer(TransferKind.RETRIEVE, "/home/a", FACT_NAMES, offset=offset)


def store(*, offset: int = 0, is_append: bool = False, size: int | None = None) -> StartTransfer:
    return StartTransfer(TransferKind.STORE, "/home/a", FACT_NAMES, offset=offset, is_append=is_append, size=size)


# REST.


def test_a_download_begins_where_rest_says() -> None:
    play = ready()
    play >> "REST 42" << 350
    play >> "RETR a" << retrieve(42)
    play >> TransferOpened() << 150
    play >> TransferCompleted() << 226


def test_clients_may_say_what_they_like_between_rest_and_retr() -> None:
    play = user()
    play >> "REST 42" << 350
    play >> "TYPE I" << 200
    play >> "SIZE a" << AskFile(FileOperation.SIZE, "/home/a")
    play >> FileAnswered(FILE) << 213
    play >> "PASV" << OpenPassive(is_extended=False)
    play >> PassiveReady("127.0.0.1", 8192) << 227
    play >> "NOOP" << 200
    play >> "RETR a" << retrieve(42)


@pytest.mark.parametrize("text", ["RETR b", "STOR b", "STOU", "LIST", "NLST", "MLSD", "RETR d/"])
def test_rest_counts_for_the_next_transfer_command_only_even_if_that_fails(text: str) -> None:
    play = user()
    play >> "REST 42" << 350
    play.conversation.handle(line(text))
    play >> "EPSV" << OpenPassive(is_extended=True)
    play >> PassiveReady("", 8192) << 229
    play >> "RETR a" << retrieve()


def test_the_last_rest_counts() -> None:
    play = ready()
    play >> "REST 42" << 350
    play >> "REST 0" << 350
    play >> "RETR a" << retrieve()


@pytest.mark.parametrize("argument", ["x", "-1", "1.5", "1 2", "٣", "9223372036854775808", "9" * 4000])
def test_rest_takes_a_number_of_bytes(argument: str) -> None:
    play = ready()
    play >> "REST 9223372036854775807" << 350
    play >> f"REST {argument}" << SendReply(replies.BAD_RESTART)


def test_rest_beyond_the_end_is_554() -> None:
    play = ready()
    play >> "REST 43" << 350
    play >> "RETR a" << retrieve(43)
    play >> TransferFailed(BeyondEnd()) << 554


def test_rest_where_it_is_not_allowed() -> None:
    nothing = Options(allows_restart=False)
    user(options=nothing) >> "REST 42" << 502
    user(options=nothing) >> "REST x" << 502
    play = ready(options=Options(allows_restart=False, allows_append=True))
    play >> "REST 42" << 350
    play >> "RETR a" << SendReply(replies.RESTART_REFUSED)


def test_an_upload_in_the_middle_of_a_file_is_554_unless_it_is_allowed() -> None:
    play = ready()
    play >> "REST 42" << 350
    play >> "STOR a" << SendReply(replies.RESTART_REFUSED)
    play >> "STOR a" << store()  # sent anew, over the port that is still expected
    play = ready()
    play >> "REST 0" << 350
    play >> "STOR a" << store()
    play = ready(options=APPENDING)
    play >> "REST 42" << 350
    play >> "STOR a" << store(offset=42)


def test_a_new_file_and_an_end_are_no_middle() -> None:
    for text in ("STOU", "APPE a"):
        play = ready(options=APPENDING)
        play >> "REST 42" << 350
        play >> text << 554


def test_appe_appends_where_it_is_allowed() -> None:
    user() >> "APPE a" << 502
    play = ready(options=APPENDING)
    play >> "APPE a" << store(is_append=True)
    ready(options=APPENDING) >> "APPE a/" << SendReply(replies.NOT_A_FILE)
    user(options=APPENDING) >> "APPE a" << 425


# ALLO.


@pytest.mark.parametrize("argument", ["42", "42 R 7", "42 r 7"])
def test_an_upload_has_the_size_that_was_announced(argument: str) -> None:
    play = ready()
    play >> f"ALLO {argument}" << SendReply(replies.SIZE_NOTED)
    play >> "TYPE I" << 200
    play >> "STOR a" << store(size=42)


def test_stou_too_has_the_announced_size() -> None:
    play = ready()
    play >> "ALLO 42" << 200
    play >> "STOU" << StartTransfer(TransferKind.STORE_UNIQUE, "/home", FACT_NAMES, size=42)


def test_a_size_counts_for_the_next_transfer_command_only() -> None:
    play = ready()
    play >> "ALLO 42" << 200
    play >> "STOR a/" << 550
    play >> "STOR a" << store()


def test_no_size_is_no_announcement() -> None:
    play = ready()
    play >> "ALLO 42" << 200
    play >> "ALLO 0" << SendReply(replies.NO_SIZE_NOTED)
    play >> "STOR a" << store()


def test_the_size_of_a_text_or_of_a_rest_is_another() -> None:
    play = ready()
    play >> "TYPE A" << 200
    play >> "ALLO 42" << 200
    play >> "STOR a" << store()
    play = ready(options=APPENDING)
    play >> "ALLO 42" << 200
    play >> "REST 7" << 350
    play >> "STOR a" << store(offset=7)
    play = ready(options=APPENDING)
    play >> "ALLO 42" << 200
    play >> "APPE a" << store(is_append=True)


@pytest.mark.parametrize("argument", ["x", "-1", "42 R", "42 R x", "42 7", "42 R 7 8", "9" * 40])
def test_allo_takes_numbers(argument: str) -> None:
    ready() >> f"ALLO {argument}" << SendReply(replies.BAD_SIZE)


# Wildcards.


@pytest.mark.parametrize(
    ("argument", "directory", "pattern", "named"),
    [
        ("*.txt", "/home", "*.txt", "*.txt"),
        ("-la *.txt", "/home", "*.txt", "*.txt"),
        ("sub/a?", "/home/sub", "a?", "sub/a?"),
        ("/top/[ab]*", "/top", "[ab]*", "/top/[ab]*"),
        ("/*", "/", "*", "/*"),
        ("../*", "/", "*", "../*"),
        ("two words/*", "/home/two words", "*", "two words/*"),
        ("*/", "/home/*", "", "*/"),
        ("a*/b", "/home/a*/b", "", "a*/b"),
        ("plain", "/home/plain", "", "plain"),
    ],
)
def test_wildcards_in_the_last_component(argument: str, directory: str, pattern: str, named: str) -> None:
    how = {"pattern": pattern, "named": named}
    ready() >> f"LIST {argument}" << StartTransfer(TransferKind.LIST, directory, FACT_NAMES, **how)
    ready() >> f"STAT {argument}" << StartTransfer(TransferKind.STATUS, directory, **how)
    ready() >> f"NLST {argument}" << StartTransfer(TransferKind.NAMES, directory, FACT_NAMES, **how)


def test_programs_get_no_wildcards() -> None:
    ready() >> "MLSD *" << StartTransfer(TransferKind.FACTS, "/home/*", FACT_NAMES)
    user() >> "MLST *" << AskFile(FileOperation.FACTS, "/home/*")
    ready() >> "RETR *" << StartTransfer(TransferKind.RETRIEVE, "/home/*", FACT_NAMES)


def test_the_status_of_what_matches() -> None:
    play = user()
    play >> "STAT *.txt" << StartTransfer(TransferKind.STATUS, "/home", pattern="*.txt", named="*.txt")
    play >> TransferOpened() << SendText(b"212-Status of /home:\r\n")
    play >> TransferCompleted() << 212


# MFMT.


def test_a_time_is_set_as_far_as_the_server_pretends() -> None:
    play = user(offer=NO_OP)
    play >> "MFMT 20260315004709 two words" << AskFile(FileOperation.SET_MODIFIED, "/home/two words", "20260315004709")
    play >> FileAnswered(FILE) << SendReply(replies.Reply(213, ("Modify=20260315004709; /home/two words",)))
    play >> "MFMT 20260315004709.123 d" << AskFile(FileOperation.SET_MODIFIED, "/home/d", "20260315004709.123")
    play >> FileAnswered(DIRECTORY) << SendReply(replies.NOT_A_FILE)
    play >> "MFMT 20260315004709 a/" << SendReply(replies.NOT_A_FILE)
    play >> "MFMT 20260315004709 gone" << AskFile(FileOperation.SET_MODIFIED, "/home/gone", "20260315004709")
    play >> FileFailed(NotFound()) << 550


def test_a_time_is_not_set_where_the_server_does_not_pretend() -> None:
    user() >> "MFMT 20260315004709 a" << SendReply(replies.TIME_NOT_SET)


@pytest.mark.parametrize(
    "argument",
    ["20260315004709", "20260315004709 ", "2026031500470 a", "20261315004709 a", "20260230004709 a", "a b", " a",
     "20260315244709 a", "20260315006009 a", "20260315004761 a", "20260315004709. a", "00000101000000 a"],
)  # fmt: skip
def test_mfmt_takes_a_time_and_a_path(argument: str) -> None:
    for offer in (NO_OP, Offer()):
        user(offer=offer) >> f"MFMT {argument}" << SendReply(replies.BAD_TIME)


def test_a_leap_second_is_a_time() -> None:
    user(offer=NO_OP) >> "MFMT 20161231235960 a" << AskFile(FileOperation.SET_MODIFIED, "/home/a", "20161231235960")


# Directories and renames.


def test_directories_are_offered_for_a_rename_only_where_that_is_allowed() -> None:
    play = user()
    play >> "RNFR d" << AskFile(FileOperation.RENAME_FROM, "/home/d")
    play >> FileAnswered(DIRECTORY) << SendReply(replies.DIRECTORY_KEEPS_NAME)
    play >> "RNTO e" << 503
    play = user(options=EVERYTHING)
    play >> "RNFR d" << AskFile(FileOperation.RENAME_FROM, "/home/d")
    play >> FileAnswered(DIRECTORY) << 350
    play >> "RNTO e" << AskFile(FileOperation.RENAME_ANY, "/home/d", "/home/e")
    play >> FileAnswered() << 250
    play >> "RNFR /" << AskFile(FileOperation.RENAME_FROM, "/", only_directory=True)
    play >> FileAnswered(replace(DIRECTORY, is_fixed=True)) << SendReply(replies.DIRECTORY_KEEPS_NAME)


# Words.


def help_of(effects: list[Effect]) -> tuple[str, ...]:
    (effect,) = effects
    assert isinstance(effect, SendReply)
    assert effect.reply.code == 214
    return effect.reply.lines


def test_help_names_every_command_that_is_served_and_no_other() -> None:
    everything = {name for name, verb in VERBS.items() if verb.service is Service.SERVED} | set(ALIASES)
    play = stranger(offer=BOTH, options=EVERYTHING)
    assert set(" ".join(help_of(play.conversation.handle(line("HELP")))[1:-1]).split()) == everything
    play = stranger(options=Options(allows_restart=False))
    named = set(" ".join(help_of(play.conversation.handle(line("HELP")))[1:-1]).split())
    assert everything - named == {"AUTH", "PBSZ", "PROT", "CCC", "REST", "APPE"}


def test_help_with_a_command_tells_how_it_is_said() -> None:
    play = stranger(offer=BOTH, options=EVERYTHING)
    for name, verb in VERBS.items():
        if verb.service is Service.SERVED:
            assert help_of(play.conversation.handle(line(f"HELP {name}"))) == (f"Syntax: {verb.summary}",)
    assert help_of(play.conversation.handle(line("HELP xpwd"))) == ("Syntax: PWD",)


@pytest.mark.parametrize("name", ["XYZZY", "PORT", "SMNT", "AUTH", "APPE", "a b", "ü"])
def test_there_is_no_help_on_what_is_not_served(name: str) -> None:
    stranger() >> f"HELP {name}" << SendReply(replies.HELP_UNKNOWN)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SITE HELP", 214),
        ("site help", 214),
        ("SITE CHMOD 644 a", 502),
        ("SITE UTIME a", 502),
        ("SITE", 501),
        ("LANG", 200),
        ("LANG en", 200),
        ("LANG EN-gb", 200),
        ("LANG fr", 504),
        ("LANG english", 504),
        ("CLNT NcFTP 3.2.5", 200),
        ("CLNT", 200),
    ],
)
def test_words_that_change_nothing(text: str, code: int) -> None:
    user() >> text << code
