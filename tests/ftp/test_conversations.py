"""The conversation, played: events in, effects out."""

from datetime import UTC, datetime

import pytest
from tests.fakes.playbook import Playbook, line

from crossdock.core.errors import Denied, NotFound, OutOfSpace, Unavailable
from crossdock.core.logins import Password
from crossdock.files.filesystem import Attributes, FileKind
from crossdock.ftp import replies
from crossdock.ftp.commands import ALIASES, VERBS, Access, Service
from crossdock.ftp.control import MAX_WAITING, Conversation, OutOfTurn
from crossdock.ftp.listing import FACT_NAMES
from crossdock.ftp.replies import DataFailure
from crossdock.ftp.words import (
    AbortTransfer,
    AskFile,
    CheckLogin,
    CloseControl,
    ClosePassive,
    Connected,
    Draining,
    FileAnswered,
    FileFailed,
    FileOperation,
    IdleExpired,
    LineReceived,
    LineTooLong,
    LoginAdmitted,
    LoginRefused,
    OpenPassive,
    PassiveFailed,
    PassiveReady,
    PeerClosed,
    SendReply,
    SendText,
    StartTransfer,
    TransferCompleted,
    TransferFailed,
    TransferKind,
    TransferOpened,
)

FILE = Attributes(kind=FileKind.FILE, size=42, modified_at=datetime(2026, 3, 15, 0, 47, 9, tzinfo=UTC))
DIRECTORY = Attributes(kind=FileKind.DIRECTORY)
IDLE, STOPPING, TOO_MANY = (
    reply.lines[0] for reply in (replies.IDLE_TOO_LONG, replies.SHUTTING_DOWN, replies.TOO_MANY_ATTEMPTS)
)
CHECK = CheckLogin("user1", Password("secret"))


def stranger(**options: object) -> Playbook:
    play = Playbook(Conversation(**options))  # type: ignore[arg-type]
    play >> Connected() << 220
    return play


def user(**options: object) -> Playbook:
    """Logged in, in /home."""
    play = stranger(**options)
    play >> "USER user1" << 331
    play >> "PASS secret" << CHECK
    play >> LoginAdmitted("/home") << 230
    return play


def ready(**options: object) -> Playbook:
    """Logged in, with a data connection expected."""
    play = user(**options)
    play >> "EPSV" << OpenPassive(is_extended=True)
    play >> PassiveReady("", 8192) << 229
    return play


def transferring(kind: TransferKind = TransferKind.STORE, verb: str = "STOR") -> Playbook:
    play = ready()
    play >> f"{verb} a.txt" << StartTransfer(kind, "/home/a.txt", FACT_NAMES)
    play >> TransferOpened() << 150
    return play


# Logging in.


def test_a_user_logs_in_with_user_and_pass() -> None:
    play = user()
    assert play.conversation.is_admitted
    assert not play.conversation.is_over


def test_every_user_name_is_asked_for_its_password() -> None:
    play = stranger()
    for name in ("user1", "no such user", "../../etc", "x", "ü"):
        play >> f"USER {name}" << SendReply(replies.PASSWORD_NEEDED)


def test_wrong_password_and_unknown_user_look_the_same() -> None:
    play = stranger()
    for name in ("user1", "nobody"):
        play >> f"USER {name}" << 331
        play >> "PASS wrong" << CheckLogin(name, Password("wrong"))
        play >> LoginRefused() << SendReply(replies.LOGIN_REFUSED)


def test_pass_before_user_is_a_bad_sequence() -> None:
    stranger() >> "PASS secret" << 503


@pytest.mark.parametrize("between", ["NOOP", "SYST", "XYZZY", "RETR", "CWD /", "USER"])
def test_anything_between_user_and_pass_forgets_the_name(between: str) -> None:
    play = stranger()
    play >> "USER user1" << 331
    play.conversation.handle(line(between))
    play >> "PASS secret" << 503


def test_a_second_user_takes_the_place_of_the_first() -> None:
    play = stranger()
    play >> "USER user1" << 331
    play >> "USER user2" << 331
    play >> "PASS secret" << CheckLogin("user2", Password("secret"))


def test_an_empty_password_is_judged_like_any_other() -> None:
    for text in ("PASS", "PASS "):
        play = stranger()
        play >> "USER user1" << 331
        play >> text << CheckLogin("user1", Password(""))


def test_a_password_keeps_its_spaces() -> None:
    play = stranger()
    play >> "USER user1" << 331
    play >> "PASS  two words " << CheckLogin("user1", Password(" two words "))


