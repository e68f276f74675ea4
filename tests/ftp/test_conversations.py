"""The conversation, played: events in, effects out."""

import pytest
from tests.fakes.playbook import BOTH, CHECK, DIRECTORY, EVERYTHING, FILE, Playbook, line, stranger, transferring, user

from crossdock.core.errors import NotFound
from crossdock.core.logins import Password
from crossdock.ftp import replies
from crossdock.ftp.commands import ALIASES, VERBS, Access, Need, Service
from crossdock.ftp.control import MAX_WAITING, Conversation, OutOfTurn
from crossdock.ftp.replies import DataFailure
from crossdock.ftp.words import (
    AbortTransfer,
    AskFile,
    CheckLogin,
    ChooseHost,
    CloseControl,
    Connected,
    Draining,
    FileAnswered,
    FileFailed,
    FileOperation,
    IdleExpired,
    InputEnded,
    LineTooLong,
    LoginAdmitted,
    LoginRefused,
    Offer,
    Options,
    PassiveFailed,
    PassiveReady,
    PeerClosed,
    SendReply,
    TransferCompleted,
    TransferFailed,
    TransferLeft,
    TransferOpened,
)

NOTHING = Options(allows_restart=False)

IDLE, STOPPING, TOO_MANY = (
    reply.lines[0] for reply in (replies.IDLE_TOO_LONG, replies.SHUTTING_DOWN, replies.TOO_MANY_ATTEMPTS)
)


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
    play = stranger(offer=BOTH, options=EVERYTHING)
    play >> f"{verb} x" << (501 if VERBS[verb].argument.name == "NONE" else 530)
    play >> verb << (501 if VERBS[verb].argument.name == "REQUIRED" else 530)


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
        ("HELP", 214),
        ("LANG en", 200),
        ("CLNT FileZilla", 200),
    ],
)
def test_a_stranger_may(text: str, code: int) -> None:
    stranger() >> text << code


def test_banners_stand_before_and_after_the_login() -> None:
    play = Playbook(Conversation(Offer(pre_login_banner="Private.\r\nKeep out.", post_login_banner="Be nice.")))
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


@pytest.mark.parametrize("name", [v.name for v in VERBS.values() if v.need is not Need.NOTHING])
def test_what_this_server_does_not_offer_is_502_whatever_its_argument(name: str) -> None:
    for play in (stranger(options=NOTHING), user(options=NOTHING)):
        for text in (name, f"{name} ", f"{name} TLS", f"{name} 0", f"{name} a\rb", f"{name} a\0"):
            play >> text << SendReply(replies.NOT_IMPLEMENTED)


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
    play = user(offer=BOTH, options=EVERYTHING)
    play >> name << 501
    play >> f"{name} " << 501


@pytest.mark.parametrize("name", [v.name for v in VERBS.values() if v.argument.name == "NONE"])
def test_an_argument_too_many_is_501(name: str) -> None:
    user(offer=BOTH, options=EVERYTHING) >> f"{name} x" << 501


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


def features(play: Playbook) -> tuple[str, ...]:
    (effect,) = play.conversation.handle(line("FEAT"))
    assert isinstance(effect, SendReply)
    assert effect.reply.lines[0] == "Features:"
    assert effect.reply.lines[-1] == "End"
    return effect.reply.lines[1:-1]


def test_feat_names_what_is_served_and_nothing_that_would_be_refused() -> None:
    always = ["CLNT", "EPSV", "HOST", "LANG EN*", "MDTM", "MLST type*;size*;modify*;", "PASV", "SIZE", "TVFS", "UTF8"]
    assert list(features(user(options=NOTHING))) == always
    assert set(features(user())) - set(always) == {"REST STREAM"}
    assert set(features(stranger(offer=BOTH, options=NOTHING))) - set(always) == {"AUTH TLS", "PBSZ", "PROT"}
    assert "HOST" not in features(user(is_secure=True))  # 503
    assert set(features(stranger(offer=Offer(setstat_is_no_op=True), options=NOTHING))) - set(always) == {"MFMT"}


def test_feat_marks_the_chosen_facts() -> None:
    play = user()
    play >> "OPTS MLST modify;Type;unknown;" << SendReply(replies.Reply(200, ("MLST OPTS type;modify;",)))
    assert "MLST type*;size;modify*;" in features(play)


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
    play = stranger()
    play >> "HOST a.example" << ChooseHost("a.example")
    play >> IdleExpired() << 421 << CloseControl(IDLE)
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


def test_what_a_client_said_before_it_closed_its_side_is_obeyed() -> None:
    play = user()
    play >> "MKD a" << AskFile(FileOperation.MAKE_DIRECTORY, "/home/a")
    play >> "MKD b"
    play >> InputEnded()
    play >> FileAnswered() << 257 << AskFile(FileOperation.MAKE_DIRECTORY, "/home/b")
    play >> InputEnded()
    play >> FileAnswered() << 257
    play >> InputEnded() << CloseControl()
    play.end()


def test_a_transfer_ends_with_the_clients_side_whether_it_was_begun_before_or_after() -> None:
    play = transferring()
    play >> InputEnded() << AbortTransfer() << CloseControl()


def test_what_waits_behind_an_upload_that_its_client_left_is_not_obeyed() -> None:
    play = transferring()
    play >> "DELE b"
    play >> TransferLeft() << 426 << CloseControl()
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
        TransferLeft(),
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
