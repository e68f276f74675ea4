"""Clients with an SSH of their own: curl, rclone, paramiko; and PuTTY, whose core WinSCP and FileZilla have."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import quote

import paramiko
from tests.e2e.harness import run
from tests.e2e.jetty import Jetty
from tests.e2e.path_commands import SftpCommands, quoted
from tests.e2e.scripted_clients import CURL, PATIENCE_S, CurlCommands


@dataclass(frozen=True, slots=True)
class CurlSsh(CurlCommands):
    """Knows the server by `~/.ssh/known_hosts`."""

    jetty: Jetty
    cwd: Path

    def names(self, directory: str) -> list[str]:
        return [name for name in CurlCommands.names(self, directory) if name not in (".", "..")]

    def resume_upload(self, local: Path, remote: str) -> None:
        """It asks for the size of what is there."""
        self.obey("-C", "-", "-T", str(local), self.url(remote))

    def append(self, local: Path, remote: str) -> None:
        self.obey("--append", "-T", str(local), self.url(remote))

    def rename(self, old: str, new: str) -> None:
        self.command(f"rename {quoted(old)} {quoted(new)}")

    def delete(self, path: str) -> None:
        self.command(f"rm {quoted(path)}")

    def make_directory(self, path: str) -> None:
        self.command(f"mkdir {quoted(path)}")

    def remove_directory(self, path: str) -> None:
        self.command(f"rmdir {quoted(path)}")

    def url(self, path: str) -> str:
        return f"sftp://{self.jetty.host}:{self.jetty.port}/~/{quote(path)}"

    def obey(self, *arguments: str) -> CompletedProcess:
        config = self.cwd / "curl.config"
        config.write_text(f'user = "{self.jetty.user}:{self.jetty.password}"\n')
        key = () if self.jetty.key is None else ("--key", str(self.jetty.key))
        return run([*CURL, "--config", str(config), *key, *arguments], environment=self.jetty.variables)


@dataclass(frozen=True, slots=True)
class Rclone:
    """Does not set times: Transfer refuses that unless its SetStatOption says otherwise."""

    jetty: Jetty
    cwd: Path

    def names(self, directory: str) -> list[str]:
        return [name.rstrip("/") for name in self.obey("lsf", self.remote(directory)).stdout.splitlines()]

    def put(self, files: Sequence[Path], directory: str) -> None:
        for file in files:
            self.obey("copy", str(file), self.remote(directory))

    def get(self, remote: str, local: Path) -> None:
        self.obey("copyto", self.remote(remote), str(local))

    def get_matching(self, directory: str, pattern: str, into: Path) -> None:
        self.obey("copy", "--include", pattern, self.remote(directory), str(into))

    def put_tree(self, local: Path, remote: str) -> None:
        self.obey("copy", "--create-empty-src-dirs", str(local), self.remote(remote))

    def get_tree(self, remote: str, local: Path) -> None:
        self.obey("copy", "--create-empty-src-dirs", self.remote(remote), str(local))

    def rename(self, old: str, new: str) -> None:
        self.obey("moveto", self.remote(old), self.remote(new))

    def delete(self, path: str) -> None:
        self.obey("deletefile", self.remote(path))

    def make_directory(self, path: str) -> None:
        self.obey("mkdir", self.remote(path))

    def remove_directory(self, path: str) -> None:
        self.obey("rmdir", self.remote(path))

    def remote(self, path: str) -> str:
        return f"there:{path}"

    def obey(self, *arguments: str, sets_times: bool = False, check: bool = True) -> CompletedProcess:
        config = self.cwd / "rclone.conf"
        settings = {
            "type": "sftp",
            "host": self.jetty.host,
            "port": self.jetty.port,
            "user": self.jetty.user,
            "known_hosts_file": self.jetty.known_hosts,
            "set_modtime": str(sets_times).lower(),
        }
        if self.jetty.key is None:
            settings["pass"] = run(["rclone", "obscure", "-"], input_text=self.jetty.password).stdout.strip()
        else:
            settings["key_file"] = self.jetty.key
        config.write_text("[there]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))
        command = ["rclone", "--config", str(config), "--retries", "1", "--low-level-retries", "1"]
        return run([*command, *arguments], environment=self.jetty.variables, check=check)


@dataclass(frozen=True, slots=True)
class Psftp(SftpCommands):
    """PuTTY's; by password, for it has its own form of keys."""

    jetty: Jetty
    cwd: Path
    RENAME = "mv"

    def names(self, directory: str) -> list[str]:
        lines = self.obey(f"ls {quoted(directory)}").stdout.splitlines()
        entries = [line.split(maxsplit=8) for line in lines if line[:2] in ("dr", "-r")]
        return [entry[8] for entry in entries if entry[8] not in (".", "..")]

    def put(self, files: Sequence[Path], directory: str) -> None:
        self.obey(*(f"put {quoted(str(file))} {quoted(f'{directory}/{file.name}')}" for file in files))

    def get_matching(self, directory: str, pattern: str, into: Path) -> None:
        self.obey(f"cd {quoted(directory)}", f"lcd {quoted(str(into))}", f"mget {pattern}")

    def obey(self, *lines: str) -> CompletedProcess:
        batch, password = self.cwd / "batch", self.cwd / "password"
        batch.write_text("\n".join(lines) + "\n")
        password.write_text(self.jetty.password)
        known = run(["ssh-keygen", "-l", "-f", str(self.jetty.known_hosts)]).stdout
        keys = [word for line in known.splitlines() for word in ("-hostkey", line.split()[1])]
        command = ["psftp", "-batch", "-P", str(self.jetty.port), *keys, "-pwfile", str(password), "-b", str(batch)]
        return run([*command, f"{self.jetty.user}@{self.jetty.host}"], environment=self.jetty.variables)


