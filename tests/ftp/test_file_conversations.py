"""The conversation about files and transfers, played: events in, effects out."""

import pytest
from tests.fakes.playbook import DIRECTORY, EVERYTHING, FILE, line, ready, transferring, user

from crossdock.core.errors import Denied, NotADirectory, NotFound, OutOfSpace, Unavailable
from crossdock.ftp import replies
from crossdock.ftp.listing import FACT_NAMES
from crossdock.ftp.replies import DataFailure
from crossdock.ftp.words import (
    AbortTransfer,
    AskFile,
    CloseControl,
    ClosePassive,
    FileAnswered,
    FileFailed,
    FileOperation,
    LineReceived,
    LineTooLong,
    OpenPassive,
    PassiveFailed,
    PassiveReady,
    SendReply,
    SendText,
    StartTransfer,
    TransferCompleted,
    TransferFailed,
    TransferKind,
    TransferOpened,
)

BROKEN = replies.Reply(212, ("The listing could not be completed.",))

# Directories.


def test_pwd_says_where_one_is_with_quotation_marks_doubled() -> None:
    play = user()
    play >> "PWD" << SendReply(replies.Reply(257, ('"/home" is the current directory.',)))
    play >> 'CWD say "hi"' << AskFile(FileOperation.CHANGE_DIRECTORY, '/home/say "hi"')
    play >> FileAnswered(DIRECTORY) << 250
    play >> "PWD" << SendReply(replies.Reply(257, ('"/home/say ""hi""" is the current directory.',)))


@pytest.mark.parametrize(
    ("argument", "path"),
    [
        ("sub", "/home/sub"),
        ("/top", "/top"),
        ("..", "/"),
        ("../../../x", "/x"),
        ("a/./b//c/", "/home/a/b/c"),
        (" space", "/home/ space"),
        ("space ", "/home/space "),
        ("日本語", "/home/日本語"),
    ],
)
def test_cwd_takes_relative_and_absolute_paths(argument: str, path: str) -> None:
    play = user()
    play >> f"CWD {argument}" << AskFile(FileOperation.CHANGE_DIRECTORY, path)
    play >> FileAnswered(DIRECTORY) << 250
    play >> "PWD" << SendReply(replies.quoted_path(path, "is the current directory."))


def test_cwd_to_a_file_or_to_nothing_stays_where_it_is() -> None:
    play = user()
    play >> "CWD a.txt" << AskFile(FileOperation.CHANGE_DIRECTORY, "/home/a.txt")
    play >> FileAnswered(FILE) << 550
    play >> "CWD gone" << AskFile(FileOperation.CHANGE_DIRECTORY, "/home/gone")
    play >> FileFailed(NotFound()) << 550
    play >> "PWD" << SendReply(replies.quoted_path("/home", "is the current directory."))


def test_cdup_goes_up_and_stays_at_the_top() -> None:
    play = user()
    for _ in range(2):
        play >> "CDUP" << AskFile(FileOperation.CHANGE_DIRECTORY, "/")
        play >> FileAnswered(DIRECTORY) << 250


# Questions about files.


def test_size_and_time_of_a_file() -> None:
    play = user()
    play >> "SIZE a" << AskFile(FileOperation.SIZE, "/home/a")
    play >> FileAnswered(FILE) << SendReply(replies.Reply(213, ("42",)))
    play >> "MDTM a" << AskFile(FileOperation.MODIFIED, "/home/a")
    play >> FileAnswered(FILE) << SendReply(replies.Reply(213, ("20260315004709",)))


@pytest.mark.parametrize("text", ["SIZE a/", "MDTM a/", "DELE a/"])
def test_with_a_slash_at_its_end_a_path_is_no_files(text: str) -> None:
    user() >> text << SendReply(replies.NOT_A_FILE)


