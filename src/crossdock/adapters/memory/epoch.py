"""An epoch of this process only."""


class MemoryEpoch:
    """See `ports.host.Epoch`."""

    def __init__(self) -> None:
        self._number = 0

    def current(self) -> int:
        return self._number

    def advance(self) -> None:
        self._number += 1
