"""The settings of the embedded STS."""

from dataclasses import dataclass

from crossdock.settings.checks import check_longest_session
from crossdock.settings.declare import DAY_S, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class StsSettings:
    """How the embedded cloud hands out credentials of roles."""

    longest_session_s: float = setting(
        0.0,
        "Credentials of roles are good for at most so long, whatever was asked for: to see what software does when "
        "they expire. At least 1; 0 = as AWS has it, 900 seconds at least.",
        low=0,
        high=DAY_S,
        check=check_longest_session,
    )
