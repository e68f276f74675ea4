"""Clients that are told what to do on their standard input, and say that all went well whatever happened: ncftp, tnftp.

Whether they did it is for the test to see, in what is stored and in what came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from tests.e2e.harness import CLEAN, run
from tests.e2e.path_commands import PathCommands, quoted
from tests.e2e.quay import USER, Quay


@dataclass(frozen=True, slots=True)
class Ncftp(PathCommands):
    """ncftpput, ncftpget and ncftpls where they can, else ncftp itself."""

    quay: Quay
    protection: str
    cwd: Path
    password: str

    def names(self, directory: str) -> list[str]:
        url = f"ftp://{self.quay.host}/{directory}/"
        return self.run("ncftpls", "-1", *self.login, url).stdout.splitlines()

    def put(self, files: Sequence[Path], directory: str) -> None:
        self.run("ncftpput", "-V", *self.login, self.quay.host, directory, *map(str, files))

    def get(self, remote: str, local: Path) -> None:
        into = local.parent / "taken"
        into.mkdir()
        self.run("ncftpget", "-V", *self.login, self.quay.host, str(into), remote)
        (into / remote.rpartition("/")[2]).rename(local)

    def get_matching(self, directory: str, pattern: str, into: Path) -> None:
        self.run("ncftpget", "-V", *self.login, self.quay.host, str(into), f"{directory}/{pattern}")

    def get_by_path(self, path: str, into: Path) -> None:
        self.run("ncftp", *self.login, self.quay.host, input_text=f"lcd {into}\nmget {path}\nbye\n")

    def delete_by_path(self, path: str) -> None:
        self.obey(f"rm {path}")

    def resume(self, remote: str, local: Path) -> None:
        """It takes a local file that is shorter for the beginning."""
        self.run("ncftpget", "-V", *self.login, self.quay.host, str(local.parent), remote)

    @property
    def login(self) -> tuple[str, ...]:
        return ("-u", USER, "-p", self.password, "-P", str(self.quay.port))

    def obey(self, command: str) -> None:
        self.run("ncftp", *self.login, self.quay.host, input_text=f"{command}\nbye\n")

    def run(self, *command: str, input_text: str | None = None) -> CompletedProcess:
        # One attempt: it waits twenty seconds before a second one.
        program, *rest = command
        attempts = [] if program in ("ncftp", "ncftpls") else ["-r", "0"]
        return run([program, *attempts, *rest], environment={**CLEAN, "HOME": str(self.cwd)}, input_text=input_text)


@dataclass(frozen=True, slots=True)
class Tnftp(PathCommands):
    """The FTP program of the BSDs."""

    DELETE = "delete"

    quay: Quay
    protection: str
    cwd: Path
    password: str

    def names(self, directory: str) -> list[str]:
        listing = self.cwd / "listing"
        self.obey(f"nlist {quoted(directory)} {quoted(str(listing))}")
        return [line.rpartition("/")[2] for line in listing.read_text().splitlines()]

    def put(self, files: Sequence[Path], directory: str) -> None:
        self.obey(f"cd {quoted(directory)}", *(f"put {quoted(str(file))} {quoted(file.name)}" for file in files))

    def get(self, remote: str, local: Path) -> None:
        self.obey(f"get {quoted(remote)} {quoted(str(local))}")

    def get_matching(self, directory: str, pattern: str, into: Path) -> None:
        self.obey(f"lcd {quoted(str(into))}", f"cd {quoted(directory)}", f"mget {pattern}")

    def get_by_path(self, path: str, into: Path) -> None:
        self.obey(f"lcd {quoted(str(into))}", f"mget {path}")

    def delete_by_path(self, path: str) -> None:
        self.obey(f"mdelete {path}")

    def resume(self, remote: str, local: Path) -> None:
        self.obey(f"reget {quoted(remote)} {quoted(str(local))}")

    def obey(self, *commands: str) -> None:
        script = "\n".join([f"user {USER} {self.password}", "binary", "prompt off", *commands, "bye", ""])
        done = run(
            ["tnftp", "-n", self.quay.host, str(self.quay.port)],
            environment={**CLEAN, "HOME": str(self.cwd)},
            input_text=script,
        )
        assert "Login failed" not in done.stdout + done.stderr, done
