"""AUTH, PBSZ, PROT, CCC, HOST and REIN, played: events in, effects out."""

import pytest
from tests.fakes.playbook import (
    BOTH,
    CHECK,
    FTPS_ONLY,
    Playbook,
    line,
    ready,
    secured,
    stranger,
    transferring,
    user,
)

from crossdock.ftp import replies
from crossdock.ftp.control import INJECTED
from crossdock.ftp.listing import FACT_NAMES
from crossdock.ftp.words import (
    AbortTransfer,
    ChooseHost,
    CloseControl,
    Draining,
    Event,
    HostChosen,
    HostUnknown,
    IdleExpired,
    LineTooLong,
    LoginAdmitted,
    LoginRefused,
    Offer,
    OpenPassive,
    PassiveReady,
    PeerClosed,
    Reinitialise,
    SendReply,
    StartTls,
    StartTransfer,
    TlsStarted,
    TransferKind,
)

OTHER = Offer(allows_tls=True, pre_login_banner="Another.", post_login_banner="Welcome.")


def protected(text: str = "PROT P", *, offer: Offer = FTPS_ONLY) -> Playbook:
    """A stranger under TLS who has said how data is to be sent."""
    play = secured(offer=offer)
    play >> "PBSZ 0" << 200
    play >> text << 200
    return play


# AUTH.


@pytest.mark.parametrize("text", ["AUTH TLS", "AUTH tls", "AUTH TLS-C", "AUTH SSL", "AUTH TLS-P", "auth Tls "])
def test_every_name_that_clients_have_for_tls_begins_it(text: str) -> None:
    play = stranger(offer=BOTH)
    assert not play.conversation.is_secure
    play >> text << SendReply(replies.TLS_STARTS) << StartTls()
    assert not play.conversation.is_secure
    play >> TlsStarted()
    assert play.conversation.is_secure
    play >> "NOOP" << 200


@pytest.mark.parametrize("text", ["AUTH GSSAPI", "AUTH KERBEROS_V4", "AUTH TLS 1", "AUTH X"])
def test_another_mechanism_is_504(text: str) -> None:
    stranger(offer=BOTH) >> text << 504
    secured() >> text << 504


def test_auth_comes_once_and_before_the_login() -> None:
    secured() >> "AUTH TLS" << SendReply(replies.AUTH_AGAIN)
    user(offer=BOTH) >> "AUTH TLS" << SendReply(replies.AUTH_TOO_LATE)
    user(secured()) >> "AUTH TLS" << 534


def test_a_name_said_in_the_clear_is_forgotten_under_tls() -> None:
    play = stranger(offer=BOTH)
    play >> "USER user1" << 331
    play >> "AUTH TLS" << 234 << StartTls()
    play >> TlsStarted()
    play >> "PASS secret" << 503


def test_guesses_in_the_clear_and_under_tls_are_counted_together() -> None:
    play = stranger(offer=BOTH, login_attempts=2)
    for text in ("AUTH TLS", ""):
        play >> "USER user1" << 331
        play >> "PASS secret" << CHECK
        play >> LoginRefused() << 530
        if text:
            play >> text << 234 << StartTls()
            play >> TlsStarted()
    play << 421 << CloseControl("Too many failed logins, closing the connection.")


def test_settings_and_facts_said_in_the_clear() -> None:
    play = stranger(offer=BOTH)
    play >> "TYPE A" << 200
    play >> "OPTS MLST size;" << 200
    play >> "AUTH TLS" << 234 << StartTls()
    play >> TlsStarted()
    (
        user(play)
        >> "STAT"
        << SendReply(
            replies.status(
                (
                    "Logged in as user1",
                    "TYPE: Image; STRU: File; MODE: Stream",
                    "Control connection under TLS, data connections in the clear",
                    "No transfer in progress",
                )
            )
        )
    )


def test_nothing_may_wait_behind_auth() -> None:
    """Somebody on the way puts commands behind a client's AUTH TLS, to have them obeyed under the client's TLS."""
    play = stranger(offer=BOTH)
    play >> "USER user1" << 331
    play >> "PASS secret" << CHECK
    play >> "AUTH TLS"
    play >> "USER evil"
    play >> LoginRefused() << 530 << CloseControl(INJECTED)
    assert play.conversation.is_over
    play >> TlsStarted()
    play >> "NOOP"
    play.end()


def test_auth_itself_may_wait() -> None:
    play = stranger(offer=BOTH)
    play >> "USER user1" << 331
    play >> "PASS secret" << CHECK
    play >> "AUTH TLS"
    play >> LoginRefused() << 530 << 234 << StartTls()


