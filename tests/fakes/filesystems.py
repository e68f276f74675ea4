"""File systems over S3 in memory, in each kind of home."""

from tests.fakes.blocks import make_pool
from tests.fakes.clock import FakeClock
from tests.fakes.object_store import Allows, MemoryS3

from crossdock.core.homes import HomeDirectory, HomeMapping, LogicalHome, MappingType, PathHome
from crossdock.core.servers import InterruptedUploads
from crossdock.files.filesystem import FileSystem
from crossdock.files.object_filesystem import ObjectFileSystem, upload_metadata
from crossdock.files.prefix import UploadStart
from crossdock.files.resuming import Resuming
from crossdock.ports.resumable_uploads import ResumableUploads, UploadOwner

METADATA = upload_metadata("user1", "s-0123456789abcdef0")
OWNER = UploadOwner(server_id="s-0123456789abcdef0", username="user1", role_arn="arn:aws:iam::111111111111:role/r")
PATH = PathHome(root="/bucket/home")
ROOT = LogicalHome(mappings=(HomeMapping(entry="/", target="/bucket/home"),))
TREE = LogicalHome(
    mappings=(
        HomeMapping(entry="/in", target="/bucket/inbox"),
        HomeMapping(entry="/out/2026", target="/second-bucket"),
        HomeMapping(entry="/in/shared", target="/second-bucket/shared"),
        HomeMapping(entry="/readme", target="/second-bucket/texts/readme.txt", type=MappingType.FILE),
    )
)


def make_s3() -> MemoryS3:
    """With the two buckets that the homes lead to."""
    s3 = MemoryS3()
    s3.add_bucket("bucket")
    s3.add_bucket("second-bucket")
    return s3


def files(
    s3: MemoryS3,
    home: HomeDirectory = PATH,
    *,
    actions: set[str] | None = None,
    allows: Allows | None = None,
    stages: bool = False,
    kept: InterruptedUploads = InterruptedUploads.DISCARD,
    resumable: ResumableUploads | None = None,
    owner: UploadOwner = OWNER,
) -> ObjectFileSystem:
    """With `resumable`, `owner` can go on with what was interrupted."""
    store = s3.store(actions=actions, allows=allows, stages=stages)
    resuming = None
    if resumable is not None:
        resuming = Resuming(resumable, owner=owner, store=store, metadata=METADATA, clock=FakeClock())
        kept = InterruptedUploads.RESUME
    return ObjectFileSystem(home=home, store=store, metadata=METADATA, blocks=make_pool(), kept=kept, resuming=resuming)


async def names(fs: FileSystem, path: str) -> list[str]:
    return [entry.name + ("/" if entry.attributes.is_directory else "") async for entry in fs.list(path)]


async def store_file(fs: FileSystem, path: str, content: bytes, *, at: UploadStart = 0) -> None:
    upload = await fs.open_write(path, at=at)
    await upload.write(0, content)
    await upload.commit()
