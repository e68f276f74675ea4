"""How much is measured, what a case is, and what a case may use."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.harness.figures import Kind, Sample
from bench.harness.servers.running import Running


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Counts of the published figures; `QUICK` has those of a trial."""

    size: int = 1 << 30
    runs: int = 5
    small_files: int = 1000
    small_size: int = 4096
    logins: int = 200
    login_concurrency: int = 50
    sessions: int = 200
    many_sessions: int = 10_000
    keys: int = 100_000
    first_bytes: int = 200


QUICK = Plan(
    size=256 << 20,
    runs=1,
    small_files=200,
    logins=50,
    login_concurrency=10,
    sessions=50,
    many_sessions=500,
    keys=5000,
    first_bytes=50,
)


class Start(Protocol):
    def __call__(
        self,
        name: str,
        *,
        folder: Path | None = None,
        wrapper: Sequence[str] = (),
        serve_args: Sequence[str] = (),
    ) -> AbstractContextManager[Running]:
        """A server of that name, fresh; in `folder` instead of on tmpfs. Raises Unavailable.

        Args:
            wrapper: a command that Crossdock is started under.
            serve_args: for `crossdock serve`, after those of all servers.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """`scratch` is on tmpfs, `disk` is not; `prepared` says what a server has.

    Client processes run `client_module` and get `environment` beside ours; `client` names another client for FTP's
    large files, or is empty.
    """

    plan: Plan
    scratch: Path
    disk: Path
    start: Start
    client_module: str
    environment: Mapping[str, str] = field(default_factory=dict)
    client: str = ""
    prepared: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`measure` runs it once on one server. A fresh case starts its own servers and gets only their name.

    Raises ClientFailed or Unavailable: then this run has no figure.
    """

    name: str
    kinds: Sequence[Kind]
    measure: Callable[[Bench, Running], list[Sample]] | None = None
    measure_fresh: Callable[[Bench, str], list[Sample]] | None = None
    only: frozenset[str] = frozenset()
    runs: int | None = None