def test_the_third_wrong_password_ends_the_connection() -> None:
    play = stranger()
    for _ in range(2):
        play >> "USER user1" << 331
        play >> "PASS wrong" << CheckLogin("user1", Password("wrong"))
        play >> LoginRefused() << 530
    play >> "USER user1" << 331
    play >> "PASS wrong" << CheckLogin("user1", Password("wrong"))
    play >> LoginRefused() << 530 << 421 << CloseControl(TOO_MANY)
    play >> "USER user1"
    play.end()


def test_who_is_logged_in_cannot_become_another_user() -> None:
    play = user()
    play >> "USER user2" << 530
    play >> "PASS secret" << 503
    play >> "PWD" << 257


@pytest.mark.parametrize(
    "verb", [v.name for v in VERBS.values() if v.access is Access.USERS and v.service is Service.SERVED]
)
def test_a_stranger_may_not(verb: str) -> None:
    stranger() >> f"{verb} x" << (501 if VERBS[verb].argument.name == "NONE" else 530)
    stranger() >> verb << (501 if VERBS[verb].argument.name == "REQUIRED" else 530)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NOOP", 200),
        ("SYST", 215),
        ("FEAT", 211),
        ("OPTS UTF8 ON", 200),
        ("TYPE I", 200),
        ("MODE S", 200),
        ("STRU F", 200),
    ],
)
def test_a_stranger_may(text: str, code: int) -> None:
    stranger() >> text << code


def test_banners_stand_before_and_after_the_login() -> None:
    play = Playbook(Conversation(pre_login_banner="Private.\r\nKeep out.", post_login_banner="Be nice."))
    play >> Connected() << SendReply(replies.Reply(220, ("Private.", "Keep out.", "Crossdock FTP service ready.")))
    play >> "USER user1" << 331
    play >> "PASS secret" << CHECK
    play >> LoginAdmitted("/") << SendReply(replies.Reply(230, ("Be nice.", "Logged in.")))


def test_no_password_is_shown_by_an_event_or_an_effect() -> None:
    assert "secret" not in repr(line("PASS secret"))
    assert "secret" not in repr(CHECK)


# What is unknown, refused or malformed.


@pytest.mark.parametrize("name", [v.name for v in VERBS.values() if v.service is Service.REFUSED])
def test_what_is_not_offered_is_502_before_and_after_the_login(name: str) -> None:
    for play in (stranger(), user()):
        play >> name << 502
        play >> f"{name} something" << 502


@pytest.mark.parametrize("text", ["PORT 127,0,0,1,4,1", "EPRT |1|127.0.0.1|1025|", "port 1,2,3,4,5,6"])
def test_active_mode_is_refused(text: str) -> None:
    user() >> text << SendReply(replies.PASSIVE_ONLY)


@pytest.mark.parametrize("text", ["", " ", "HELO", "GET / HTTP/1.1", "NOOPX", "\x00\x01", "ÿÿÿ", "-", "USER\tx"])
def test_an_unknown_word_is_500(text: str) -> None:
    stranger() >> text << 500


def test_a_line_too_long_is_500_and_the_conversation_goes_on() -> None:
    play = user()
    play >> LineTooLong() << 500
    play >> "NOOP" << 200


@pytest.mark.parametrize("name", [v.name for v in VERBS.values() if v.argument.name == "REQUIRED"])
def test_a_missing_argument_is_501(name: str) -> None:
    user() >> name << 501
    user() >> f"{name} " << 501


@pytest.mark.parametrize("name", [v.name for v in VERBS.values() if v.argument.name == "NONE"])
def test_an_argument_too_many_is_501(name: str) -> None:
    user() >> f"{name} x" << 501


@pytest.mark.parametrize("argument", ["a\rb", "a\0b", "a\r", "\0"])
def test_control_characters_that_could_break_a_line_are_501(argument: str) -> None:
    play = user()
    play >> f"DELE {argument}" << 501
    play >> f"STOR {argument}" << 501


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_the_older_names_of_directory_commands_are_known(alias: str) -> None:
    plain, old = user(), user()
    argument = " x" if VERBS[ALIASES[alias]].argument.name == "REQUIRED" else ""
    assert old.conversation.handle(line(alias + argument)) == plain.conversation.handle(line(ALIASES[alias] + argument))


def test_verbs_may_be_in_any_case() -> None:
    play = user()
    play >> "pwd" << 257
    play >> "NoOp" << 200


