"""Uploads at an S3 of somebody else's that a worker begins: noted by the parent, under the S3's name."""

import pytest
from tests.fakes.worker_lines import MemoryLedgers, joined_to, make_parent

from crossdock.adapters.host.workers.remote_ledger import RemoteUploadLedger
from crossdock.core.errors import OutOfSpace
from crossdock.core.homes import ObjectPlace
from crossdock.ports.upload_ledger import BegunUpload

UPLOAD = BegunUpload(place=ObjectPlace(bucket="box", key="a/ü"), upload_id="u-1", role_arn="")


async def test_what_is_begun_is_noted_there_and_forgotten_at_its_end():
    ledgers = MemoryLedgers()
    async with joined_to(make_parent(new_ledgers=lambda: ledgers)) as line:
        here, there = RemoteUploadLedger(line, ""), RemoteUploadLedger(line, "http://s3.example/box")
        await here.note(UPLOAD)
        await there.note(UPLOAD)
        assert {where: ledger.noted for where, ledger in ledgers.items()} == {"": [UPLOAD], there._where: [UPLOAD]}
        await here.forget(UPLOAD)
        assert ledgers[""].noted == []
        assert not ledgers.is_given_back
    assert ledgers.is_given_back, "a dead worker goes on with nothing"


async def test_what_cannot_be_noted_does_not_go_on():
    ledgers = MemoryLedgers()
    ledgers[""].failure = OutOfSpace("the disk is full")
    async with joined_to(make_parent(new_ledgers=lambda: ledgers)) as line:
        with pytest.raises(OutOfSpace, match="the disk is full"):
            await RemoteUploadLedger(line, "").note(UPLOAD)


async def test_a_parent_that_is_gone_hinders_no_end(caplog: pytest.LogCaptureFixture):
    async with joined_to(make_parent()) as line:
        pass
    await RemoteUploadLedger(line, "").forget(UPLOAD)
    assert "still noted" in caplog.text
