"""What clients with commands of their own are told: where these are the same, or nearly."""

from pathlib import Path
from typing import Any, ClassVar


class PathCommands:
    """Of one path. `obey` takes a command; what clients call it differs in two."""

    RENAME: ClassVar = "rename"
    DELETE: ClassVar = "rm"

    def rename(self, old: str, new: str) -> None:
        self.obey(f"{self.RENAME} {quoted(old)} {quoted(new)}")

    def delete(self, path: str) -> None:
        self.obey(f"{self.DELETE} {quoted(path)}")

    def make_directory(self, path: str) -> None:
        self.obey(f"mkdir {quoted(path)}")

    def remove_directory(self, path: str) -> None:
        self.obey(f"rmdir {quoted(path)}")

    def obey(self, command: str) -> Any:
        raise NotImplementedError


class SftpCommands(PathCommands):
    """Of OpenSSH's sftp, after which PuTTY's is made."""

    def get(self, remote: str, local: Path) -> None:
        self.obey(f"get {quoted(remote)} {quoted(str(local))}")

    def resume(self, remote: str, local: Path) -> None:
        self.obey(f"reget {quoted(remote)} {quoted(str(local))}")

    def resume_upload(self, local: Path, remote: str) -> None:
        self.obey(f"reput {quoted(str(local))} {quoted(remote)}")

    def put_tree(self, local: Path, remote: str) -> None:
        self.obey(f"put -r {quoted(str(local))} {quoted(remote)}")

    def get_tree(self, remote: str, local: Path) -> None:
        self.obey(f"get -r {quoted(remote)} {quoted(str(local))}")


def quoted(text: str) -> str:
    """As they take a word."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