@dataclass(frozen=True, slots=True)
class Paramiko:
    jetty: Jetty
    cwd: Path

    def names(self, directory: str) -> list[str]:
        with self.connected() as sftp:
            return sftp.listdir(directory)

    def put(self, files: Sequence[Path], directory: str) -> None:
        with self.connected() as sftp:
            for file in files:
                sftp.put(str(file), f"{directory}/{file.name}")

    def get(self, remote: str, local: Path) -> None:
        with self.connected() as sftp:
            sftp.get(remote, str(local))

    def get_matching(self, directory: str, pattern: str, into: Path) -> None:
        with self.connected() as sftp:
            for name in sftp.listdir(directory):
                if fnmatch(name, pattern):
                    sftp.get(f"{directory}/{name}", str(into / name))

    def resume(self, remote: str, local: Path) -> None:
        with self.connected() as sftp, sftp.open(remote) as there, local.open("ab") as here:
            there.seek(here.tell())
            here.write(there.read())

    def resume_upload(self, local: Path, remote: str) -> None:
        with self.connected() as sftp, local.open("rb") as here, sftp.open(remote, "r+") as there:
            size = there.stat().st_size or 0
            here.seek(size)
            there.seek(size)
            there.write(here.read())

    def append(self, local: Path, remote: str) -> None:
        with self.connected() as sftp, sftp.open(remote, "ab") as there:
            there.write(local.read_bytes())

    def rename(self, old: str, new: str) -> None:
        with self.connected() as sftp:
            sftp.rename(old, new)

    def delete(self, path: str) -> None:
        with self.connected() as sftp:
            sftp.remove(path)

    def make_directory(self, path: str) -> None:
        with self.connected() as sftp:
            sftp.mkdir(path)

    def remove_directory(self, path: str) -> None:
        with self.connected() as sftp:
            sftp.rmdir(path)

    @contextmanager
    def connected(self) -> Iterator[paramiko.SFTPClient]:
        with paramiko.SSHClient() as ssh:
            ssh.load_host_keys(str(self.jetty.known_hosts))
            ssh.connect(
                self.jetty.host,
                self.jetty.port,
                self.jetty.user,
                password=self.jetty.password or None,
                key_filename=None if self.jetty.key is None else str(self.jetty.key),
                allow_agent=False,
                look_for_keys=False,
                timeout=PATIENCE_S,
            )
            with ssh.open_sftp() as sftp:
                yield sftp
