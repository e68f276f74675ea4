"""AUTH, PBSZ, PROT and CCC: how a client asks for TLS. Pure.

Sources: RFC 2228 (the commands and their replies), RFC 4217 (how TLS uses them), and for the older names of AUTH the
drafts before RFC 4217 (draft-murray-auth-ftp-ssl).
"""

from collections.abc import Mapping

from crossdock.ftp import replies
from crossdock.ftp.replies import Reply
from crossdock.ftp.standing import Obey, Standing, say
from crossdock.ftp.words import Effect, SendReply, StartTls

_IMPLIES_PRIVATE: Mapping[str, bool] = {"TLS": False, "TLS-C": False, "SSL": True, "TLS-P": True}
"""AUTH's mechanisms, all of them TLS. The drafts gave two of them PBSZ 0 and PROT P, and clients still count on it."""

_MAX_BUFFER = (1 << 32) - 1


def _auth(standing: Standing, argument: str) -> list[Effect]:
    implies_private = _IMPLIES_PRIVATE.get(argument.strip().upper())
    if implies_private is None:
        return say(replies.AUTH_UNKNOWN)
    if standing.is_secure:
        return say(replies.AUTH_AGAIN)
    if standing.is_admitted:
        return say(replies.AUTH_TOO_LATE)
    standing.implies_private = implies_private
    return [SendReply(replies.TLS_STARTS), StartTls()]


def under_tls(before: Standing) -> Standing:
    """What is still known when TLS has begun: nothing that was said in the clear, but for harmless settings."""
    return Standing(
        offer=before.offer,
        options=before.options,
        is_ipv6=before.is_ipv6,
        is_secure=True,
        has_buffer_size=before.implies_private,
        is_private=before.implies_private,
        facts=before.facts,
    )


def _pbsz(standing: Standing, argument: str) -> list[Effect]:
    if not standing.is_secure:
        return say(replies.AUTH_FIRST)
    size = whole_number(argument.strip(), highest=_MAX_BUFFER)
    if size is None:
        return say(replies.BAD_PBSZ)
    standing.has_buffer_size = True
    return say(replies.PBSZ_SET)  # RFC 4217 §9: whatever was asked for, TLS needs no buffer


def _prot(standing: Standing, argument: str) -> list[Effect]:
    if not standing.is_secure:
        return say(replies.AUTH_FIRST)
    if not standing.has_buffer_size:
        return say(replies.PBSZ_FIRST)
    match argument.strip().upper():
        case "P":
            standing.is_private = True
            return say(replies.PROT_PRIVATE)
        case "C" if not standing.offer.allows_plain:
            return say(replies.PROT_CLEAR_REFUSED)
        case "C":
            standing.is_private = False
            return say(replies.PROT_CLEAR)
        case "S" | "E":
            return say(replies.PROT_UNSUPPORTED)
        case _:
            return say(replies.BAD_PARAMETER)


def _ccc(standing: Standing, argument: str) -> list[Effect]:
    return say(replies.CCC_REFUSED if standing.is_secure else replies.CCC_UNPROTECTED)


def data_refusal(standing: Standing) -> Reply | None:
    """RFC 4217 §10: a server that has only FTPS sends no data in the clear."""
    if standing.offer.allows_plain or standing.is_private:
        return None
    return replies.PROT_PRIVATE_FIRST


def whole_number(text: str, *, highest: int) -> int | None:
    """The number that ASCII digits make, if it is not above `highest`."""
    if not (text.isascii() and text.isdigit()) or len(text.lstrip("0")) > len(str(highest)):
        return None
    number = int(text.lstrip("0") or "0")
    return number if number <= highest else None


PROTECTION: Mapping[str, Obey] = {"AUTH": _auth, "PBSZ": _pbsz, "PROT": _prot, "CCC": _ccc}
