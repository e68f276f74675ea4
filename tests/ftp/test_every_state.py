"""Every command in every state: one table, and beside it that each command gets exactly one final reply."""

from collections.abc import Callable, Mapping

import pytest
from tests.fakes.playbook import BOTH, EVERYTHING, FILE, FTPS_ONLY, Playbook, line, ready, secured, stranger, user

from crossdock.ftp.commands import VERBS
from crossdock.ftp.listing import FACT_NAMES
from crossdock.ftp.words import (
    AbortTransfer,
    Activity,
    AskFile,
    CheckLogin,
    ChooseHost,
    CloseControl,
    ClosePassive,
    Effect,
    Event,
    FileAnswered,
    FileOperation,
    HostChosen,
    LoginAdmitted,
    Offer,
    OpenPassive,
    PassiveReady,
    Reinitialise,
    SendReply,
    SendText,
    StartTls,
    StartTransfer,
    TlsStarted,
    TransferCompleted,
    TransferKind,
    TransferOpened,
)

OFFER = Offer(allows_tls=True, setstat_is_no_op=True)


def named() -> Playbook:
    play = stranger(offer=OFFER)
    play >> "USER user1" << 331
    return play


def renaming() -> Playbook:
    play = user(offer=OFFER)
    play >> "RNFR a" << AskFile(FileOperation.RENAME_FROM, "/home/a")
    play >> FileAnswered(FILE) << 350
    return play


def resting() -> Playbook:
    play = ready(offer=OFFER)
    play >> "REST 7" << 350
    return play


def epsv_only() -> Playbook:
    play = user(offer=OFFER)
    play >> "EPSV ALL" << 200
    return play


def private() -> Playbook:
    play = ready(secured(offer=FTPS_ONLY))
    play >> "PBSZ 0" << 200
    play >> "PROT P" << 200
    return play


def asking() -> Playbook:
    play = user(offer=OFFER)
    play >> "CWD a" << AskFile(FileOperation.CHANGE_DIRECTORY, "/home/a")
    return play


def waiting() -> Playbook:
    play = ready(offer=OFFER)
    play >> "STOR a" << StartTransfer(TransferKind.STORE, "/home/a", FACT_NAMES)
    return play


def sending() -> Playbook:
    play = waiting()
    play >> TransferOpened() << 150
    return play


STATES: Mapping[str, Callable[[], Playbook]] = {
    "first": lambda: stranger(offer=OFFER),
    "FTPS": lambda: stranger(offer=FTPS_ONLY),
    "named": named,
    "secure": lambda: secured(offer=FTPS_ONLY),
    "user": lambda: user(offer=OFFER),
    "ready": lambda: ready(offer=OFFER),
    "clear": lambda: ready(secured(offer=FTPS_ONLY)),
    "protP": private,
    "rename": renaming,
    "rest": resting,
    "epsv": epsv_only,
    "asking": asking,
    "begun": waiting,
    "sends": sending,
    "all": lambda: ready(offer=BOTH, options=EVERYTHING),
}
"""`FTPS` is a stranger to a server without plain FTP, `clear` a user under TLS who has not said PROT P, `epsv` one who
said EPSV ALL, `begun` a transfer that is not open yet, `all` a user who may append."""

LINES: Mapping[str, str] = {
    "USER": "USER user1",
    "PASS": "PASS secret",
    "HOST": "HOST a.example",
    "AUTH": "AUTH TLS",
    "PBSZ": "PBSZ 0",
    "PROT": "PROT P",
    "OPTS": "OPTS UTF8 ON",
    "TYPE": "TYPE I",
    "MODE": "MODE S",
    "STRU": "STRU F",
    "REST": "REST 7",
    "ALLO": "ALLO 7",
    "SITE": "SITE HELP",
    "MFMT": "MFMT 20260315004709 a",
    "CLNT": "CLNT a",
    **{
        name: f"{name} a"
        for name in ("CWD", "SIZE", "MDTM", "RETR", "STOR", "APPE", "DELE", "MKD", "RMD", "RNFR", "RNTO")
    },
    "PORT": "PORT 127,0,0,1,4,1",
    "EPRT": "EPRT |1|127.0.0.1|1025|",
}
"""A verb with an argument that its rule allows; the others need none."""