@pytest.mark.parametrize("event", [line("USER evil"), LineTooLong()])
def test_a_line_that_comes_while_tls_begins_ends_the_connection(event: Event) -> None:
    play = stranger(offer=BOTH)
    play >> "AUTH TLS" << 234 << StartTls()
    assert not play.conversation.is_accepting
    play >> event << CloseControl(INJECTED)


def test_while_tls_begins_a_server_may_stop_and_a_client_leave() -> None:
    play = stranger(offer=BOTH)
    play >> "AUTH TLS" << 234 << StartTls()
    play >> IdleExpired()  # the handshake has a time of its own
    play >> Draining()
    play >> TlsStarted() << 421 << CloseControl("The service is shutting down, closing the connection.")
    play = stranger(offer=BOTH)
    play >> "AUTH TLS" << 234 << StartTls()
    play >> PeerClosed() << CloseControl()
    assert not play.conversation.is_secure


def test_tls_from_the_first_byte_on() -> None:
    play = stranger(offer=FTPS_ONLY, is_secure=True)
    assert play.conversation.is_secure
    play >> "AUTH TLS" << 534
    play >> "PBSZ 0" << 200
    play >> "PROT P" << 200
    user(play) >> "REIN" << 502


# A server with FTPS alone.


def test_a_server_with_ftps_alone_takes_no_name_in_the_clear() -> None:
    play = stranger(offer=FTPS_ONLY)
    play >> "USER user1" << SendReply(replies.TLS_FIRST)
    play >> "PASS secret" << 503
    play >> "AUTH TLS" << 234 << StartTls()
    play >> TlsStarted()
    user(play) >> "PWD" << 257


DATA = ["RETR a", "STOR a", "STOU", "LIST", "NLST", "NLST *", "MLSD"]


@pytest.mark.parametrize("text", DATA)
def test_a_server_with_ftps_alone_sends_no_data_in_the_clear(text: str) -> None:
    play = ready(secured())
    play >> text << SendReply(replies.PROT_PRIVATE_FIRST)
    play >> "PBSZ 0" << 200
    play >> "PROT C" << SendReply(replies.PROT_CLEAR_REFUSED)
    play >> text << 521
    play >> "PROT P" << 200
    (effect,) = play.conversation.handle(line(text))
    assert isinstance(effect, StartTransfer)
    assert effect.is_private


def test_a_listing_in_a_reply_needs_no_data_connection() -> None:
    play = user(secured())
    play >> "STAT a" << StartTransfer(TransferKind.STATUS, "/home/a", named="a")


# PBSZ and PROT.


def test_data_is_private_after_prot_p_and_clear_again_after_prot_c() -> None:
    play = ready(protected(offer=BOTH))
    play >> "RETR a" << StartTransfer(TransferKind.RETRIEVE, "/home/a", FACT_NAMES, is_private=True)
    play = ready(protected(offer=BOTH))
    play >> "PROT C" << 200
    play >> "RETR a" << StartTransfer(TransferKind.RETRIEVE, "/home/a", FACT_NAMES)
    play = ready(secured(offer=BOTH))
    play >> "RETR a" << StartTransfer(TransferKind.RETRIEVE, "/home/a", FACT_NAMES)


@pytest.mark.parametrize(("text", "is_private"), [("SSL", True), ("TLS-P", True), ("TLS", False), ("TLS-C", False)])
def test_two_older_names_of_auth_ask_for_private_data_too(text: str, is_private: bool) -> None:
    play = ready(secured(f"AUTH {text}", offer=BOTH))
    play >> "LIST" << StartTransfer(TransferKind.LIST, "/home", FACT_NAMES, is_private=is_private)


def test_an_auth_that_was_refused_implies_nothing() -> None:
    play = secured(offer=BOTH)
    play >> "AUTH SSL" << 534
    play >> "PROT C" << 503
    ready(play) >> "LIST" << StartTransfer(TransferKind.LIST, "/home", FACT_NAMES)


def test_pbsz_and_prot_need_tls_and_each_other_in_order() -> None:
    for play in (stranger(offer=BOTH), user(offer=BOTH)):
        play >> "PBSZ 0" << SendReply(replies.AUTH_FIRST)
        play >> "PROT P" << SendReply(replies.AUTH_FIRST)
    play = secured()
    play >> "PROT P" << SendReply(replies.PBSZ_FIRST)
    play >> "PBSZ 0" << 200
    play >> "PROT P" << 200


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("PBSZ 0", 200),
        ("PBSZ 16384", 200),
        ("PBSZ 4294967295", 200),
        ("PBSZ 4294967296", 501),
        ("PBSZ -1", 501),
        ("PBSZ x", 501),
        ("PBSZ ²", 501),
        ("PROT p", 200),
        ("PROT C", 200),
        ("PROT S", 536),
        ("PROT E", 536),
        ("PROT X", 504),
    ],
)
def test_buffers_and_levels(text: str, code: int) -> None:
    protected(offer=BOTH) >> text << code


