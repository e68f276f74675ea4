"""What lies in the data directory, opened as the service does: what is made once, and missed ever after."""

import shutil

import pytest

from crossdock.adapters.host.data_directory import FORMAT, DataDirectoryUnusable
from crossdock.adapters.host.sealing import KeyUnusable, load_or_create_key
from crossdock.app import disk
from crossdock.app.disk import open_disk
from crossdock.settings import Settings

STEPS = ("open_state", "open_object_database", "open_log_events", "MmapEpoch", "_key", "require_kept_key")


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "data")


async def open_and_close(settings):
    async with open_disk(settings, command="test"):
        pass


def blobs(settings):
    return [path.name for path in (settings.data_dir / "blobs").rglob("*") if path.is_file()]


async def a_directory_with_a_blob(settings):
    async with open_disk(settings, command="test") as opened:
        staged = await opened.blobs.stage()
        await staged.write(b"of an object")
        await staged.seal()


@pytest.mark.parametrize("lost", ["objects.db", "state.db"])
@pytest.mark.parametrize("is_empty", [False, True])
async def test_no_blob_is_swept_for_an_index_that_was_lost(settings, lost, is_empty):
    await a_directory_with_a_blob(settings)
    kept = blobs(settings)
    (settings.data_dir / lost).unlink()
    if is_empty:
        (settings.data_dir / lost).touch()
    with pytest.raises(DataDirectoryUnusable, match=f"{lost} is {'empty' if is_empty else 'missing'}"):
        await open_and_close(settings)
    assert blobs(settings) == kept != []


async def test_a_key_that_was_lost_is_not_made_anew(settings):
    await open_and_close(settings)
    key = settings.data_dir / "keys" / "sealing.key"
    kept = key.read_bytes()
    key.unlink()
    with pytest.raises(KeyUnusable, match=f"{key} is missing.*restore it from the backup.*key_file"):
        await open_and_close(settings)
    assert not key.exists()
    key.write_bytes(kept)
    key.chmod(0o600)
    await open_and_close(settings)


async def test_another_key_is_refused(settings, tmp_path):
    await open_and_close(settings)
    load_or_create_key(tmp_path / "other.key")
    with pytest.raises(KeyUnusable, match=f"the key {tmp_path}/other.key is another one"):
        await open_and_close(Settings(data_dir=settings.data_dir, key_file=tmp_path / "other.key"))
    (settings.data_dir / "keys" / "sealing.key").rename(tmp_path / "moved.key")
    await open_and_close(Settings(data_dir=settings.data_dir, key_file=tmp_path / "moved.key"))


async def test_a_key_that_lies_elsewhere_is_never_made(settings, tmp_path):
    elsewhere = Settings(data_dir=settings.data_dir, key_file=tmp_path / "sealing.key")
    with pytest.raises(KeyUnusable, match="cannot read the key file"):
        await open_and_close(elsewhere)
    load_or_create_key(tmp_path / "sealing.key")
    await open_and_close(elsewhere)
    assert list((settings.data_dir / "keys").iterdir()) == []
    with pytest.raises(KeyUnusable, match="is missing"):
        await open_and_close(settings)


@pytest.mark.parametrize("cut_off_at", STEPS)
async def test_a_first_start_that_is_cut_off_anywhere_can_be_done_again(settings, cut_off_at, monkeypatch):
    def cut_off(*_arguments, **_options):
        raise KeyError(cut_off_at)

    with monkeypatch.context() as during:
        during.setattr(disk, cut_off_at, cut_off)
        with pytest.raises(KeyError, match=cut_off_at):
            await open_and_close(settings)
    await open_and_close(settings)
    assert (settings.data_dir / "format").read_text() == f"{FORMAT}\n"
    await open_and_close(settings)


async def test_a_copy_of_a_directory_opens(settings, tmp_path):
    await a_directory_with_a_blob(settings)
    shutil.copytree(settings.data_dir, tmp_path / "copy")
    await open_and_close(Settings(data_dir=tmp_path / "copy"))
