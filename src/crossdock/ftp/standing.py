"""What a conversation remembers from one command to the next. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field

from crossdock.core.homes import normalise
from crossdock.ftp.commands import Need, Verb
from crossdock.ftp.listing import FACT_NAMES
from crossdock.ftp.replies import Reply
from crossdock.ftp.words import Effect, Offer, Options, SendReply


@dataclass(slots=True, kw_only=True)
class Standing:
    """`offer`, `options` and `is_ipv6` are given; `is_secure` says whether the control connection is under TLS.

    `offered` is the verb directly before when another may follow it up: PASS follows USER and takes `username`, RNTO
    follows RNFR and takes `rename_from`, a directory where `renames_directory` says so. `directory` is where relative
    paths begin.

    `implies_private`: the AUTH under way asks for private data connections, too. `has_buffer_size` is PBSZ,
    `is_private` PROT P. `restart_at` (REST) and `announced_size` (ALLO) are for the next transfer, whichever it is.
    """

    offer: Offer = field(default_factory=Offer)
    options: Options = field(default_factory=Options)
    is_ipv6: bool = False
    is_secure: bool = False
    is_admitted: bool = False
    username: str = ""
    directory: str = "/"
    rename_from: str = ""
    renames_directory: bool = False
    offered: str = ""
    has_passive: bool = False
    is_epsv_only: bool = False
    is_ascii: bool = False
    implies_private: bool = False
    has_buffer_size: bool = False
    is_private: bool = False
    restart_at: int = 0
    announced_size: int | None = None
    facts: tuple[str, ...] = FACT_NAMES

    @property
    def allows_append(self) -> bool:
        """By the operator's word for all servers, or because uploads of this one can be gone on with."""
        return self.options.allows_append or self.offer.resumes_uploads

    def absolute(self, path: str) -> str:
        return normalise(path, start=self.directory)

    def serves(self, verb: Verb) -> bool:
        match verb.need:
            case Need.TLS:
                return self.offer.allows_tls
            case Need.RESTART:
                return self.options.allows_restart or self.allows_append
            case Need.APPEND:
                return self.allows_append
            case Need.NOTHING:
                return True


Obey = Callable[[Standing, str], list[Effect]]
"""Carries out a command: what it gets is the command's argument, the last of what it returns may be an activity."""


def say(reply: Reply) -> list[Effect]:
    return [SendReply(reply)]


def always(reply: Reply) -> Obey:
    return lambda standing, argument: say(reply)
