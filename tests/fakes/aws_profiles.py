"""Profiles of `~/.aws` whose AWS is the embedded cloud, in a file of their own, and nothing else of the caller's.

profiles = Profiles(tmp_path, monkeypatch)
profiles.add("hub-admin", key, endpoint_url=cloud.url)
profiles.add("hub-reader", endpoint_url=cloud.url, role_arn=…, source_profile="hub-admin")
"""

import os
from pathlib import Path

import pytest

from crossdock.cloud.accounts import AccountCredentials

REGION = "us-east-1"


class Profiles:
    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = directory / "aws-config"
        self.file.touch(mode=0o600)
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(self.file))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(directory / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def add(self, name: str, key: AccountCredentials | None = None, *, region: str = REGION, **settings: str) -> str:
        if key is not None:
            settings["aws_access_key_id"] = key.access_key_id
            settings["aws_secret_access_key"] = key.secret_access_key
        if region:
            settings["region"] = region
        with self.file.open("a") as file:
            file.write(f"[profile {name}]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()))
        return name