def test_what_may_be_either_is_no_file_with_a_slash_at_its_end() -> None:
    play = user()
    for verb, operation in (("MLST", FileOperation.FACTS), ("RNFR", FileOperation.RENAME_FROM)):
        play >> f"{verb} a/" << AskFile(operation, "/home/a", only_directory=True)
        play >> FileAnswered(FILE) << SendReply(replies.NOT_A_DIRECTORY)
    play >> "MLST d/" << AskFile(FileOperation.FACTS, "/home/d", only_directory=True)
    play >> FileAnswered(DIRECTORY) << 250


@pytest.mark.parametrize("verb", ["SIZE", "MDTM"])
def test_a_directory_has_neither_size_nor_time(verb: str) -> None:
    play = user()
    play.conversation.handle(line(f"{verb} d"))
    play >> FileAnswered(DIRECTORY) << 550


def test_mlst_shows_the_facts_with_the_whole_path() -> None:
    play = user()
    play >> "MLST a" << AskFile(FileOperation.FACTS, "/home/a")
    facts = " type=file;size=42;modify=20260315004709; /home/a"
    play >> FileAnswered(FILE) << SendReply(replies.Reply(250, ("Listing /home/a", facts[1:], "End")))
    play >> "MLST" << AskFile(FileOperation.FACTS, "/home")
    play >> FileAnswered(DIRECTORY) << SendReply(replies.Reply(250, ("Listing /home", "type=dir; /home", "End")))


@pytest.mark.parametrize(
    ("text", "question", "code"),
    [
        ("DELE a", AskFile(FileOperation.DELETE, "/home/a"), 250),
        ("MKD a", AskFile(FileOperation.MAKE_DIRECTORY, "/home/a"), 257),
        ("RMD a", AskFile(FileOperation.REMOVE_DIRECTORY, "/home/a"), 250),
        ("RNFR a", AskFile(FileOperation.RENAME_FROM, "/home/a"), 350),
    ],
)
def test_files_and_directories_are_changed(text: str, question: AskFile, code: int) -> None:
    play = user()
    play >> text << question
    play >> FileAnswered(FILE) << code
    play >> text << question
    play >> FileFailed(Denied("a policy")) << 550
    play >> text << question
    play >> FileFailed(Unavailable("S3 is down")) << 451


def test_mkd_names_what_it_made() -> None:
    play = user()
    play >> 'MKD a"b' << AskFile(FileOperation.MAKE_DIRECTORY, '/home/a"b')
    play >> FileAnswered() << SendReply(replies.Reply(257, ('"/home/a""b" created.',)))


def test_a_file_is_renamed_by_two_commands() -> None:
    play = user()
    play >> "RNFR old" << AskFile(FileOperation.RENAME_FROM, "/home/old")
    play >> FileAnswered(FILE) << 350
    play >> "RNTO ../new" << AskFile(FileOperation.RENAME, "/home/old", "/new")
    play >> FileAnswered() << 250


def test_a_file_is_renamed_to_no_path_with_a_slash_at_its_end() -> None:
    play = user(options=EVERYTHING)
    play >> "RNFR old" << AskFile(FileOperation.RENAME_FROM, "/home/old")
    play >> FileAnswered(FILE) << 350
    play >> "RNTO new/" << SendReply(replies.NOT_A_FILE)
    play >> "RNFR d" << AskFile(FileOperation.RENAME_FROM, "/home/d")
    play >> FileAnswered(DIRECTORY) << 350
    play >> "RNTO e/" << AskFile(FileOperation.RENAME_ANY, "/home/d", "/home/e")


def test_rnto_must_come_directly_after_rnfr() -> None:
    play = user()
    play >> "RNTO new" << 503
    play >> "RNFR old" << AskFile(FileOperation.RENAME_FROM, "/home/old")
    play >> FileAnswered(FILE) << 350
    play >> "NOOP" << 200
    play >> "RNTO new" << 503
    play >> "RNFR gone" << AskFile(FileOperation.RENAME_FROM, "/home/gone")
    play >> FileFailed(NotFound()) << 550
    play >> "RNTO new" << 503


