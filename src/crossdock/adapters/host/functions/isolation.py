"""Which uid a function runs as, and the sentence that says so at start-up.

A service that is root runs the functions of each account under a uid of that account's own, if the interpreter can be
used by such a uid: one below /root, say, cannot. That is tried once, not assumed. A service that is not root cannot
give its functions another uid; then whoever may create functions is trusted with the service's user.
"""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from crossdock.adapters.host.functions.code import remove_tree

FIRST_UID = 600_000
UID_COUNT = 1_000_000
"""Above what useradd, subuid ranges of a first user and systemd's dynamic users take by default."""

_PROBE_TIMEOUT_S = 20.0
_PROBE = (
    "import os, sys, importlib.util, awslambdaric.bootstrap\n"
    "os.stat(sys.argv[1] + '/.')\n"
    "sys.exit(0 if importlib.util.find_spec('boto3') else 'boto3 is not installed')\n"
)
_ELSEWHERE_PREFIX = "crossdock-functions-"


class Isolation:
    """Call `start` once before anything else; then `directory` is where code and scratch directories may lie."""

    def __init__(self, directory: Path, *, interpreters: Sequence[str]) -> None:
        self._home = directory
        self._interpreters = interpreters
        self._usable: set[str] = set()
        self._uids: dict[str, int] = {}
        self.directory = directory
        self.sentence = ""

    async def start(self) -> None:
        await asyncio.to_thread(self._remove_elsewhere)
        if os.getuid() != 0:
            self.sentence = (
                "functions run as the user of this service: whoever may create functions is trusted with that user"
            )
            return
        self.directory = await asyncio.to_thread(self._make_elsewhere)
        refusals = [refusal for path in self._interpreters if (refusal := await self._refusal(path))]
        if not self._usable:
            await asyncio.to_thread(self._remove_elsewhere)
            self.directory = self._home
        if refusals:
            self.sentence = (
                "functions run as root: whoever may create functions is trusted with this computer "
                f"({'; '.join(refusals)})"
            )
        else:
            self.sentence = f"functions run as one unprivileged uid per account, from {FIRST_UID} on"

    def uid_for(self, account_id: str, interpreter: str) -> int | None:
        """The account's uid, which is also its gid; None for the service's own."""
        if interpreter not in self._usable:
            return None
        if account_id not in self._uids:
            taken = set(self._uids.values())
            offset = int.from_bytes(sha256(account_id.encode()).digest()[:8])
            while (uid := FIRST_UID + offset % UID_COUNT) in taken:
                offset += 1
            self._uids[account_id] = uid
        return self._uids[account_id]

    async def close(self) -> None:
        await asyncio.to_thread(self._remove_elsewhere)

    async def _refusal(self, interpreter: str) -> str:
        """Try an interpreter under a uid that owns nothing; empty when it can be used so."""
        uid = FIRST_UID + UID_COUNT
        try:
            process = await asyncio.create_subprocess_exec(
                interpreter,
                "-c",
                _PROBE,
                str(self.directory),
                user=uid,
                group=uid,
                extra_groups=[],
                env={},
                cwd="/",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            return f"an unprivileged uid cannot start {interpreter}: {error.strerror}"
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                _, said = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return f"{interpreter} did not answer an unprivileged uid within {_PROBE_TIMEOUT_S:.0f} seconds"
        if process.returncode == 0:
            self._usable.add(interpreter)
            return ""
        words = said.decode(errors="replace").strip().splitlines() or [f"exit status {process.returncode}"]
        return f"an unprivileged uid cannot use {interpreter}: {words[-1][:200]}"

    def _make_elsewhere(self) -> Path:
        """A directory that other uids can pass through: the data directory is 0700, and so is much above it.

        Its place is noted, so that what a killed service leaves is removed at the next start.
        """
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        elsewhere = Path(tempfile.mkdtemp(prefix=_ELSEWHERE_PREFIX))
        self._note().write_text(str(elsewhere))
        elsewhere.chmod(0o711)
        return elsewhere

    def _remove_elsewhere(self) -> None:
        note = self._note()
        if not note.exists():
            return
        elsewhere = Path(note.read_text())
        if elsewhere.name.startswith(_ELSEWHERE_PREFIX) and elsewhere.is_dir() and not elsewhere.is_symlink():
            remove_tree(elsewhere)
        note.unlink()

    def _note(self) -> Path:
        return self._home / "elsewhere"
