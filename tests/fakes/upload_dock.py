"""A service whose users go on with uploads, on a store and a state that outlive it."""

from datetime import timedelta

from tests.fakes.clock import FakeClock
from tests.fakes.filesystems import OWNER, files, make_s3
from tests.fakes.patience import eventually
from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.adapters.memory.state import MemoryState
from crossdock.core.errors import NotFound
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.files.object_filesystem import ObjectFileSystem
from crossdock.files.prefix import UploadStart
from crossdock.files.resumable_uploads import resumable_upload_ids
from crossdock.ports.resumable_uploads import ResumableUpload, UploadOwner

FILE, KEY = "/bucket/home/f", "home/f"


class Dock:
    """A service, started as often as a test likes, on a store and a state that stay."""

    def __init__(self, *, stages: bool = False) -> None:
        self.s3 = make_s3()
        self.state = MemoryState()
        self.clock = FakeClock()
        self.stages = stages
        self.start()

    def start(self) -> None:
        self.uploads = resumable_uploads(self.state, run=str(id(self)), clock=self.clock, keep_for=timedelta(days=1))

    def session(self, *, owner: UploadOwner = OWNER, actions: set[str] | None = None) -> ObjectFileSystem:
        return files(self.s3, actions=actions, stages=self.stages, resumable=self.uploads, owner=owner)

    async def interrupt(self, content: bytes, *, at: UploadStart = 0) -> int:
        """Where it can be resumed; 0 for nowhere."""
        ends: list[int] = []
        upload = await self.session().open_write(FILE, at=at)
        upload.when_ended(lambda end: ends.append(end.resumable_at))
        await upload.write(0, content)
        await upload.interrupted(interruption="reset")
        return ends[0]

    async def be_killed(self, content: bytes) -> None:
        upload = await self.session().open_write(FILE)
        await upload.write(0, content)
        await eventually(lambda: self.s3.parts() == len(content) // BLOCK_SIZE)
        self.start()

    async def sweep(self) -> None:
        async def end(upload: ResumableUpload) -> None:
            self.s3.uploads.pop(upload.upload_id)

        await self.uploads.sweep(end)

    async def uploads_noted(self) -> frozenset[str]:
        return await resumable_upload_ids(self.state)

    async def size(self) -> int | None:
        try:
            return (await self.session().stat(FILE)).size
        except NotFound:
            return None
