"""When the collector of cycles works: from before anybody is served."""

import os
import subprocess
import sys
from pathlib import Path

SERVICE = """
import asyncio, gc, os, sys
from pathlib import Path
from crossdock.app.run import run
from crossdock.settings import load_settings

async def serve(folder):
    async def look(reader, writer):
        print("collected" if gc.isenabled() else "kept", gc.get_freeze_count() > 10_000, flush=True)
        os._exit(0)

    async with await asyncio.start_server(look, "127.0.0.1", 0) as silent:
        url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        (folder / "buckets.toml").write_text(f'''
            [landing]
            account = "hub"
            to = "s3://elsewhere"
            endpoint_url = "{url}"
            path_style = true
            credentials_file = "keys"
        ''')
        options = {"data_dir": folder / "data", "api_port": 0, "buckets": folder / "buckets.toml"}
        await run(load_settings(options=options, further_accounts={"hub": "111111111111"}))

gc.disable()
asyncio.run(serve(Path(sys.argv[1])))
"""
SETTLED = """
import gc
gc.disable()
from crossdock.app.memory import settle_memory
kept = [[number] for number in range(1000)]
settle_memory()
first = gc.get_freeze_count()
kept += [[number] for number in range(1000)]
settle_memory()
print(gc.isenabled(), first > 1000, gc.get_freeze_count() - first >= 1000)
"""


def said_by(program: str, *arguments: str) -> str:
    """By a process of its own, for what is frozen stays so. What the caller's environment sets does not count."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CROSSDOCK_", "AWS_"))}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()[-1]


def test_what_was_there_is_set_aside_and_then_what_has_come_since():
    assert said_by(SETTLED) == "True True True"


def test_while_the_start_waits_for_others_garbage_is_collected(tmp_path: Path):
    """The API serves already then, and a silent S3 may take minutes."""
    (tmp_path / "keys").write_text("[default]\naws_access_key_id = AKIA\naws_secret_access_key = secret\n")
    assert said_by(SERVICE, str(tmp_path)) == "collected True"