# Settings.


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("TYPE I", 200),
        ("TYPE A", 200),
        ("TYPE a n", 200),
        ("TYPE L 8", 200),
        ("TYPE A T", 504),
        ("TYPE E", 504),
        ("TYPE L 7", 504),
        ("TYPE Q", 501),
        ("MODE S", 200),
        ("MODE s", 200),
        ("MODE B", 504),
        ("MODE C", 504),
        ("MODE Z", 501),
        ("STRU F", 200),
        ("STRU R", 504),
        ("STRU P", 504),
        ("STRU Q", 501),
        ("OPTS UTF8", 200),
        ("OPTS utf8 on", 200),
        ("OPTS UTF8 OFF", 501),
        ("OPTS HASH", 501),
    ],
)
def test_settings(text: str, code: int) -> None:
    user() >> text << code


def test_feat_names_no_restart_and_marks_the_chosen_facts() -> None:
    play = user()
    (before,) = play.conversation.handle(line("FEAT"))
    assert isinstance(before, SendReply)
    assert "MLST type*;size*;modify*;" in before.reply.lines
    assert not any(text.startswith("REST") for text in before.reply.lines)
    assert before.reply.lines[0] == "Features:"
    assert before.reply.lines[-1] == "End"
    play >> "OPTS MLST modify;Type;unknown;" << SendReply(replies.Reply(200, ("MLST OPTS type;modify;",)))
    (after,) = play.conversation.handle(line("FEAT"))
    assert isinstance(after, SendReply)
    assert "MLST type*;size;modify*;" in after.reply.lines


def test_no_facts_at_all_can_be_chosen() -> None:
    play = user()
    play >> "OPTS MLST" << SendReply(replies.Reply(200, ("MLST OPTS ",)))
    play >> "MLST a" << AskFile(FileOperation.FACTS, "/home/a")
    play >> FileAnswered(FILE) << SendReply(replies.Reply(250, ("Listing /home/a", " /home/a", "End")))


def test_stat_tells_the_state_and_nothing_of_others() -> None:
    play = user()
    play >> "TYPE A" << 200
    (effect,) = play.conversation.handle(line("STAT"))
    assert isinstance(effect, SendReply)
    assert effect.reply.code == 211
    assert "Logged in as user1" in effect.reply.lines
    assert "TYPE: ASCII; STRU: File; MODE: Stream" in effect.reply.lines
    assert "No transfer in progress" in effect.reply.lines


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
    ("RETR a", TransferKind.RETRIEVE, "/home/a"),
    ("STOR a", TransferKind.STORE, "/home/a"),
    ("STOU", TransferKind.STORE_UNIQUE, "/home"),
    ("STOU prefix", TransferKind.STORE_UNIQUE, "/home"),
    ("LIST", TransferKind.LIST, "/home"),
    ("LIST -la", TransferKind.LIST, "/home"),
    ("LIST -a -l sub dir", TransferKind.LIST, "/home/sub dir"),
    ("LIST ./-odd", TransferKind.LIST, "/home/-odd"),
    ("LIST /x", TransferKind.LIST, "/x"),
    ("NLST", TransferKind.NAMES, "/home"),
    ("NLST -a ..", TransferKind.NAMES, "/"),
    ("MLSD", TransferKind.FACTS, "/home"),
    ("MLSD -a", TransferKind.FACTS, "/home/-a"),
]


@pytest.mark.parametrize(("text", "kind", "path"), TRANSFERS)
def test_a_transfer_is_begun_opened_and_completed(text: str, kind: TransferKind, path: str) -> None:
    play = ready()
    play >> text << StartTransfer(kind, path, FACT_NAMES)
    play >> TransferOpened("f00d") << 150
    play >> TransferCompleted() << 226
    play >> text << 425  # one data connection serves one transfer
    play >> "NOOP" << 200


@pytest.mark.parametrize(("text", "kind", "path"), TRANSFERS)
def test_a_transfer_without_a_passive_port_is_425(text: str, kind: TransferKind, path: str) -> None:
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
        (Unavailable(), 451),
        (Denied(), 550),
    ],
)
def test_a_failed_transfer_says_how(cause: object, code: int) -> None:
    play = transferring()
    play >> TransferFailed(cause) << code  # type: ignore[arg-type]
    play >> "NOOP" << 200


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
    play >> "STAT -l sub" << StartTransfer(TransferKind.STATUS, "/home/sub")
    play >> TransferOpened() << SendText(b"213-Status of /home/sub:\r\n")
    play >> "NOOP"  # a reply in the middle of a reply would be none
    play >> TransferCompleted() << SendReply(replies.LISTING_ENDS) << 200


def test_stat_with_a_path_leaves_the_passive_port_alone() -> None:
    play = ready()
    play >> "STAT x" << StartTransfer(TransferKind.STATUS, "/home/x")
    play >> TransferFailed(NotFound()) << 550
    play >> "LIST" << StartTransfer(TransferKind.LIST, "/home", FACT_NAMES)