TABLE = """
     first  FTPS   named  secure user   ready  clear  protP  rename rest   epsv   asking begun  sends  all
USER 331    530    331    331    530    530    530    530    530    530    530    -      -      -      530
PASS 503    503    login  503    503    503    503    503    503    503    503    -      -      -      503
REIN new220 new220 new220 502    new220 new220 502    502    new220 new220 new220 -      -      -      new220
QUIT 221bye 221bye 221bye 221bye 221bye 221bye 221bye 221bye 221bye 221bye 221bye -      -      -      221bye
HOST host   host   503    503    503    503    503    503    503    503    503    -      -      -      503
AUTH 234tls 234tls 234tls 534    534    534    534    534    534    534    534    -      -      -      534
PBSZ 503    503    503    200    503    503    200    200    503    503    503    -      -      -      503
PROT 503    503    503    503    503    503    503    200    503    503    503    -      -      -      503
CCC  533    533    533    534    533    533    534    534    533    533    533    -      -      -      533
SYST 215    215    215    215    215    215    215    215    215    215    215    -      -      -      215
FEAT 211    211    211    211    211    211    211    211    211    211    211    -      -      -      211
OPTS 200    200    200    200    200    200    200    200    200    200    200    -      -      -      200
HELP 214    214    214    214    214    214    214    214    214    214    214    -      -      -      214
LANG 200    200    200    200    200    200    200    200    200    200    200    -      -      -      200
CLNT 200    200    200    200    200    200    200    200    200    200    200    -      -      -      200
NOOP 200    200    200    200    200    200    200    200    200    200    200    -      -      200    200
SITE 530    530    530    530    214    214    214    214    214    214    214    -      -      -      214
STAT 530    530    530    530    211    211    211    211    211    211    211    -      -      211    211
TYPE 200    200    200    200    200    200    200    200    200    200    200    -      -      -      200
MODE 200    200    200    200    200    200    200    200    200    200    200    -      -      -      200
STRU 200    200    200    200    200    200    200    200    200    200    200    -      -      -      200
PASV 530    530    530    530    open   open   open   open   open   open   503    -      -      -      open
EPSV 530    530    530    530    open   open   open   open   open   open   open   -      -      -      open
REST 530    530    530    530    350    350    350    350    350    350    350    -      -      -      350
ALLO 530    530    530    530    200    200    200    200    200    200    200    -      -      -      200
PWD  530    530    530    530    257    257    257    257    257    257    257    -      -      -      257
CWD  530    530    530    530    ask    ask    ask    ask    ask    ask    ask    -      -      -      ask
CDUP 530    530    530    530    ask    ask    ask    ask    ask    ask    ask    -      -      -      ask
LIST 530    530    530    530    425    send   521    send   425    send   425    -      -      -      send
NLST 530    530    530    530    425    send   521    send   425    send   425    -      -      -      send
MLSD 530    530    530    530    425    send   521    send   425    send   425    -      -      -      send
MLST 530    530    530    530    ask    ask    ask    ask    ask    ask    ask    -      -      -      ask
SIZE 530    530    530    530    ask    ask    ask    ask    ask    ask    ask    -      -      -      ask
MDTM 530    530    530    530    ask    ask    ask    ask    ask    ask    ask    -      -      -      ask
MFMT 530    530    530    530    ask    ask    550    550    ask    ask    ask    -      -      -      550
RETR 530    530    530    530    425    send   521    send   425    send   425    -      -      -      send
STOR 530    530    530    530    425    send   521    send   425    554    425    -      -      -      send
APPE 502    502    502    502    502    502    502    502    502    502    502    -      -      -      send
STOU 530    530    530    530    425    send   521    send   425    554    425    -      -      -      send
ABOR 530    530    530    530    226    cut226 cut226 cut226 226    cut226 226    -      abort  abort  cut226
DELE 530    530    530    530    ask    ask    ask    ask    ask    ask    ask    -      -      -      ask
MKD  530    530    530    530    ask    ask    ask    ask    ask    ask    ask    -      -      -      ask
RMD  530    530    530    530    ask    ask    ask    ask    ask    ask    ask    -      -      -      ask
RNFR 530    530    530    530    ask    ask    ask    ask    ask    ask    ask    -      -      -      ask
RNTO 530    530    530    530    503    503    503    503    ask    503    503    -      -      -      503
PORT 502    502    502    502    502    502    502    502    502    502    502    -      -      -      502
EPRT 502    502    502    502    502    502    502    502    502    502    502    -      -      -      502
ACCT 502    502    502    502    502    502    502    502    502    502    502    -      -      -      502
SMNT 502    502    502    502    502    502    502    502    502    502    502    -      -      -      502
ADAT 502    502    502    502    502    502    502    502    502    502    502    -      -      -      502
CONF 502    502    502    502    502    502    502    502    502    502    502    -      -      -      502
ENC  502    502    502    502    502    502    502    502    502    502    502    -      -      -      502
MIC  502    502    502    502    502    502    502    502    502    502    502    -      -      -      502
MFCT 502    502    502    502    502    502    502    502    502    502    502    -      -      -      502
MFF  502    502    502    502    502    502    502    502    502    502    502    -      -      -      502
"""
"""What a command leads to: a code, an activity, `-` when it waits its turn."""

