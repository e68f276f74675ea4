"""Starts a server in a folder of its own, with its CPU counted."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.harness.accounting import meter
from bench.harness.figures import CROSSDOCK
from bench.harness.servers.running import Adapter, CrossdockAdapter, Running, Workplace


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """The servers of one protocol; see `plan.Start`."""

    crossdock: CrossdockAdapter
    peers: Mapping[str, Adapter]
    scratch: Path
    peers_folder: Path
    serve_args: Sequence[str] = ()

    @contextmanager
    def start(
        self,
        name: str,
        *,
        folder: Path | None = None,
        wrapper: Sequence[str] = (),
        serve_args: Sequence[str] = (),
    ) -> Iterator[Running]:
        adapter: Adapter
        if name == CROSSDOCK:
            adapter = partial(self.crossdock, serve_args=[*self.serve_args, *serve_args], wrapper=wrapper)
        else:
            adapter = self.peers[name]
        roots: list[int] = []
        with (
            TemporaryDirectory(prefix=f"{name}-", dir=folder or self.scratch) as own,
            meter(Path(own).name, roots) as counted,
        ):
            path = Path(own)
            path.chmod(0o755)  # servers that become another user pass through
            place = Workplace(folder=path, peers=self.peers_folder, shared=self.scratch, meter=counted, roots=roots)
            with adapter(place) as running:
                yield running