def test_a_listing_that_breaks_off_in_its_reply_ends_that_reply() -> None:
    play = user()
    play >> "STAT x" << StartTransfer(TransferKind.STATUS, "/home/x")
    play >> TransferOpened() << SendText(b"213-Status of /home/x:\r\n")
    play >> TransferFailed(Unavailable()) << SendReply(replies.LISTING_BROKEN)
    play >> "STAT y" << StartTransfer(TransferKind.STATUS, "/home/y")
    play >> TransferFailed(Unavailable()) << 451


def test_a_status_listing_can_be_aborted() -> None:
    play = user()
    play >> "STAT x" << StartTransfer(TransferKind.STATUS, "/home/x")
    play >> TransferOpened() << SendText(b"213-Status of /home/x:\r\n")
    play >> "ABOR" << AbortTransfer()
    play >> TransferFailed(DataFailure.ABORTED) << SendReply(replies.LISTING_BROKEN) << 226


# Order, limits, endings.


def test_commands_wait_while_a_login_is_decided_and_then_are_a_users() -> None:
    play = stranger()
    play >> "USER user1" << 331
    play >> "PASS secret" << CHECK
    play >> "PWD"
    play >> "CWD sub"
    play >> "PWD"
    play >> LoginAdmitted("/home") << 230 << 257 << AskFile(FileOperation.CHANGE_DIRECTORY, "/home/sub")
    play >> FileAnswered(DIRECTORY) << 250 << SendReply(replies.quoted_path("/home/sub", "is the current directory."))


def test_abor_behind_a_question_does_not_disturb_it() -> None:
    play = user()
    play >> "DELE a" << AskFile(FileOperation.DELETE, "/home/a")
    play >> "ABOR"
    play >> FileAnswered() << 250 << 226


def test_only_so_many_commands_may_wait() -> None:
    play = transferring()
    for _ in range(MAX_WAITING):
        assert play.conversation.is_accepting
        play >> "PWD"
    assert not play.conversation.is_accepting
    with pytest.raises(OutOfTurn):
        play.conversation.handle(line("PWD"))
    play >> TransferCompleted() << 226
    for _ in range(MAX_WAITING):
        play << 257
    assert play.conversation.is_accepting


def test_quit_says_goodbye_and_nothing_follows() -> None:
    for play in (stranger(), user()):
        play >> "QUIT" << 221 << CloseControl()
        assert play.conversation.is_over
        assert not play.conversation.is_accepting
        play >> "NOOP"
        play >> PeerClosed()
        play >> IdleExpired()
        play.end()


def test_an_idle_client_is_sent_away_but_not_one_who_waits_for_us() -> None:
    stranger() >> IdleExpired() << 421 << CloseControl(IDLE)
    user() >> IdleExpired() << 421 << CloseControl(IDLE)
    play = transferring()
    play >> IdleExpired()
    play >> TransferCompleted() << 226
    play >> "DELE a" << AskFile(FileOperation.DELETE, "/home/a")
    play >> IdleExpired()
    play >> FileAnswered() << 250


def test_a_server_that_stops_lets_what_is_under_way_finish() -> None:
    user() >> Draining() << 421 << CloseControl(STOPPING)
    play = transferring()
    play >> Draining()
    play >> "PWD"
    play >> TransferCompleted() << 226 << 421 << CloseControl(STOPPING)


def test_a_client_that_leaves_during_a_transfer_aborts_it() -> None:
    play = transferring()
    play >> PeerClosed() << AbortTransfer() << CloseControl()
    play >> TransferFailed(DataFailure.ABORTED)
    play.end()


@pytest.mark.parametrize("text", ["NOOP", "DELE a", "PASV", "USER x"])
def test_a_client_that_leaves_is_answered_no_more(text: str) -> None:
    play = user()
    play.conversation.handle(line(text))
    play >> PeerClosed() << CloseControl()
    play >> FileAnswered()
    play >> "NOOP"
    play.end()


@pytest.mark.parametrize(
    "event",
    [
        LoginAdmitted("/"),
        LoginRefused(),
        PassiveReady("1.2.3.4", 1),
        PassiveFailed(),
        FileAnswered(),
        FileFailed(NotFound()),
        TransferOpened(),
        TransferCompleted(),
        TransferFailed(NotFound()),
    ],
)
def test_an_answer_without_a_question_is_the_drivers_mistake(event: object) -> None:
    with pytest.raises(OutOfTurn):
        user().conversation.handle(event)  # type: ignore[arg-type]


def test_a_question_about_a_file_needs_attributes_in_its_answer() -> None:
    play = user()
    play >> "SIZE a" << AskFile(FileOperation.SIZE, "/home/a")
    with pytest.raises(ValueError, match="what is known"):
        play.conversation.handle(FileAnswered())
