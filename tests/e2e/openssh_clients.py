"""Clients over OpenSSH: its own sftp and scp, and lftp and sshfs, which start its ssh."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from tests.e2e.harness import COMMAND_S, run
from tests.e2e.jetty import Jetty
from tests.e2e.path_commands import SftpCommands, quoted
from tests.e2e.scripted_clients import LFTP_SETTINGS, LftpCommands


@dataclass(frozen=True, slots=True)
class Sftp(SftpCommands):
    jetty: Jetty
    cwd: Path

    def names(self, directory: str) -> list[str]:
        lines = self.obey(f"@ls -1 {quoted(directory)}").stdout.splitlines()
        return [line.removeprefix(f"{directory}/") for line in lines]

    def put(self, files: Sequence[Path], directory: str) -> None:
        self.obey(*(f"put {quoted(str(file))} {quoted(directory)}" for file in files))

    def get_matching(self, directory: str, pattern: str, into: Path) -> None:
        self.obey(f"get {directory}/{pattern} {quoted(str(into))}")

    def obey(self, *lines: str, options: Sequence[str] = (), check: bool = True) -> CompletedProcess:
        """`check`: the program ends with the first line that fails, and so does this."""
        batch = self.cwd / "batch"
        batch.write_text("\n".join(lines) + "\n")
        return openssh(self.jetty, "sftp", *options, "-b", str(batch), login(self.jetty), check=check)


@dataclass(frozen=True, slots=True)
class Scp:
    """Copies only, by SFTP, as it does of itself since OpenSSH 9.0."""

    jetty: Jetty
    cwd: Path

    def put(self, files: Sequence[Path], directory: str) -> None:
        self.obey(*map(str, files), self.remote(directory))

    def get(self, remote: str, local: Path) -> None:
        self.obey(self.remote(remote), str(local))

    def get_matching(self, directory: str, pattern: str, into: Path) -> None:
        self.obey(self.remote(f"{directory}/{pattern}"), str(into))

    def put_tree(self, local: Path, remote: str) -> None:
        self.obey("-r", str(local), self.remote(remote))

    def get_tree(self, remote: str, local: Path) -> None:
        self.obey("-r", self.remote(remote), str(local))

    def remote(self, path: str) -> str:
        return f"{login(self.jetty)}:{path}"

    def obey(self, *arguments: str) -> CompletedProcess:
        return openssh(self.jetty, "scp", "-s", *arguments)


@dataclass(frozen=True, slots=True)
class LftpSsh(LftpCommands):
    jetty: Jetty
    cwd: Path

    def resume_upload(self, local: Path, remote: str) -> None:
        self.obey(f"put -c {quoted(str(local))} -o {quoted(remote)}")

    def obey(self, script: str) -> CompletedProcess:
        ssh = " ".join(["ssh", "-a", "-x", *self.jetty.options])
        said = "; ".join(f"set {setting}" for setting in (*LFTP_SETTINGS, f"sftp:connect-program {quoted(ssh)}"))
        url = f"sftp://{self.jetty.host}:{self.jetty.port}"
        command = ["lftp", "--norc", "--env-password", "-u", self.jetty.user, url, "-e", f"{said}; {script}; bye"]
        # It types what ssh asks for itself.
        variables = {name: value for name, value in self.jetty.variables.items() if not name.startswith("SSH_ASKPASS")}
        return run(command, environment={**variables, "LFTP_PASSWORD": self.jetty.password})


@dataclass(frozen=True, slots=True)
class Sshfs:
    """A directory of this computer, whose files lie there; mounted anew for each thing that is done."""

    jetty: Jetty
    cwd: Path

    def names(self, directory: str) -> list[str]:
        with self.mounted() as root:
            return os.listdir(root / directory)

    def put(self, files: Sequence[Path], directory: str) -> None:
        with self.mounted() as root:
            for file in files:
                shutil.copyfile(file, root / directory / file.name)

    def get(self, remote: str, local: Path) -> None:
        with self.mounted() as root:
            shutil.copyfile(root / remote, local)

    def get_matching(self, directory: str, pattern: str, into: Path) -> None:
        with self.mounted() as root:
            for file in (root / directory).glob(pattern):
                shutil.copyfile(file, into / file.name)

    def resume(self, remote: str, local: Path) -> None:
        with self.mounted() as root, (root / remote).open("rb") as there, local.open("ab") as here:
            there.seek(here.tell())
            shutil.copyfileobj(there, here)

    def put_tree(self, local: Path, remote: str) -> None:
        with self.mounted() as root:
            for directory, _, names in os.walk(local):
                there = root / remote / Path(directory).relative_to(local)
                there.mkdir()  # without mode and times, which Transfer refuses
                for name in names:
                    shutil.copyfile(Path(directory, name), there / name)

    def get_tree(self, remote: str, local: Path) -> None:
        with self.mounted() as root:
            shutil.copytree(root / remote, local, copy_function=shutil.copyfile)

    def rename(self, old: str, new: str) -> None:
        with self.mounted() as root:
            (root / old).rename(root / new)

    def delete(self, path: str) -> None:
        with self.mounted() as root:
            (root / path).unlink()

    def make_directory(self, path: str) -> None:
        with self.mounted() as root:
            (root / path).mkdir()

    def remove_directory(self, path: str) -> None:
        with self.mounted() as root:
            (root / path).rmdir()

    @contextmanager
    def mounted(self) -> Iterator[Path]:
        """Until the block ends and all that was written is there. sshfs waits for no answer to CLOSE; its ssh does."""
        root = self.cwd / "mounted"
        root.mkdir(exist_ok=True)
        # Only so does it not take its standard error from ssh.
        command = ["sshfs", "-v", f"{login(self.jetty)}:", str(root), "-p", str(self.jetty.port), *self.jetty.options]
        process = subprocess.Popen(
            command,
            env=self.jetty.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            # Once it is mounted, it goes into the background.
            if process.wait(COMMAND_S) != 0:
                raise ConnectionError(process.communicate()[1].decode())
            yield root
        finally:
            if str(root) in Path("/proc/self/mounts").read_text():
                run(["fusermount3", "-u", str(root)])
            # The pipe ends with the last who has it, which is ssh.
            process.communicate(timeout=COMMAND_S)


def openssh(jetty: Jetty, program: str, *arguments: str, check: bool = True) -> CompletedProcess:
    """sftp or scp; `check` as `run` has it."""
    # A batch forbids to ask for passwords, unless somebody has allowed it before.
    command = [program, "-o", "BatchMode=no", *jetty.options, "-P", str(jetty.port), *arguments]
    return run(command, environment=jetty.variables, check=check)


def login(jetty: Jetty) -> str:
    return f"{jetty.user}@{jetty.host}"
