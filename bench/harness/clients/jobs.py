"""What the client is told, and what it tells back: one JSON object a line, so that both sides are other processes."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

READY = "ready"
GO = "go"
END = "end"


class ClientFailed(Exception):
    """A client did not do its job; the message is what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """How a server is reached, and as whom. `folder` is where the user's files are, if a session begins elsewhere.

    Over SSH: `key` is the file of the user's private key, `cipher` the only one that the client offers.
    """

    host: str
    port: int
    user: str
    password: str = field(default="", repr=False)
    is_tls: bool = False
    folder: str = ""
    key: str = ""
    cipher: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`what` names one of the JOBS of a client's `__main__.py`; the meaning of the rest is told there."""

    what: str
    endpoint: Endpoint
    path: str = ""
    size: int = 0
    count: int = 1
    concurrency: int = 1
    sources: tuple[str, ...] = ()

    def to_line(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Times are seconds of the monotonic clock, which all processes of a machine share; `began_at` is the time of day.

    `figures` holds what only one kind of job has: `first_s` of a listing, `median_s` of many.
    """

    began: float
    ended: float
    began_at: float
    nbytes: int
    cpu_s: float
    figures: dict[str, float] = field(default_factory=dict)
    cipher: str = ""

    def to_line(self) -> str:
        return json.dumps(asdict(self))


def parse_job(line: str) -> Job:
    found: dict[str, Any] = json.loads(line)
    return Job(**{**found, "endpoint": Endpoint(**found["endpoint"]), "sources": tuple(found["sources"])})


def parse_outcome(line: str) -> Outcome:
    return Outcome(**json.loads(line))