def test_whatever_buffer_is_asked_for_none_is_needed() -> None:
    secured() >> "PBSZ 16384" << SendReply(replies.Reply(200, ("PBSZ=0",)))


def test_a_level_that_is_refused_changes_nothing() -> None:
    play = ready(protected(offer=BOTH))
    for text in ("PROT S", "PROT E", "PROT X", "PBSZ x"):
        play.conversation.handle(line(text))
    play >> "LIST" << StartTransfer(TransferKind.LIST, "/home", FACT_NAMES, is_private=True)


def test_the_control_connection_stays_under_tls() -> None:
    stranger(offer=BOTH) >> "CCC" << 533
    play = user(protected())
    play >> "CCC" << 534
    assert play.conversation.is_secure


# HOST.


def test_host_chooses_a_server_and_its_banners() -> None:
    play = stranger()
    play >> "AUTH TLS" << 502
    play >> "HOST files.example.com" << ChooseHost("files.example.com")
    play >> HostChosen(OTHER) << SendReply(replies.Reply(220, ("Another.", "Crossdock FTP service ready.")))
    play >> "USER user1" << 331
    play >> "PASS secret" << CHECK
    play >> LoginAdmitted("/home") << SendReply(replies.Reply(230, ("Welcome.", "Logged in.")))


def test_commands_behind_host_are_the_other_servers() -> None:
    play = stranger()
    play >> "HOST files.example.com" << ChooseHost("files.example.com")
    play >> "PBSZ 0"
    play >> "FEAT"
    play >> HostChosen(OTHER) << 220 << 503 << 211


def test_an_unknown_host_is_504_and_nothing_changes() -> None:
    play = stranger()
    play >> "HOST nowhere.example.com" << ChooseHost("nowhere.example.com")
    play >> HostUnknown() << SendReply(replies.HOST_UNKNOWN)
    play >> "AUTH TLS" << 502


@pytest.mark.parametrize("name", ["a", "a.b.", "192.0.2.1", "[2001:db8::1]", "xn--bcher-kva.example"])
def test_names_and_addresses_are_hosts(name: str) -> None:
    stranger() >> f"HOST {name}" << ChooseHost(name)


@pytest.mark.parametrize("name", ["a b", "..", "a/b", "[::1", "bücher.example", " a", "a\tb", "[]"])
def test_other_texts_are_no_hosts(name: str) -> None:
    stranger() >> f"HOST {name}" << 501


def test_host_comes_before_auth_and_user() -> None:
    play = stranger()
    play >> "USER user1" << 331
    play >> "HOST a" << 503
    user() >> "HOST a" << 503
    secured() >> "HOST a" << 503


# REIN.


def test_rein_makes_the_connection_new() -> None:
    play = ready()
    for text in ("TYPE A", "OPTS MLST size;", "EPSV ALL"):
        play >> text << 200
    play >> "REST 7" << 350
    play >> "REIN" << Reinitialise() << 220
    assert not play.conversation.is_admitted
    play >> "PWD" << 530
    user(play) >> "PWD" << SendReply(replies.quoted_path("/home", "is the current directory."))
    play >> "LIST" << 425
    play >> "PASV" << OpenPassive(is_extended=False)
    play >> PassiveReady("10.1.2.3", 8193) << 227
    play >> "RETR a" << StartTransfer(TransferKind.RETRIEVE, "/home/a", FACT_NAMES)


def test_rein_goes_back_to_the_listeners_own_server() -> None:
    play = stranger()
    play >> "HOST files.example.com" << ChooseHost("files.example.com")
    play >> HostChosen(OTHER) << 220
    play >> "REIN" << Reinitialise() << SendReply(replies.SERVICE_READY)
    play >> "AUTH TLS" << 502
    play >> "HOST files.example.com" << ChooseHost("files.example.com")


def test_rein_gives_no_more_guesses() -> None:
    play = stranger(login_attempts=2)
    play >> "USER user1" << 331
    play >> "PASS secret" << CHECK
    play >> LoginRefused() << 530
    play >> "REIN" << Reinitialise() << 220
    play >> "USER user1" << 331
    play >> "PASS secret" << CHECK
    play >> LoginRefused() << 530 << 421 << CloseControl("Too many failed logins, closing the connection.")


def test_rein_waits_for_the_transfer() -> None:
    play = transferring()
    play >> "REIN"
    play >> "ABOR" << AbortTransfer()
    assert play.conversation.is_admitted


def test_rein_under_tls_is_not_offered() -> None:
    play = user(secured())
    play >> "REIN" << 502
    play >> "PWD" << 257
