"""Clients that take everything they are to do as arguments: lftp, curl, wget, and Python's ftplib."""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ftplib import FTP
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import quote

from tests.e2e.harness import CLEAN, run
from tests.e2e.path_commands import PathCommands, quoted
from tests.e2e.quay import USER, Quay
from tests.fakes.certificates import client_context
from tests.fakes.ftps_client import ResumingFtpTls

PATIENCE_S = 30
LFTP_SETTINGS = ("net:max-retries 1", "net:timeout 20", "net:reconnect-interval-base 1", "cmd:fail-exit yes")
CURL = ("curl", "-q", "-sS", "--globoff", "--max-time", str(PATIENCE_S))


class LftpCommands(PathCommands):
    """What lftp is told, whatever protocol it speaks."""

    RENAME = "mv"

    def names(self, directory: str) -> list[str]:
        printed = self.obey(f"cls -1 {quoted(directory + '/')}").stdout.splitlines()
        return [name.rstrip("/").rpartition("/")[2] for name in printed]

    def put(self, files: Sequence[Path], directory: str) -> None:
        self.obey(f"mput -O {quoted(directory)} {' '.join(quoted(str(file)) for file in files)}")

    def get(self, remote: str, local: Path) -> None:
        self.obey(f"get {quoted(remote)} -o {quoted(str(local))}")

    def get_matching(self, directory: str, pattern: str, into: Path) -> None:
        self.obey(f"mirror --include-glob {quoted(pattern)} {quoted(directory)} {quoted(str(into))}")

    def get_by_name(self, directory: str, pattern: str, into: Path) -> None:
        self.obey(f"lcd {quoted(str(into))}; cd {quoted(directory)}; mget {pattern}")

    def resume(self, remote: str, local: Path) -> None:
        self.obey(f"get -c {quoted(remote)} -o {quoted(str(local))}")

    def put_tree(self, local: Path, remote: str) -> None:
        self.obey(f"mirror -R {quoted(str(local))} {quoted(remote)}")

    def get_tree(self, remote: str, local: Path) -> None:
        self.obey(f"mirror {quoted(remote)} {quoted(str(local))}")

    def get_by_path(self, path: str, into: Path) -> None:
        self.obey(f"lcd {quoted(str(into))}; mget {path}")

    def delete_by_path(self, path: str) -> None:
        self.obey(f"mrm {path}")

    def obey(self, script: str) -> CompletedProcess:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Lftp(LftpCommands):
    quay: Quay
    protection: str
    cwd: Path
    password: str

    def obey(self, script: str) -> CompletedProcess:
        settings = list(LFTP_SETTINGS)
        if self.protection:
            settings += ["ftp:ssl-force yes", "ftp:ssl-protect-data yes", f"ssl:ca-file {self.quay.certificate}"]
            settings += [f"ssl:priority NORMAL:-VERS-ALL:+VERS-TLS{self.protection}"]
        else:
            settings += ["ftp:ssl-allow no"]
        said = "; ".join(f"set {setting}" for setting in settings)
        command = ["lftp", "--norc", "--env-password", "-u", USER, "-p", str(self.quay.port), self.quay.host]
        environment = {**CLEAN, "HOME": str(self.cwd), "LFTP_PASSWORD": self.password}
        return run([*command, "-e", f"{said}; {script}; bye"], environment=environment)


class CurlCommands:
    """What curl is told, whatever protocol it speaks. `command` takes what the protocol has for the rest."""

    def names(self, directory: str) -> list[str]:
        return self.obey("--list-only", self.url(directory) + "/").stdout.splitlines()

    def put(self, files: Sequence[Path], directory: str) -> None:
        # curl uses a ticket of TLS 1.3 once, and an upload brings it no other: so a curl for each file.
        for file in files:
            self.obey("-T", str(file), self.url(f"{directory}/{file.name}"))

    def get(self, remote: str, local: Path) -> None:
        self.obey("-o", str(local), self.url(remote))

    def resume(self, remote: str, local: Path) -> None:
        self.obey("-C", "-", "-o", str(local), self.url(remote))

    def command(self, *lines: str) -> None:
        self.obey("--head", *(word for line in lines for word in ("-Q", line)), self.url(""))

    def url(self, path: str) -> str:
        raise NotImplementedError

    def obey(self, *arguments: str) -> CompletedProcess:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Curl(CurlCommands):
    quay: Quay
    protection: str
    cwd: Path
    password: str

    def rename(self, old: str, new: str) -> None:
        self.command(f"RNFR {old}", f"RNTO {new}")

    def delete(self, path: str) -> None:
        self.command(f"DELE {path}")

    def make_directory(self, path: str) -> None:
        self.command(f"MKD {path}")

    def remove_directory(self, path: str) -> None:
        self.command(f"RMD {path}")

    def url(self, path: str) -> str:
        return f"ftp://{self.quay.host}:{self.quay.port}/{quote(path)}"

    def obey(self, *arguments: str) -> CompletedProcess:
        command = list(CURL)
        if self.protection:
            command += ["--ssl-reqd", "--cacert", str(self.quay.certificate)]
            command += [f"--tlsv{self.protection}", "--tls-max", self.protection]
        config = self.cwd / "curl.config"
        config.write_text(f'user = "{USER}:{self.password}"\n')
        return run([*command, "--config", str(config), *arguments])