def test_a_directory_is_renamed_where_that_is_allowed() -> None:
    play = user()
    play >> "RNFR d" << AskFile(FileOperation.RENAME_FROM, "/home/d")
    play >> FileAnswered(DIRECTORY) << SendReply(replies.DIRECTORY_KEEPS_NAME)
    play >> "RNTO e" << 503
    play = user(options=EVERYTHING)
    for found in (DIRECTORY, FILE):
        play >> "RNFR d" << AskFile(FileOperation.RENAME_FROM, "/home/d")
        play >> FileAnswered(found) << 350
        play >> "RNTO e" << AskFile(FileOperation.RENAME_ANY, "/home/d", "/home/e")
        play >> FileAnswered() << 250


def test_a_rename_offer_is_taken_up_once() -> None:
    play = user()
    play >> "RNFR old" << AskFile(FileOperation.RENAME_FROM, "/home/old")
    play >> FileAnswered(FILE) << 350
    play >> "RNTO new" << AskFile(FileOperation.RENAME, "/home/old", "/home/new")
    play >> FileFailed(Denied()) << 550
    play >> "RNTO newer" << 503


# Passive ports.


def test_pasv_names_address_and_port() -> None:
    play = user()
    play >> "PASV" << OpenPassive(is_extended=False)
    play >> PassiveReady("10.1.2.3", 8193) << SendReply(replies.Reply(227, ("Entering Passive Mode (10,1,2,3,32,1).",)))


def test_epsv_names_the_port() -> None:
    play = user()
    for text in ("EPSV", "EPSV 1"):
        play >> text << OpenPassive(is_extended=True)
        (
            play
            >> PassiveReady("10.1.2.3", 8200)
            << SendReply(replies.Reply(229, ("Entering Extended Passive Mode (|||8200|)",)))
        )


def test_no_free_port_is_425() -> None:
    play = user()
    play >> "PASV" << OpenPassive(is_extended=False)
    play >> PassiveFailed() << 425
    play >> "LIST" << 425


def test_epsv_knows_only_the_family_of_the_control_connection() -> None:
    play = user()
    play >> "EPSV 2" << SendReply(replies.EPSV_IPV4_ONLY)
    play >> "EPSV 3" << SendReply(replies.EPSV_IPV4_ONLY)
    play >> "EPSV x" << 501
    play = user(is_ipv6=True)
    play >> "EPSV 1" << SendReply(replies.EPSV_IPV6_ONLY)
    play >> "EPSV 7" << SendReply(replies.EPSV_IPV6_ONLY)
    play >> "EPSV 2" << OpenPassive(is_extended=True)


def test_pasv_cannot_be_had_over_ipv6() -> None:
    user(is_ipv6=True) >> "PASV" << 502


def test_after_epsv_all_only_epsv_is_allowed() -> None:
    play = user()
    play >> "EPSV all" << 200
    play >> "PASV" << 503
    play >> "EPSV" << OpenPassive(is_extended=True)


def test_a_new_passive_port_takes_the_place_of_the_last() -> None:
    play = ready()
    play >> "PASV" << OpenPassive(is_extended=False)
    play >> PassiveFailed() << 425
    play >> "LIST" << 425


# Transfers.


TRANSFERS = [
    ("RETR a", TransferKind.RETRIEVE, "/home/a", ""),
    ("STOR a", TransferKind.STORE, "/home/a", ""),
    ("STOU", TransferKind.STORE_UNIQUE, "/home", ""),
    ("STOU prefix", TransferKind.STORE_UNIQUE, "/home", ""),
    ("LIST", TransferKind.LIST, "/home", ""),
    ("LIST -la", TransferKind.LIST, "/home", ""),
    ("LIST -a -l sub dir", TransferKind.LIST, "/home/sub dir", "sub dir"),
    ("LIST ./-odd", TransferKind.LIST, "/home/-odd", "./-odd"),
    ("LIST /x", TransferKind.LIST, "/x", "/x"),
    ("NLST", TransferKind.NAMES, "/home", ""),
    ("NLST -a ..", TransferKind.NAMES, "/", ".."),
    ("MLSD", TransferKind.FACTS, "/home", ""),
    ("MLSD -a", TransferKind.FACTS, "/home/-a", ""),
]