SIGNS: Mapping[type, str] = {
    StartTls: "tls",
    ChooseHost: "host",
    CheckLogin: "login",
    OpenPassive: "open",
    AskFile: "ask",
    StartTransfer: "send",
    AbortTransfer: "abort",
    ClosePassive: "cut",
    Reinitialise: "new",
    CloseControl: "bye",
}


def sign(effect: Effect) -> str:
    return str(effect.reply.code) if isinstance(effect, SendReply) else SIGNS[type(effect)]


def outcome(state: str, verb: str) -> str:
    effects = STATES[state]().conversation.handle(line(LINES.get(verb, verb)))
    return "".join(map(sign, effects)) or "-"


def expected() -> dict[tuple[str, str], str]:
    head, *rows = TABLE.strip("\n").splitlines()
    cells = {}
    for row in rows:
        verb, *outcomes = row.split()
        cells |= {(state, verb): found for state, found in zip(head.split(), outcomes, strict=True)}
    return cells


def test_the_table_has_every_command_and_every_state() -> None:
    assert set(expected()) == {(state, verb) for state in STATES for verb in VERBS}


@pytest.mark.parametrize("state", STATES)
def test_what_a_command_leads_to(state: str) -> None:
    wanted = {verb: found for (column, verb), found in expected().items() if column == state}
    assert {verb: outcome(state, verb) for verb in VERBS} == wanted


ANSWERS: Mapping[type, tuple[Event, ...]] = {
    StartTls: (TlsStarted(),),
    ChooseHost: (HostChosen(OFFER),),
    CheckLogin: (LoginAdmitted("/home"),),
    OpenPassive: (PassiveReady("127.0.0.1", 8192),),
    AskFile: (FileAnswered(FILE),),
    StartTransfer: (TransferOpened(), TransferCompleted()),
}


def play_out(play: Playbook, effects: list[Effect]) -> list[Effect]:
    """Everything that comes of effects, when whatever they begin goes well."""
    found: list[Effect] = []
    while effects:
        effect = effects.pop(0)
        found.append(effect)
        if isinstance(effect, Activity):
            for event in ANSWERS[type(effect)]:
                effects += play.conversation.handle(event)
    return found


def final_codes(effects: list[Effect]) -> list[int]:
    return [effect.reply.code for effect in effects if isinstance(effect, SendReply) and effect.reply.code >= 200]


AT_REST = [state for state in STATES if state not in ("asking", "begun", "sends")]


@pytest.mark.parametrize("state", AT_REST)
def test_each_command_gets_exactly_one_final_reply(state: str) -> None:
    for verb in VERBS:
        play = STATES[state]()
        effects = play_out(play, play.conversation.handle(line(LINES.get(verb, verb))))
        assert len(final_codes(effects)) == 1, (verb, effects)
        assert not any(isinstance(effect, SendText) for effect in effects)


@pytest.mark.parametrize(
    ("state", "ending"),
    [
        ("asking", (FileAnswered(FILE),)),
        ("begun", (TransferOpened(), TransferCompleted())),
        ("sends", (TransferCompleted(),)),
    ],
)
def test_what_waits_is_answered_in_its_turn_as_if_it_had_come_then(state: str, ending: tuple[Event, ...]) -> None:
    for verb in VERBS:
        if outcome(state, verb) != "-":
            continue
        text = line(LINES.get(verb, verb))
        late, punctual = STATES[state](), STATES[state]()
        assert late.conversation.handle(text) == []
        effects = [effect for event in ending for effect in late.conversation.handle(event)]
        before = [effect for event in ending for effect in punctual.conversation.handle(event)]
        assert effects == before + punctual.conversation.handle(text), verb
