"""How long whoever failed waits before the next attempt. Pure."""

LEAST_S = 0.001


def longer(pause_s: float, most_s: float) -> float:
    """The pause after one of `pause_s`: twice as long, and never none, so that no loop spins whose first is none."""
    return min(max(2 * pause_s, LEAST_S), most_s)