@pytest.mark.parametrize(("text", "kind", "path", "named"), TRANSFERS)
def test_a_transfer_is_begun_opened_and_completed(text: str, kind: TransferKind, path: str, named: str) -> None:
    play = ready()
    play >> text << StartTransfer(kind, path, FACT_NAMES, named=named)
    play >> TransferOpened("f00d") << 150
    play >> TransferCompleted() << 226
    play >> text << 425  # one data connection serves one transfer
    play >> "NOOP" << 200


@pytest.mark.parametrize("text", [transfer[0] for transfer in TRANSFERS])
def test_a_transfer_without_a_passive_port_is_425(text: str) -> None:
    user() >> text << SendReply(replies.PASSIVE_FIRST)


@pytest.mark.parametrize("text", ["RETR dir/", "STOR dir/", "DELE dir/", "DELE /"])
def test_a_path_that_ends_with_a_slash_is_no_files(text: str) -> None:
    ready() >> text << SendReply(replies.NOT_A_FILE)


def test_stou_says_which_name_it_chose() -> None:
    play = ready()
    play >> "STOU" << StartTransfer(TransferKind.STORE_UNIQUE, "/home", FACT_NAMES)
    play >> TransferOpened("f00d") << SendReply(replies.Reply(150, ("FILE: f00d",)))


def test_a_missing_file_or_directory_is_550_and_uses_the_port_up() -> None:
    for text in ("RETR gone", "LIST gone", "MLSD gone", "NLST gone"):
        play = ready()
        play.conversation.handle(line(text))
        play >> TransferFailed(NotFound()) << 550
        play >> "LIST" << 425


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (DataFailure.NO_CONNECTION, 425),
        (DataFailure.CUT, 426),
        (DataFailure.STALLED, 426),
        (DataFailure.ABORTED, 426),
        (OutOfSpace(), 452),
        (Unavailable(), 551),
        (Denied(), 550),
    ],
)
def test_a_failed_transfer_says_how(cause: object, code: int) -> None:
    play = transferring()
    play >> TransferFailed(cause) << code  # type: ignore[arg-type]
    play >> "NOOP" << 200


@pytest.mark.parametrize(("command", "code"), [("STOR a", 451), ("RETR a", 451), ("LIST", 451)])
def test_what_has_not_begun_can_be_tried_again(command: str, code: int) -> None:
    play = ready()
    play.conversation.handle(line(command))
    play >> TransferFailed(Unavailable()) << code


def test_a_download_that_has_begun_can_be_tried_again() -> None:
    play = ready()
    play.conversation.handle(line("RETR a"))
    play >> TransferOpened() << 150
    play >> TransferFailed(Unavailable()) << 451


def test_noop_and_stat_are_answered_during_a_transfer() -> None:
    play = transferring()
    play >> "NOOP" << 200
    (effect,) = play.conversation.handle(line("STAT"))
    assert isinstance(effect, SendReply)
    assert "Transfer in progress" in effect.reply.lines
    play >> TransferCompleted() << 226


def test_noop_and_stat_sent_along_with_a_transfer_are_answered_after_it() -> None:
    play = ready()
    play >> "RETR a" << StartTransfer(TransferKind.RETRIEVE, "/home/a", FACT_NAMES)
    play >> "NOOP"
    play >> "STAT"
    play >> TransferOpened() << 150
    play >> TransferCompleted() << 226 << 200 << 211


def test_other_commands_wait_for_the_end_of_the_transfer() -> None:
    play = transferring()
    play >> "PWD"
    play >> "NOOP"  # no longer at once: replies keep the order of the commands
    play >> "XYZZY"
    play >> LineTooLong()
    play >> TransferCompleted() << 226 << 257 << 200 << 500 << 500


def test_abor_ends_the_transfer_at_once_and_is_answered_after_it() -> None:
    play = transferring()
    play >> "ABOR" << AbortTransfer()
    play >> TransferFailed(DataFailure.ABORTED) << 426 << 226


