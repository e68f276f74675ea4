"""What Crossdock's FTP promises beside other servers."""

from collections.abc import Sequence

from bench.harness.targets import CeilingTarget, LimitTarget, PeerTarget, Target

TARGETS: Sequence[Target] = (
    PeerTarget(case="down", at_least=1.0),
    PeerTarget(case="up", at_least=1.0),
    PeerTarget(case="down-tls", at_least=1.3),
    PeerTarget(case="up-tls", at_least=1.3),
    PeerTarget(case="small-up", at_least=0.9),
    PeerTarget(case="small-down", at_least=0.9),
    CeilingTarget(case="down-2", single="down", at_least=0.85),
    CeilingTarget(case="up-2", single="up", at_least=0.85),
    PeerTarget(case="down-2", at_least=1.0),
    PeerTarget(case="up-2", at_least=1.0),
    LimitTarget(case="sessions-10000", at_most=1024.0, unit="MiB"),
    LimitTarget(case="list-100000-first", at_most=0.2, unit="s"),
    LimitTarget(case="list-100000-all", at_most=3.0, unit="s"),
)
