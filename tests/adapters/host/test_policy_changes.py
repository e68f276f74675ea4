"""A policy that one process of the host changes binds the next decision of another that had it in memory."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.fakes.cloud import HUB, ORIGIN, REGION, CloudParts, admin_of, make_operations, make_parts
from tests.fakes.documents import allowing, denying, trusting
from tests.fakes.identity import Identities

from crossdock.adapters.host.epoch import MmapEpoch
from crossdock.adapters.host.sql_state import open_state
from crossdock.operations.operation import Permission

ANOTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from tests.adapters.host.test_policy_changes import change_the_policy
asyncio.run(change_the_policy(Path(sys.argv[1]), sys.argv[2]))
"""
REPOSITORY = Path(__file__).resolve().parents[3]
FILE = Permission(action="s3:PutObject", resource="arn:aws:s3:::hub-files/a.csv")


async def identities(parts: CloudParts) -> Identities:
    hub, partner = await admin_of(parts, "hub"), await admin_of(parts, "partner")
    return Identities(parts=parts, operations=make_operations(parts), hub=hub, partner=partner)


async def change_the_policy(data_dir: Path, document: str) -> None:
    """What the other process does: IAM's own operation on the same files."""
    state, epoch = await open_state(data_dir / "state.db"), MmapEpoch(data_dir / "epoch")
    try:
        house = await identities(make_parts(state, epoch))
        await house.iam("PutRolePolicy", RoleName="Upload", PolicyName="files", PolicyDocument=document)
    finally:
        epoch.close()
        await state.close()


async def test_a_policy_that_another_process_changes_binds_the_next_decision(tmp_path: Path) -> None:
    state, epoch = await open_state(tmp_path / "state.db"), MmapEpoch(tmp_path / "epoch")
    house = await identities(make_parts(state, epoch))
    role = await house.role("Upload", trusting({"AWS": HUB}))
    await house.iam("PutRolePolicy", RoleName="Upload", PolicyName="files", PolicyDocument=allowing("s3:*"))
    session = await house.session(role["Arn"])
    asking = house.operations.begin(
        "sts", "GetCallerIdentity", {}, caller=session, account_id=HUB, region=REGION, origin=ORIGIN
    )

    async def is_allowed() -> bool:
        return (await house.operations.decide(asking, FILE)).is_allowed

    assert await is_allowed()
    reads = house.parts.state.reads
    assert await is_allowed()
    assert house.parts.state.reads == reads, "the second decision was not made from memory"
    for document, expected in ((denying("s3:*"), False), (allowing("s3:Put*"), True)):
        command = [sys.executable, "-c", ANOTHER_PROCESS, str(tmp_path), document]
        await asyncio.to_thread(subprocess.run, command, cwd=REPOSITORY, check=True)
        assert await is_allowed() is expected
    epoch.close()
    await state.close()
