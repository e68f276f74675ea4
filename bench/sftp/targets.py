"""What Crossdock's SFTP promises beside other servers, OpenSSH before all."""

from collections.abc import Sequence

from bench.harness.targets import CeilingTarget, LimitTarget, PeerTarget, Target

OPENSSH = "openssh"

TARGETS: Sequence[Target] = (
    PeerTarget(case="sftp-down", at_least=1.5, peer=OPENSSH),
    PeerTarget(case="sftp-up", at_least=1.5, peer=OPENSSH),
    PeerTarget(case="sftp-down-chacha20", at_least=1.0, peer=OPENSSH),
    PeerTarget(case="sftp-up-chacha20", at_least=1.0, peer=OPENSSH),
    CeilingTarget(case="sftp-down-2", single="sftp-down", at_least=0.85),
    CeilingTarget(case="sftp-up-2", single="sftp-up", at_least=0.85),
    PeerTarget(case="sftp-small-up", at_least=0.6, peer=OPENSSH),
    PeerTarget(case="sftp-small-down", at_least=0.9, peer=OPENSSH),
    PeerTarget(case="sftp-logins", at_least=5.0, peer=OPENSSH),
    PeerTarget(case="sftp-logins-20", at_least=5.0, peer=OPENSSH),
    LimitTarget(case="sftp-sessions-10000", at_most=2048.0, unit="MiB"),
)