def test_abor_that_comes_too_late_is_still_answered() -> None:
    play = transferring()
    play >> "ABOR" << AbortTransfer()
    play >> TransferCompleted() << 226 << 226


def test_abor_passes_commands_that_wait_but_is_answered_in_its_turn() -> None:
    play = transferring()
    play >> "PWD"
    play >> "ABOR" << AbortTransfer()
    play >> TransferFailed(DataFailure.ABORTED) << 426 << 257 << 226


def test_abor_counts_for_every_transfer_that_was_asked_for_before_it() -> None:
    play = transferring()
    play >> "EPSV"
    play >> "RETR b"
    play >> "ABOR" << AbortTransfer()
    play >> TransferFailed(DataFailure.ABORTED) << 426 << OpenPassive(is_extended=True)
    (
        play
        >> PassiveReady("", 8193)
        << 229
        << StartTransfer(TransferKind.RETRIEVE, "/home/b", FACT_NAMES)
        << AbortTransfer()
    )
    play >> TransferFailed(DataFailure.ABORTED) << 426 << 226


@pytest.mark.parametrize("synch", [b"\xff\xf4\xff\xf2", b"\xff\xf4\xff", b"\xff\xf2", b""])
def test_abor_with_telnet_synch_is_understood(synch: bytes) -> None:
    transferring() >> LineReceived(synch + b"ABOR") << AbortTransfer()


def test_abor_without_a_transfer_gives_up_the_passive_port() -> None:
    play = ready()
    play >> "ABOR" << ClosePassive() << 226
    play >> "LIST" << 425
    play >> "ABOR" << 226


def test_quit_waits_for_the_transfer() -> None:
    play = transferring()
    play >> "QUIT"
    play >> TransferCompleted() << 226 << 221 << CloseControl()


def test_stat_with_a_path_lists_over_the_control_connection() -> None:
    play = user()
    play >> "STAT -l sub" << StartTransfer(TransferKind.STATUS, "/home/sub", named="sub")
    play >> TransferOpened() << SendText(b"212-Status of /home/sub:\r\n")
    play >> "NOOP"  # a reply in the middle of a reply would be none
    play >> TransferCompleted() << 212 << 200


def test_the_status_of_a_file_is_213_where_a_directory_s_is_212() -> None:
    play = user()
    play >> "STAT a" << StartTransfer(TransferKind.STATUS, "/home/a", named="a")
    play >> TransferOpened(is_directory=False) << SendText(b"213-Status of /home/a:\r\n")
    play >> TransferCompleted() << 213


def test_mlsd_of_what_is_no_directory_is_a_wrong_argument() -> None:
    play = ready()
    play >> "MLSD a" << StartTransfer(TransferKind.FACTS, "/home/a", FACT_NAMES)
    play >> TransferFailed(NotADirectory()) << 501
    play >> "MLSD a" << 425


def test_stat_with_a_path_leaves_the_passive_port_alone() -> None:
    play = ready()
    play >> "STAT x" << StartTransfer(TransferKind.STATUS, "/home/x", named="x")
    play >> TransferFailed(NotFound()) << 550
    play >> "LIST" << StartTransfer(TransferKind.LIST, "/home", FACT_NAMES)


def test_a_listing_that_breaks_off_in_its_reply_ends_that_reply() -> None:
    play = user()
    play >> "STAT x" << StartTransfer(TransferKind.STATUS, "/home/x", named="x")
    play >> TransferOpened() << SendText(b"212-Status of /home/x:\r\n")
    play >> TransferFailed(Unavailable()) << SendReply(BROKEN)
    play >> "STAT y" << StartTransfer(TransferKind.STATUS, "/home/y", named="y")
    play >> TransferFailed(Unavailable()) << 451


def test_a_status_listing_can_be_aborted() -> None:
    play = user()
    play >> "STAT x" << StartTransfer(TransferKind.STATUS, "/home/x", named="x")
    play >> TransferOpened() << SendText(b"212-Status of /home/x:\r\n")
    play >> "ABOR" << AbortTransfer()
    play >> TransferFailed(DataFailure.ABORTED) << SendReply(BROKEN) << 226
