"""Sessions with something going wrong in each: which fault, and what may be found afterwards. Those of FTP."""

import ftplib
import io
import random
import ssl
from dataclasses import dataclass

from tests.e2e.quay import USER, Quay
from tests.fakes.certificates import client_context
from tests.fakes.fault_proxy import AfterBytes, AfterLines, AtReply, Channel, Deed, Fault, FaultProxy, Way
from tests.fakes.ftps_client import ResumingFtpTls

SIZES = (10, 70_000, 400_000, 6_000_000)
HANDSHAKE_BYTES = 2500
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfortune:
    """An upload over something or nothing, or a download; with or without TLS."""

    name: str
    fault: Fault
    is_upload: bool
    is_private: bool = False
    old: bytes | None
    new: bytes

    @property
    def may_be(self) -> tuple[bytes | None, ...]:
        """What may be stored at any moment from now on; None is nothing."""
        return (self.old, self.new) if self.is_upload else (self.old,)


def draw(seed: int, number: int) -> Misfortune:
    choices = random.Random(f"{seed} {number}")
    is_upload, is_private = choices.random() < 0.7, choices.random() < 0.5
    content = choices.randbytes(choices.choice(SIZES))
    other = choices.randbytes(1000) if choices.random() < 0.5 else None
    return Misfortune(
        name=f"faults/{seed}/{number}",
        fault=_fault(choices, len(content), is_upload=is_upload, is_private=is_private),
        is_upload=is_upload,
        is_private=is_private,
        old=other if is_upload else content,
        new=content,
    )


def _fault(choices: random.Random, size: int, *, is_upload: bool, is_private: bool) -> Fault:
    deed = choices.choices((Deed.FIN, Deed.RST, Deed.STALL, Deed.SLOW), weights=(4, 4, 1, 1))[0]
    takes_all = choices.random() < 0.3
    if takes_all and deed is Deed.FIN and not is_private and not is_upload:
        deed = Deed.RST  # this is how FTP marks the end of a file: a client could not tell such a cut from it
    if choices.random() < 0.5:
        way = choices.choice((Way.UP, Way.DOWN))
        point: AfterBytes | AfterLines | AtReply = AfterLines(choices.randint(0, 9))
        if is_private and choices.random() < 0.7:
            point = AfterBytes(choices.randrange(HANDSHAKE_BYTES))
        elif not is_private and choices.random() < 0.5:
            way, point = Way.DOWN, AtReply(choices.choice((b"150", b"226")), choices.random() < 0.5)
        return Fault(Channel.CONTROL, way, point, deed, takes_all)
    if deed is Deed.FIN and not is_private:
        deed = Deed.RST  # likewise
    way = Way.UP if is_upload else Way.DOWN
    place = choices.choice((0, 1, choices.randrange(HANDSHAKE_BYTES), choices.randrange(size), size - 1))
    if is_private and choices.random() < 0.2:
        way, place = choices.choice((Way.UP, Way.DOWN)), choices.randrange(600)
    return Fault(Channel.DATA, way, AfterBytes(place), deed, takes_all)


def suffer(misfortune: Misfortune, proxy: FaultProxy, quay: Quay) -> bytes | None:
    """Be the client, in a thread: what it holds for transferred, None when it knows that it failed."""
    ftp = ftplib.FTP(timeout=PATIENCE_S)
    if misfortune.is_private:
        context = client_context()
        context.check_hostname = False  # the proxy has no name
        ftp = ResumingFtpTls(context=context, timeout=PATIENCE_S)
    try:
        ftp.connect(proxy.host, quay.port)
        ftp.login(USER, quay.password)
        if isinstance(ftp, ResumingFtpTls):
            ftp.prot_p()
        return _transfer(ftp, misfortune)
    except (*ftplib.all_errors, ssl.SSLError):
        return None
    finally:
        ftp.close()


def _transfer(ftp: ftplib.FTP, misfortune: Misfortune) -> bytes:
    if misfortune.is_upload:
        ftp.storbinary(f"STOR {misfortune.name}", io.BytesIO(misfortune.new), 65_536)
        return misfortune.new
    taken = bytearray()
    ftp.retrbinary(f"RETR {misfortune.name}", taken.extend, 65_536)
    return bytes(taken)
