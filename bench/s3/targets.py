"""What Crossdock promises in front of an S3: its own cost where the S3 costs nothing, and its place beside others."""

from collections.abc import Sequence

from bench.harness.targets import LimitTarget, PeerTarget, Target

TARGETS: Sequence[Target] = (
    PeerTarget(case="s3-up", at_least=1.0),
    PeerTarget(case="s3-down", at_least=1.0),
    PeerTarget(case="s3-up-sftp", at_least=1.0),
    PeerTarget(case="s3-down-sftp", at_least=1.0),
    LimitTarget(case="s3-up-null-cpu", at_most=1.5, unit="s/GiB"),
    LimitTarget(case="s3-down-null-cpu", at_most=0.9, unit="s/GiB"),
    PeerTarget(case="s3-small-up", at_least=1.5),
    PeerTarget(case="s3-small-down", at_least=1.5),
    PeerTarget(case="s3-small-up-sftp", at_least=1.5),
    PeerTarget(case="s3-small-down-sftp", at_least=1.5),
    LimitTarget(case="s3-up-memory", at_most=64.0, unit="MiB"),
    LimitTarget(case="s3-down-memory", at_most=16.0, unit="MiB"),
    LimitTarget(case="s3-up-50-memory", at_most=320.0, unit="MiB"),
)
"""Of fifty uploads, the memory configured for their parts is 256 MiB: what they have beside is their sockets' and
sessions'."""