MOST_MISSED_TICKETS = 5


@dataclass(frozen=True, slots=True)
class Wget:
    """Reads only."""

    quay: Quay
    protection: str
    cwd: Path
    password: str

    def names(self, directory: str) -> list[str]:
        listing = self.cwd / ".listing"
        self.obey("--no-remove-listing", "-P", str(self.cwd), self.url(directory) + "/")
        lines = listing.read_text().splitlines()
        return [line.split(maxsplit=8)[8] for line in lines]

    def get(self, remote: str, local: Path) -> None:
        self.obey("-O", str(local), self.url(remote))

    def get_matching(self, directory: str, pattern: str, into: Path) -> None:
        self.obey("-P", str(into), f"{self.url(directory)}/{pattern}")

    def resume(self, remote: str, local: Path) -> None:
        self.obey("-c", "-O", str(local), self.url(remote))

    def url(self, path: str) -> str:
        return f"{'ftps' if self.protection else 'ftp'}://{self.quay.host}:{self.quay.port}/{quote(path)}"

    def obey(self, *arguments: str) -> CompletedProcess:
        command = ["wget", "--no-config", "--no-verbose", "--tries=1", f"--timeout={PATIENCE_S}"]
        command += ["--local-encoding=UTF-8", "--restrict-file-names=nocontrol", f"--user={USER}"]
        if self.protection:
            command += [f"--ca-certificate={self.quay.certificate}"]
        environment = {**CLEAN, "HOME": str(self.cwd)}
        for _ in range(MOST_MISSED_TICKETS):
            done = run([*command, f"--password={self.password}", *arguments], environment=environment, check=False)
            if not self.missed_the_ticket(done):
                break
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stderr}"
        return done

    def missed_the_ticket(self, done: CompletedProcess) -> bool:
        """GnuTLS waits for a session ticket of TLS 1.3 for a round trip and 100 ms, when it is asked for the session
        (gnutls_session_get_data2(3)). On a busy machine that may be too short; then wget has no session to resume."""
        said = ("Resuming SSL session in data connection.", "Data transfer aborted.")
        return self.protection == "1.3" and done.returncode != 0 and all(word in done.stderr for word in said)


@dataclass(frozen=True, slots=True)
class Python:
    quay: Quay
    protection: str
    cwd: Path
    password: str

    def names(self, directory: str) -> list[str]:
        with self.connected() as ftp:
            return [name for name, facts in ftp.mlsd(directory) if facts["type"] in ("file", "dir")]

    def put(self, files: Sequence[Path], directory: str) -> None:
        with self.connected() as ftp:
            for file in files:
                with file.open("rb") as content:
                    ftp.storbinary(f"STOR {directory}/{file.name}", content)

    def get(self, remote: str, local: Path) -> None:
        with self.connected() as ftp, local.open("wb") as file:
            ftp.retrbinary(f"RETR {remote}", file.write)

    def get_matching(self, directory: str, pattern: str, into: Path) -> None:
        with self.connected() as ftp:
            self._fetch(ftp, f"{directory}/{pattern}", into)

    def get_by_path(self, path: str, into: Path) -> None:
        with self.connected() as ftp:
            self._fetch(ftp, path, into)

    def delete_by_path(self, path: str) -> None:
        with self.connected() as ftp:
            for name in ftp.nlst(path):
                ftp.delete(name)

    def _fetch(self, ftp: FTP, named: str, into: Path) -> None:
        for name in ftp.nlst(named):
            with (into / name.rpartition("/")[2]).open("wb") as file:
                ftp.retrbinary(f"RETR {name}", file.write)

    def resume(self, remote: str, local: Path) -> None:
        with self.connected() as ftp, local.open("ab") as file:
            ftp.retrbinary(f"RETR {remote}", file.write, rest=file.tell())

    def rename(self, old: str, new: str) -> None:
        with self.connected() as ftp:
            ftp.rename(old, new)

    def delete(self, path: str) -> None:
        with self.connected() as ftp:
            ftp.delete(path)

    def make_directory(self, path: str) -> None:
        with self.connected() as ftp:
            ftp.mkd(path)

    def remove_directory(self, path: str) -> None:
        with self.connected() as ftp:
            ftp.rmd(path)

    @contextmanager
    def connected(self) -> Iterator[FTP]:
        ftp = FTP(timeout=PATIENCE_S)
        if self.protection:
            version = ssl.TLSVersion[f"TLSv{self.protection.replace('.', '_')}"]
            ftp = ResumingFtpTls(context=client_context(version=version), timeout=PATIENCE_S)
        with ftp:
            ftp.connect(self.quay.host, self.quay.port)
            ftp.login(USER, self.password)
            if isinstance(ftp, ResumingFtpTls):
                ftp.prot_p()
            yield ftp
